/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's format_corename() backwards. */
#include "coredump/core-pattern.h"

#include "common/strbuf.h"
#include "common/text.h"
#include <ctype.h>
#include <limits.h>
#include <string.h>

/* Only %p counts, as in the kernel: %P does not keep it from adding the pid. */
static bool has_pid(const char *pattern)
{
	for (const char *p = pattern; (p = strchr(p, '%')) && p[1]; p += 2)
		if (p[1] == 'p')
			return true;
	return false;
}

int core_pattern_parse(const char *text, bool uses_pid, CorePattern *ret)
{
	size_t length = strcspn(text, "\n");
	char pattern[CORE_PATTERN_MAX];

	*ret = (CorePattern){};
	if (length >= sizeof pattern)
		return -EINVAL;
	memcpy(pattern, text, length);
	pattern[length] = '\0';
	if (pattern[0] == '|' || pattern[0] == '@') {
		ret->target = pattern[0] == '|' ? CORE_TARGET_PIPE : CORE_TARGET_SOCKET;
		return 0;
	}
	if (!pattern[0] && !uses_pid)
		return 0;
	char *slash = strrchr(pattern, '/');
	const char *name = slash ? slash + 1 : pattern;
	(void)snprintf(ret->name, sizeof ret->name, "%s%s", name,
		uses_pid && !has_pid(pattern) ? ".%p" : "");
	ret->target = pattern[0] == '/' ? CORE_TARGET_ABSOLUTE : CORE_TARGET_RELATIVE;
	if (slash) {
		slash[slash == pattern ? 1 : 0] = '\0';
		strcpy(ret->directory, pattern);
	}
	return 0;
}

int core_pattern_directory(
	const CorePattern *pattern, uid_t uid, gid_t gid, const char *hostname, char **ret)
{
	_cleanup_(strbuf_done) StrBuf out = {};

	for (const char *p = pattern->directory; *p; p++) {
		if (*p != '%') {
			strbuf_add_char(&out, *p);
			continue;
		}
		switch (*++p) {
		case 'u':
			strbuf_addf(&out, "%u", uid);
			break;
		case 'g':
			strbuf_addf(&out, "%u", gid);
			break;
		case 'h':
			strbuf_add(&out, hostname);
			break;
		case '%':
			strbuf_add_char(&out, '%');
			break;
		default: /* also "%/", which is no end of a folder's name */
			return -ENOTSUP;
		}
	}
	if (out.failed || !(*ret = strbuf_take(&out)))
		return -ENOMEM;
	return 0;
}

/* What each specifier puts into a name, and which field it is. */
typedef struct Specifier {
	char letter;
	bool number;
	const char *field; /* NULL: tells nothing that is wanted */
} Specifier;

/* clang-format off */
static const Specifier specifiers[] = {
	{'p', true,  "COREDUMP_PID"},
	{'P', true,  NULL}, /* of the initial namespace: the pid where there is no %p */
	{'i', true,  NULL},
	{'I', true,  NULL},
	{'u', true,  "COREDUMP_UID"},
	{'g', true,  "COREDUMP_GID"},
	{'d', true,  "COREDUMP_DUMPABLE"},
	{'s', true,  "COREDUMP_SIGNAL"},
	{'t', true,  "COREDUMP_TIMESTAMP"},
	{'c', true,  "COREDUMP_RLIMIT"},
	{'C', true,  NULL},
	{'h', false, "COREDUMP_HOSTNAME"},
	{'e', false, "COREDUMP_COMM"},
	{'f', false, NULL},
	{'E', false, "COREDUMP_EXE"},
};
/* clang-format on */

static const Specifier *find_specifier(char letter)
{
	for (size_t i = 0; i < ELEMENTSOF(specifiers); i++)
		if (specifiers[i].letter == letter)
			return &specifiers[i];
	return NULL;
}

typedef struct Match {
	const char *name;
	const char *pattern;
	/* What cannot match need not be tried again: without it names could be made that take
	 * exponential time. */
	bool failed[CORE_PATTERN_MAX + 8][NAME_MAX + 1];
	unsigned char from[CORE_PATTERN_MAX + 8], to[CORE_PATTERN_MAX + 8]; /* of a specifier */
} Match;

static bool match_at(Match *match, size_t p, size_t n);

/* The longest first: text is greedy, numbers cannot be anything else. */
static bool match_specifier(Match *match, const Specifier *specifier, size_t p, size_t n)
{
	size_t longest =
		specifier->number ? strspn(match->name + n, "0123456789") : strlen(match->name + n);

	for (size_t length = longest + 1; length-- > (specifier->number ? 1U : 0U);)
		if (match_at(match, p + 2, n + length)) {
			match->from[p] = (unsigned char)n;
			match->to[p] = (unsigned char)(n + length);
			return true;
		}
	return false;
}

static bool match_at(Match *match, size_t p, size_t n)
{
	const char *pattern = match->pattern + p;
	bool matched;

	if (match->failed[p][n])
		return false;
	if (!*pattern)
		matched = !match->name[n];
	else if (*pattern != '%')
		matched = *pattern == match->name[n] && match_at(match, p + 1, n + 1);
	else if (!pattern[1])
		matched = match_at(match, p + 1, n); /* dropped by the kernel */
	else if (pattern[1] == '%')
		matched = match->name[n] == '%' && match_at(match, p + 2, n + 1);
	else if (find_specifier(pattern[1]))
		matched = match_specifier(match, find_specifier(pattern[1]), p, n);
	else
		matched = match_at(match, p + 2, n); /* unknown ones are dropped too */
	match->failed[p][n] = !matched;
	return matched;
}

static int take(Crash *crash, const Specifier *specifier, const char *value, size_t length)
{
	char text[NAME_MAX + 8];
	int n = snprintf(text, sizeof text, "%.*s", (int)length, value);

	if (specifier->letter == 't') /* seconds */
		n = snprintf(
			text, sizeof text, "%.*s000000", (int)MIN_OF(length, (size_t)12), value);
	for (char *p = text; specifier->letter == 'E' && *p; p++)
		*p = *p == '!' ? '/' : *p; /* the kernel's replacement */
	return crash_take_field(crash, specifier->field, strlen(specifier->field), text, (size_t)n);
}

static int take_all(const Match *match, Crash *crash)
{
	int r = 0;

	for (const char *p = match->pattern; r >= 0 && (p = strchr(p, '%')) && p[1]; p += 2) {
		const Specifier *specifier = find_specifier(p[1]);
		size_t at = (size_t)(p - match->pattern);
		if (specifier && specifier->field && match->to[at] > match->from[at])
			r = take(crash, specifier, match->name + match->from[at],
				(size_t)(match->to[at] - match->from[at]));
	}
	return r;
}

int core_pattern_match(const CorePattern *pattern, const char *name, Crash *crash)
{
	size_t literal = strcspn(pattern->name, "%");
	if (pattern->target < CORE_TARGET_ABSOLUTE || strlen(name) > NAME_MAX ||
		strncmp(pattern->name, name, literal) != 0)
		return 0;
	_cleanup_(freep) Match *match = calloc(1, sizeof *match);
	int r;

	if (!match)
		return -ENOMEM;
	match->name = name;
	match->pattern = pattern->name;
	if (!name[0] || !match_at(match, 0, 0))
		return 0;
	r = crash ? take_all(match, crash) : 0;
	return r < 0 ? r : 1;
}
