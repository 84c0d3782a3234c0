/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recursive descent over the grammar of RFC 2603. Symbols are foreign: back references may form
 * loops or grow without bounds, so depth, steps and output are limited. */
#include "coredump/rust-name.h"

#include "common/text.h"
#include <ctype.h>

#define DEPTH_MAX   64
#define STEPS_MAX   20000
#define HEX	    "0123456789abcdef"
#define HASH_DIGITS 16

typedef struct Reader {
	const char *begin, *at; /* begin: what back references count from */
	char *out;
	size_t length, size;
	unsigned depth, steps;
	bool failed, silent;
} Reader;

static void read_path(Reader *r);
static void read_type(Reader *r);

static void put(Reader *r, const char *text, size_t n)
{
	if (r->silent || r->failed)
		return;
	n = MIN_OF(n, r->size - 1 - r->length);
	memcpy(r->out + r->length, text, n);
	r->length += n;
}

static void put_text(Reader *r, const char *text)
{
	put(r, text, strlen(text));
}

static bool take(Reader *r, char c)
{
	if (r->failed || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* False at the end of what one symbol may cost, and of the text. */
static bool enter(Reader *r)
{
	if (++r->depth > DEPTH_MAX || ++r->steps > STEPS_MAX || !*r->at)
		r->failed = true;
	return !r->failed;
}

/* "_" is 0, "0_" is 1, … */
static uint64_t read_base62(Reader *r)
{
	uint64_t value = 0;

	if (take(r, '_'))
		return 0;
	for (; isalnum((unsigned char)*r->at) && value < UINT32_MAX; r->at++) {
		char c = *r->at;
		value = value * 62 + (uint64_t)(isdigit((unsigned char)c)   ? c - '0'
						: islower((unsigned char)c) ? c - 'a' + 10
									    : c - 'A' + 36);
	}
	r->at += strspn(r->at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (!take(r, '_'))
		r->failed = true;
	return value + 1;
}

static void read_disambiguator(Reader *r)
{
	if (take(r, 's'))
		(void)read_base62(r);
}

/* Punycode stays as it is. */
static void read_bytes(Reader *r, const char **ret, size_t *ret_n)
{
	uint64_t n = 0;

	(void)take(r, 'u');
	if (!isdigit((unsigned char)*r->at))
		r->failed = true;
	else if (*r->at == '0') /* no other digit behind it */
		r->at++;
	else if (parse_u64_prefix(r->at, &r->at, &n) < 0)
		r->failed = true;
	(void)take(r, '_');
	if (r->failed || n > strlen(r->at)) {
		r->failed = true;
		n = 0;
	}
	*ret = r->at;
	*ret_n = (size_t)n;
	r->at += n;
}

static void read_identifier(Reader *r)
{
	const char *bytes;
	size_t n;

	read_disambiguator(r);
	read_bytes(r, &bytes, &n);
	put(r, bytes, n);
}

/* Reads again what stands farther in front. */
static void read_back(Reader *r, void (*read)(Reader *))
{
	const char *here = r->at - 1;
	uint64_t to = read_base62(r);
	const char *back = r->at;

	if (r->failed || to >= (uint64_t)(here - r->begin)) {
		r->failed = true;
		return;
	}
	r->at = r->begin + to;
	read(r);
	r->at = back;
}

static void read_nested(Reader *r)
{
	char space = *r->at;
	const char *bytes;
	size_t n;

	if (!isalpha((unsigned char)space)) {
		r->failed = true;
		return;
	}
	r->at++;
	read_path(r);
	read_disambiguator(r);
	read_bytes(r, &bytes, &n);
	if (space == 'C' || space == 'S') {
		put_text(r, space == 'C' ? "::{closure}" : "::{shim}");
	} else if (n > 0) {
		put_text(r, "::");
		put(r, bytes, n);
	}
}

/* Where an impl block stands: of no interest to people. */
static void read_impl_place(Reader *r)
{
	bool silent = r->silent;

	r->silent = true;
	read_disambiguator(r);
	read_path(r);
	r->silent = silent;
}

static void read_impl(Reader *r, bool placed, bool trait)
{
	if (placed)
		read_impl_place(r);
	put_text(r, "<");
	read_type(r);
	if (trait) {
		put_text(r, " as ");
		read_path(r);
	}
	put_text(r, ">");
}

static void read_constant(Reader *r)
{
	if (!enter(r))
		return;
	if (take(r, 'B')) {
		read_back(r, read_constant);
	} else if (take(r, 'p')) {
		put_text(r, "_");
	} else {
		r->at++; /* its type */
		(void)take(r, 'n');
		r->at += strspn(r->at, HEX);
		if (!take(r, '_'))
			r->failed = true;
		put_text(r, "_");
	}
	r->depth--;
}

static void read_arguments(Reader *r)
{
	for (bool first = true; !r->failed && !take(r, 'E'); first = false) {
		put_text(r, first ? "" : ", ");
		if (take(r, 'L')) {
			(void)read_base62(r);
			put_text(r, "'_");
		} else if (take(r, 'K')) {
			read_constant(r);
		} else {
			read_type(r);
		}
	}
}

static void read_generic(Reader *r)
{
	read_path(r);
	put_text(r, "<");
	read_arguments(r);
	put_text(r, ">");
}

static void read_path(Reader *r)
{
	if (!enter(r))
		return;
	switch (*r->at++) {
	case 'C':
		read_identifier(r);
		break;
	case 'N':
		read_nested(r);
		break;
	case 'M':
		read_impl(r, true, false);
		break;
	case 'X':
		read_impl(r, true, true);
		break;
	case 'Y':
		read_impl(r, false, true);
		break;
	case 'I':
		read_generic(r);
		break;
	case 'B':
		read_back(r, read_path);
		break;
	default:
		r->failed = true;
	}
	r->depth--;
}

/* ---- types ----------------------------------------------------------------------------------- */

static const char *basic_type(char c)
{
	static const char *const names['z' - 'a' + 1] = {
		['a' - 'a'] = "i8",
		['b' - 'a'] = "bool",
		['c' - 'a'] = "char",
		['d' - 'a'] = "f64",
		['e' - 'a'] = "str",
		['f' - 'a'] = "f32",
		['h' - 'a'] = "u8",
		['i' - 'a'] = "isize",
		['j' - 'a'] = "usize",
		['l' - 'a'] = "i32",
		['m' - 'a'] = "u32",
		['n' - 'a'] = "i128",
		['o' - 'a'] = "u128",
		['p' - 'a'] = "_",
		['s' - 'a'] = "i16",
		['t' - 'a'] = "u16",
		['u' - 'a'] = "()",
		['v' - 'a'] = "...",
		['x' - 'a'] = "i64",
		['y' - 'a'] = "u64",
		['z' - 'a'] = "!",
	};

	return c >= 'a' && c <= 'z' ? names[c - 'a'] : NULL;
}

static void skip_binder(Reader *r)
{
	if (take(r, 'G'))
		(void)read_base62(r);
}

static void read_function(Reader *r)
{
	const char *bytes;
	size_t n;

	skip_binder(r);
	(void)take(r, 'U');
	if (take(r, 'K') && !take(r, 'C'))
		read_bytes(r, &bytes, &n);
	put_text(r, "fn(");
	read_arguments(r);
	put_text(r, ")");
	if (take(r, 'u'))
		return;
	put_text(r, " -> ");
	read_type(r);
}

static void read_dynamic(Reader *r)
{
	const char *bytes;
	size_t n;

	skip_binder(r);
	put_text(r, "dyn ");
	for (bool first = true; !r->failed && !take(r, 'E'); first = false) {
		put_text(r, first ? "" : " + ");
		read_path(r);
		while (take(r, 'p')) { /* Output = … */
			bool silent = r->silent;
			r->silent = true;
			read_bytes(r, &bytes, &n);
			read_type(r);
			r->silent = silent;
		}
	}
	if (!take(r, 'L'))
		r->failed = true;
	else
		(void)read_base62(r);
}

static void read_reference(Reader *r, const char *sign)
{
	if (take(r, 'L'))
		(void)read_base62(r);
	put_text(r, sign);
	read_type(r);
}

static void read_array(Reader *r, bool sized)
{
	put_text(r, "[");
	read_type(r);
	if (sized) {
		put_text(r, "; ");
		read_constant(r);
	}
	put_text(r, "]");
}

static void read_compound(Reader *r, char kind)
{
	switch (kind) {
	case 'A':
	case 'S':
		read_array(r, kind == 'A');
		break;
	case 'T':
		put_text(r, "(");
		read_arguments(r);
		put_text(r, ")");
		break;
	case 'R':
	case 'Q':
		read_reference(r, kind == 'R' ? "&" : "&mut ");
		break;
	case 'P':
	case 'O':
		put_text(r, kind == 'P' ? "*const " : "*mut ");
		read_type(r);
		break;
	case 'F':
		read_function(r);
		break;
	case 'D':
		read_dynamic(r);
		break;
	case 'B':
		read_back(r, read_type);
		break;
	default: /* a path */
		r->at--;
		read_path(r);
	}
}

static void read_type(Reader *r)
{
	if (!enter(r))
		return;
	char kind = *r->at++;
	const char *basic = basic_type(kind);
	if (basic)
		put_text(r, basic);
	else
		read_compound(r, kind);
	r->depth--;
}

static bool demangle_v0(const char *symbol, char *ret, size_t size)
{
	Reader r = {.begin = symbol, .at = symbol, .out = ret, .size = size};

	read_path(&r);
	if (r.failed || r.length == 0)
		return false;
	ret[r.length] = '\0';
	return true;
}

/* ---- legacy ---------------------------------------------------------------------------------- */

static const char *unescape_one(const char *p, char *ret)
{
	static const struct {
		const char *escape;
		char c;
	} rows[] = {{"$LT$", '<'}, {"$GT$", '>'}, {"$RF$", '&'}, {"$BP$", '*'}, {"$C$", ','},
		{"$LP$", '('}, {"$RP$", ')'}, {"$SP$", '@'}, {"$u20$", ' '}, {"$u27$", '\''},
		{"$u5b$", '['}, {"$u5d$", ']'}, {"$u7b$", '{'}, {"$u7d$", '}'}, {"$u7e$", '~'}};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const char *rest = startswith(p, rows[i].escape);
		if (rest) {
			*ret = rows[i].c;
			return rest;
		}
	}
	return NULL;
}

void rust_unescape(char *text)
{
	char *to = text, c, before = ':';

	for (const char *p = text, *rest; *p;) {
		/* an identifier cannot begin with "$" */
		if (p[0] == '_' && p[1] == '$' && before == ':')
			p++;
		rest = unescape_one(p, &c);
		if (rest) {
			before = *to++ = c;
			p = rest;
		} else if (p[0] == '.' && p[1] == '.') {
			*to++ = ':';
			before = *to++ = ':';
			p += 2;
		} else {
			before = *to++ = *p++;
		}
	}
	*to = '\0';
}

static bool is_hash(const char *bytes, uint64_t n)
{
	return n == 1 + HASH_DIGITS && bytes[0] == 'h' && strspn(bytes + 1, HEX) >= HASH_DIGITS;
}

/* "_ZN" and pieces with their lengths, of which the last is the hash. */
static bool demangle_legacy(const char *p, char *ret, size_t size)
{
	Reader r = {.out = ret, .size = size};
	uint64_t n;

	while (isdigit((unsigned char)*p)) {
		if (parse_u64_prefix(p, &p, &n) < 0 || n == 0 || n > strlen(p))
			return false;
		if (p[n] == 'E' && is_hash(p, n) && r.length) {
			ret[r.length] = '\0';
			rust_unescape(ret);
			return true;
		}
		put_text(&r, r.length ? "::" : "");
		put(&r, p, (size_t)n);
		p += n;
	}
	return false;
}

bool rust_demangle(const char *symbol, char *ret, size_t size)
{
	const char *v0 = startswith(symbol, "_R"), *legacy = startswith(symbol, "_ZN");

	if (v0 && isupper((unsigned char)*v0))
		return demangle_v0(v0, ret, size);
	return legacy && demangle_legacy(legacy, ret, size);
}
