/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in and out: numbers and spans as people type them, foreign bytes made safe to show.
 * Nothing here trusts its input, nothing here allocates more than a few times its length. */
#include "common/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <wchar.h>

const char *endswith(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && streq(s + n - m, suffix) ? s + n - m : NULL;
}

int parse_u64_prefix(const char *s, const char **rest, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	}
	if (p == s)
		return -EINVAL;
	*rest = p;
	*ret = value;
	return 0;
}

int parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
	const char *rest;
	uint64_t value;
	int r;

	r = parse_u64_prefix(s, &rest, &value);
	if (r < 0)
		return r;
	if (*rest)
		return -EINVAL;
	if (value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

typedef struct Unit {
	const char *name;
	uint64_t factor;
} Unit;

/* As systemd.time(7) has them: 30.44 and 365.25 days. */
#define MONTH_USEC (2629800 * USEC_PER_SEC)
#define YEAR_USEC  (31557600 * USEC_PER_SEC)

static const Unit span_units[] = {
	{"us", 1},
	{"ms", USEC_PER_MSEC},
	{"seconds", USEC_PER_SEC},
	{"second", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},
	{"s", USEC_PER_SEC},
	{"minutes", USEC_PER_MINUTE},
	{"minute", USEC_PER_MINUTE},
	{"min", USEC_PER_MINUTE},
	{"m", USEC_PER_MINUTE},
	{"hours", 60 * USEC_PER_MINUTE},
	{"hour", 60 * USEC_PER_MINUTE},
	{"hr", 60 * USEC_PER_MINUTE},
	{"h", 60 * USEC_PER_MINUTE},
	{"days", 1440 * USEC_PER_MINUTE},
	{"day", 1440 * USEC_PER_MINUTE},
	{"d", 1440 * USEC_PER_MINUTE},
	{"weeks", 10080 * USEC_PER_MINUTE},
	{"week", 10080 * USEC_PER_MINUTE},
	{"w", 10080 * USEC_PER_MINUTE},
	{"months", MONTH_USEC},
	{"month", MONTH_USEC},
	{"M", MONTH_USEC},
	{"years", YEAR_USEC},
	{"year", YEAR_USEC},
	{"y", YEAR_USEC},
	{"", USEC_PER_SEC},
};

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

int parse_span(const char *s, usec_t *ret)
{
	usec_t total = 0;

	s = skip_space(s);
	if (!*s)
		return -EINVAL;
	while (*s) {
		const Unit *unit = NULL;
		uint64_t value, part;

		if (parse_u64_prefix(s, &s, &value) < 0)
			return -EINVAL;
		s = skip_space(s);
		size_t n = strspn(s, "Mabcdefghijklmnopqrstuvwxyz");
		for (size_t i = 0; i < ELEMENTSOF(span_units) && !unit; i++)
			if (strlen(span_units[i].name) == n &&
				strncmp(span_units[i].name, s, n) == 0)
				unit = &span_units[i];
		if (!unit || __builtin_mul_overflow(value, unit->factor, &part) ||
			__builtin_add_overflow(total, part, &total))
			return -EINVAL;
		s = skip_space(s + n);
	}
	*ret = total;
	return 0;
}

int parse_bytes(const char *s, uint64_t *ret)
{
	static const char suffixes[] = "KMGT";
	uint64_t value;
	int r;

	r = parse_u64_prefix(s, &s, &value);
	if (r < 0)
		return r;
	if (*s == 'B' && !s[1])
		s++;
	if (*s) {
		const char *suffix = strchr(suffixes, toupper((unsigned char)*s));
		if (!suffix || (s[1] && !streq(s + 1, "B") && !streq(s + 1, "iB")))
			return -EINVAL;
		unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);
		if (value > UINT64_MAX >> shift)
			return -ERANGE;
		value <<= shift;
	}
	*ret = value;
	return 0;
}

int parse_boolean(const char *s, bool *ret)
{
	static const char *const words[][4] = {
		{"no", "false", "off", "0"}, {"yes", "true", "on", "1"}};

	for (int value = 0; value < 2; value++)
		for (size_t i = 0; i < 4; i++)
			if (strcasecmp(s, words[value][i]) == 0) {
				*ret = value;
				return 0;
			}
	return -EINVAL;
}

