/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"
#include "common/strbuf.h"
#include <string.h>

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The rest of s behind prefix, or NULL if s does not start with it. */
static inline const char *startswith(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* Where in s its ending `suffix` begins, or NULL. */
const char *endswith(const char *s, const char *suffix);

/* The whole of s as an unsigned number, no sign, no space. 0, -EINVAL, or -ERANGE when above max.
 */
int parse_u64(const char *s, uint64_t max, uint64_t *ret);
/* Decimal digits at the start of s; *rest is where they end. 0, -EINVAL (none), -ERANGE. */
int parse_u64_prefix(const char *s, const char **rest, uint64_t *ret);
/* "10min", "30s", "1h 5min", "2d", "3months", "250ms", plain number = seconds (systemd.time(7)
 * subset). 0 or -EINVAL. */
int parse_span(const char *s, usec_t *ret);
/* "64M", "4G", "512" (bytes, 1024-based suffixes K M G T). 0, -EINVAL, -ERANGE. */
int parse_bytes(const char *s, uint64_t *ret);
/* yes/no, true/false, on/off, 1/0. 0 or -EINVAL. */
int parse_boolean(const char *s, bool *ret);

/* Decodes one UTF-8 code point strictly (no surrogates, no overlong forms). Bytes taken, 0 if none
 * stands here. n is 1 or more. */
size_t decode_utf8(const unsigned char *s, size_t n, uint32_t *ret);
/* The code points that Unicode sets aside (U+FDD0..U+FDEF, U+xxFFFE, U+xxFFFF). They are valid
 * UTF-8, yet sd-bus refuses a whole message for one of them (its utf8_is_valid()). */
static inline bool is_noncharacter(uint32_t c)
{
	return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* Appends text made safe for a terminal or a log line: control characters, DEL, C1 controls, bidi
 * overrides, noncharacters and bytes that are no UTF-8 appear as \xNN (or \n, \t, \e …); everything
 * else as it is.
 */
void escape_terminal(StrBuf *out, const char *text, size_t length);
/* The same for a newly allocated string; NULL when out of memory. Caller frees. */
char *escaped_terminal(const char *text);
/* Appends text escaped for the notification server's markup (& < > and control characters). */
void escape_markup(StrBuf *out, const char *text);
/* Undoes systemd's unit name escaping (\xNN; systemd.unit(5)); "-" stays. Caller frees; NULL: no
 * memory. */
char *unit_name_unescape(const char *s, size_t length);

/* Columns that text takes in a terminal (wcwidth per code point, bad bytes count 1). */
size_t text_columns(const char *text);

/* "12s", "3min", "5h", "2d": the largest unit, for people. buf must hold 32 bytes; returns buf. */
const char *format_span(usec_t span, char buf[static 32]);
/* "31 MiB", "512 B", one decimal below 10. buf must hold 32 bytes; returns buf. */
const char *format_bytes(uint64_t bytes, char buf[static 32]);
