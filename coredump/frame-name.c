/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of functions, folded. One pass over text that may be cut anywhere or never was a name: what
 * is not understood is kept. */
#include "coredump/frame-name.h"

#include "common/text.h"
#include "coredump/rust-name.h"
#include "coredump/trace.h"
#include <ctype.h>

#define HEX	     "0123456789abcdef"
#define UNNAMED_CALL "::{unnamed}::operator()"
#define RUST_HASH    16 /* digits behind "::h" */

typedef struct Folded {
	char *text; /* of FRAME_NAME_SIZE */
	size_t length;
} Folded;

static void put(Folded *out, const char *text, size_t n)
{
	n = MIN_OF(n, FRAME_NAME_SIZE - 1 - out->length);
	memcpy(out->text + out->length, text, n);
	out->length += n;
}

static void put_text(Folded *out, const char *text)
{
	put(out, text, strlen(text));
}

static bool ends_with(const Folded *out, const char *text)
{
	size_t n = strlen(text);

	return out->length >= n && memcmp(out->text + out->length - n, text, n) == 0;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Behind the bracket that closes the one at p; the end of the text where none does. */
static const char *skip_round(const char *p)
{
	for (size_t depth = 0; *p; p++)
		if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	return p;
}

static const char *skip_angle(const char *p)
{
	for (size_t depth = 0; *p;) {
		if (*p == '(') {
			p = skip_round(p);
			continue;
		}
		if (*p == '<')
			depth++;
		else if (*p == '>' && p[-1] != '-' && --depth == 0)
			return p + 1;
		p++;
	}
	return p;
}

static const char *skip_square(const char *p)
{
	size_t n = strcspn(p, "]");

	return p + n + (p[n] != '\0');
}

/* "<T as Trait>" and "<impl Trait for T>" say whose method it is: kept, without what is in angles
 * inside of it. */
static const char *keep_angle(Folded *out, const char *p)
{
	const char *end = skip_angle(p);

	put(out, p++, 1);
	while (p < end) {
		if (*p != '<' || !is_name_char(p[-1])) {
			put(out, p++, 1);
			continue;
		}
		put_text(out, "<>");
		p = skip_angle(p);
	}
	return p;
}

/* "{lambda(int)#1}", "{{closure}}", "{closure#0}", "{unnamed type#2}": which one it is changes with
 * every other one that is written above it. */
static const char *fold_braces(Folded *out, const char *p)
{
	size_t depth = 0;

	p += strspn(p, "{");
	const char *word = p;
	p += strcspn(p, "#( }");
	put_text(out, "{");
	put(out, word, (size_t)(p - word));
	put_text(out, "}");
	for (; *p; p++)
		if (*p == '{')
			depth++;
		else if (*p == '}' && depth-- == 0)
			break;
	return p + strspn(p, "}");
}

static const char *skip_qualifiers(const char *p)
{
	static const char *const words[] = {
		" const", " volatile", " &&", " &", " noexcept", "[abi:cxx11]"};

	for (size_t i = 0; i < ELEMENTSOF(words);) {
		const char *rest = startswith(p, words[i]);
		p = rest ? rest : p;
		i = rest ? 0 : i + 1;
	}
	return p;
}

/* Behind "operator": a sign, brackets, new and delete, or the type that it converts to. */
static const char *fold_operator(Folded *out, const char *p)
{
	static const char *const signs[] = {"()", "[]", "->*", "<=>", "<<=", ">>=", "->", "<<",
		">>", "<=", ">=", "==", "!=", "&&", "||", "++", "--",
		"+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "+", "-", "*", "/", "%", "^", "&",
		"|", "~", "!", "=", "<", ">", ","};

	put_text(out, "operator");
	for (size_t i = 0; i < ELEMENTSOF(signs); i++) {
		const char *rest = startswith(p, signs[i]);
		if (!rest)
			continue;
		put_text(out, signs[i]);
		return rest + (rest[0] == ' ' && rest[1] == '<');
	}
	while (*p && *p != '(') {
		if (*p != '<') {
			put(out, p++, 1);
			continue;
		}
		put_text(out, "<>");
		p = skip_angle(p);
	}
	return p;
}

static bool is_clone(const char *p)
{
	static const char *const marks[] = {".constprop", ".isra", ".part", ".cold", ".lto_priv",
		".llvm", ".localalias", ".clone", ".warm", ".hot", ".unlikely"};

	for (size_t i = 0; i < ELEMENTSOF(marks); i++)
		if (startswith(p, marks[i]))
			return true;
	return p[strspn(p, ".0123456789")] == '\0'; /* a local one's number */
}

/* Parameters end the name, but for what is local to the function: f(int)::{lambda()#1}. */
static const char *fold_round(Folded *out, const char *p)
{
	const char *rest = startswith(p, "(anonymous namespace)");

	if (rest) {
		put_text(out, "(anonymous)");
		return rest;
	}
	if (out->length == 0 || ends_with(out, "decltype")) /* of the type it returns */
		return skip_round(p);
	rest = skip_round(p);
	if (ends_with(out, ".")) { /* Go: main.(*Server).serve */
		put(out, p, (size_t)(rest - p));
		return rest;
	}
	rest = skip_qualifiers(rest);
	return startswith(rest, "::") ? rest : NULL;
}

static const char *fold_angle(Folded *out, const char *p)
{
	if (out->length == 0 || startswith(p, "<impl "))
		return keep_angle(out, p);
	if (ends_with(out, "::")) /* f::<u8> of Rust */
		out->length -= 2;
	put_text(out, "<>");
	return skip_angle(p);
}

/* One step at a character with a meaning: where to go on; NULL: the name ends here. */
static const char *fold_special(Folded *out, const char *p)
{
	const char *rest;

	switch (*p) {
	case '<':
		return fold_angle(out, p);
	case '(':
		return fold_round(out, p);
	case '{':
		return fold_braces(out, p);
	case '[':
		return skip_square(p);
	case ' ': /* what stood in front was the type it returns, or "virtual thunk to" */
		if (startswith(p, " [") || startswith(p, " (."))
			return NULL;
		out->length = 0;
		return p + 1;
	case '@':
		return out->length ? NULL : p + 1;
	case '\'': /* clang: 'lambda1'(int)::operator()(int) */
		rest = startswith(p, "'lambda");
		put_text(out, rest ? "{lambda}" : "{unnamed}");
		p += 1 + strcspn(p + 1, "'");
		return p + (*p == '\'');
	case '$': /* clang: f()::$_0 */
		rest = startswith(p, "$_");
		if (!rest)
			break;
		put_text(out, "{lambda}");
		return rest + strspn(rest, "0123456789");
	default:
		break;
	}
	put(out, p, 1);
	return p + 1;
}

static void fold(Folded *out, const char *name)
{
	const char *rest;

	for (const char *p = name; p && *p;) {
		bool begins = p == name || !is_name_char(p[-1]);
		rest = begins ? startswith(p, "operator") : NULL;
		if (rest && !is_name_char(*rest))
			p = fold_operator(out, rest);
		else if (begins && (rest = startswith(p, "_GLOBAL__N_")))
			put_text(out, "(anonymous)"), p = rest + strcspn(rest, ":");
		else if (*p == '.' && out->length && is_clone(p))
			return;
		else
			p = fold_special(out, p);
	}
}

/* ---- before folding: what one language or library adds -------------------------------------- */

/* Cuts "::h0123456789abcdef", which is another one in each build, where a demangler of C++ left it,
 * and what else that one left. */
static void strip_rust(char *text)
{
	char *hash = strstr(text, "::h");

	for (char *more; hash && (more = strstr(hash + 3, "::h"));)
		hash = more;
	bool rust = hash && hash != text && strspn(hash + 3, HEX) == RUST_HASH &&
		    !is_name_char(hash[3 + RUST_HASH]);
	if (rust)
		*hash = '\0';
	if (rust || strstr(text, "$LT$") || strstr(text, "$u7b$"))
		rust_unescape(text);
}

/* __memmove_avx_unaligned_erms is memmove where the processor has AVX. */
static void strip_variant(char *text)
{
	static const char *const variants[] = {"_avx", "_evex", "_sse2", "_ssse3", "_sse4", "_erms",
		"_generic", "_asimd", "_sve", "_mops"};
	char *at = NULL;

	if (text[0] != '_' || text[1] != '_')
		return;
	for (size_t i = 0; i < ELEMENTSOF(variants); i++) {
		char *found = strstr(text + 2, variants[i]);
		at = found && (!at || found < at) ? found : at;
	}
	if (!at || at == text + 2)
		return;
	*at = '\0';
	memmove(text, text + 2, strlen(text + 2) + 1);
}

/* Of a lambda that was inlined, DWARF tells the function around it, not that one's namespaces, and
 * no name at all: so much of it is kept everywhere. */
static void fold_lambda(Folded *out)
{
	char *lambda = memmem(out->text, out->length, "::{lambda}", strlen("::{lambda}"));
	char *unnamed = memmem(out->text, out->length, UNNAMED_CALL, strlen(UNNAMED_CALL));
	char *from = lambda;

	if (!lambda && unnamed && unnamed + strlen(UNNAMED_CALL) == out->text + out->length) {
		out->length = (size_t)(unnamed - out->text);
		put_text(out, "::{lambda}::operator()");
		from = unnamed;
	}
	if (!from)
		return;
	while (from > out->text && !(from[-1] == ':' && from > out->text + 1 && from[-2] == ':'))
		from--;
	out->length -= (size_t)(from - out->text);
	memmove(out->text, from, out->length);
}

/* What was cut was cut between two code points. */
static void cut_code_point(Folded *out)
{
	const unsigned char *text = (const unsigned char *)out->text;
	size_t at = out->length;
	uint32_t c;

	if (out->length < FRAME_NAME_SIZE - 1)
		return;
	while (at > 0 && (text[--at] & 0xc0) == 0x80)
		;
	if (text[at] >= 0xc0 && decode_utf8(text + at, out->length - at, &c) == 0)
		out->length = at;
}

void frame_name_fold(const char *function, char ret[static FRAME_NAME_SIZE])
{
	char text[TRACE_TEXT_MAX + 1];
	Folded out = {.text = ret};
	const char *rest;

	if (!rust_demangle(function, text, sizeof text)) {
		(void)snprintf(text, sizeof text, "%s", function);
		strip_rust(text);
	}
	strip_variant(text);
	rest = startswith(text, "__GI_");
	if (!rest)
		rest = text;
	if ((rest[0] == '-' || rest[0] == '+') && rest[1] == '[') /* Objective-C */
		put_text(&out, rest);
	else
		fold(&out, rest);
	while (out.length > 0 && ends_with(&out, " "))
		out.length--;
	fold_lambda(&out);
	if (out.length == 0)
		put_text(&out, function);
	cut_code_point(&out);
	ret[out.length] = '\0';
}