size_t decode_utf8(const unsigned char *s, size_t n, uint32_t *ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = s[0] < 0x80	  ? 1
			: s[0] >> 5 == 6  ? 2
			: s[0] >> 4 == 14 ? 3
			: s[0] >> 3 == 30 ? 4
					  : 0;

	if (!length || length > n)
		return 0;
	uint32_t c = length == 1 ? s[0] : s[0] & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return length;
}

/* Controls, the code points that can reorder or hide the text around them, and those that a D-Bus
 * server may refuse: a notification with one would be lost. */
static bool is_deceptive(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff ||
	       c == 0x61c || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f) ||
	       is_noncharacter(c);
}

/* How many bytes at the start are printable ASCII: nearly all text is, and needs no decoding. */
static size_t plain_prefix(const unsigned char *s, const unsigned char *end)
{
	const unsigned char *p = s;

	while (p < end && *p >= ' ' && *p < 0x7f)
		p++;
	return (size_t)(p - s);
}

void escape_terminal(StrBuf *out, const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + length;

	while (p < end) {
		size_t plain = plain_prefix(p, end);
		uint32_t c;

		strbuf_add_n(out, (const char *)p, plain);
		p += plain;
		if (p == end)
			break;
		size_t n = decode_utf8(p, (size_t)(end - p), &c);

		if (n && !is_deceptive(c)) {
			strbuf_add_n(out, (const char *)p, n);
		} else if (*p == '\n' || *p == '\t' || *p == '\r') {
			strbuf_add(out, *p == '\n' ? "\\n" : *p == '\t' ? "\\t" : "\\r");
		} else {
			n = MAX_OF(n, (size_t)1);
			for (size_t i = 0; i < n; i++)
				strbuf_addf(out, "\\x%02x", p[i]);
		}
		p += n;
	}
}

char *escaped_terminal(const char *text)
{
	_cleanup_(strbuf_done) StrBuf out = {};

	escape_terminal(&out, text, strlen(text));
	return strbuf_take(&out);
}

void escape_markup(StrBuf *out, const char *text)
{
	_cleanup_(freep) char *safe = escaped_terminal(text);

	for (const char *p = safe ? safe : ""; *p; p++) {
		if (*p == '&')
			strbuf_add(out, "&amp;");
		else if (*p == '<')
			strbuf_add(out, "&lt;");
		else if (*p == '>')
			strbuf_add(out, "&gt;");
		else
			strbuf_add_char(out, *p);
	}
	if (!safe)
		out->failed = true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *unit_name_unescape(const char *s, size_t length)
{
	_cleanup_(strbuf_done) StrBuf out = {};

	for (size_t i = 0; i < length; i++) {
		if (i + 3 < length && s[i] == '\\' && s[i + 1] == 'x' && hex_digit(s[i + 2]) >= 0 &&
			hex_digit(s[i + 3]) >= 0) {
			char c = (char)(hex_digit(s[i + 2]) << 4 | hex_digit(s[i + 3]));
			if (c)
				strbuf_add_char(&out, c);
			i += 3;
		} else {
			strbuf_add_char(&out, s[i]);
		}
	}
	return strbuf_take(&out);
}

size_t text_columns(const char *text)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);
	size_t columns = 0;

	while (p < end) {
		size_t plain = plain_prefix(p, end);
		uint32_t c;

		columns += plain;
		p += plain;
		if (p == end)
			break;
		size_t n = decode_utf8(p, (size_t)(end - p), &c);
		int width = n ? wcwidth((wchar_t)c) : 1;

		columns += width < 0 ? 1 : (size_t)width;
		p += MAX_OF(n, (size_t)1);
	}
	return columns;
}

const char *format_span(usec_t span, char buf[static 32])
{
	uint64_t seconds = span / USEC_PER_SEC;

	if (span < USEC_PER_SEC)
		(void)snprintf(buf, 32, "%ums", (unsigned)(span / USEC_PER_MSEC));
	else if (seconds < 120)
		(void)snprintf(buf, 32, "%us", (unsigned)seconds);
	else if (seconds < 2 * 3600)
		(void)snprintf(buf, 32, "%umin", (unsigned)(seconds / 60));
	else if (seconds < 48 * 3600)
		(void)snprintf(buf, 32, "%uh", (unsigned)(seconds / 3600));
	else
		(void)snprintf(buf, 32, "%llud", (unsigned long long)(seconds / 86400));
	return buf;
}

const char *format_bytes(uint64_t bytes, char buf[static 32])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < ELEMENTSOF(units); unit++)
		value /= 1024;
	(void)snprintf(buf, 32, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return buf;
}
