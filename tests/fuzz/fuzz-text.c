/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Foreign bytes made safe: nothing that a terminal, a notification server or a JSON reader could
 * take for something else comes out; and what people type is read or refused. */
#include "tests/fuzz/fuzz.h"

#include "common/json.h"

FUZZ_PARTS("\x1b[31m", "\x1b]0;t\x07", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\x8b", "\xef\xbb\xbf",
	"\xd8\x9c", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xc0\xaf", "\xf3\xa0\x81\x81", "ä", "日本",
	"<b>", "&amp;", "&", "\\x2d", "\\", "\n", "\t", "\r", "10min", "1h ", "5", "64M", "KiB",
	"99999999999999999999", "yes", " ");

static bool harmless(const char *text)
{
	static const char *const bad[] = {"\xe2\x80\xae", "\xe2\x80\x8b", "\xef\xbb\xbf",
		"\xd8\x9c", "\xf3\xa0\x81\x81", "\xc2\x9b"};

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		if (strstr(text, bad[i]))
			return false;
	return true;
}

static void check_escapes(const char *text, size_t length)
{
	_cleanup_(strbuf_done) StrBuf terminal = {}, markup = {};
	_cleanup_(json_decrefp) json_t *json = json_text(text, length), *safe = NULL;

	fuzz_check(json_is_string(json), "JSON out of anything");
	escape_terminal(&terminal, text, length);
	fuzz_check(harmless(strbuf_text(&terminal)), "the terminal");
	safe = json_string(strbuf_text(&terminal));
	fuzz_check(safe, "what is shown is UTF-8");
	fuzz_check(text_columns(strbuf_text(&terminal)) <= terminal.length * 2, "columns");
	escape_markup(&markup, text);
	fuzz_check(
		harmless(strbuf_text(&markup)) && !strpbrk(strbuf_text(&markup), "<>"), "markup");
	for (const char *p = strbuf_text(&markup); (p = strchr(p, '&')); p++)
		fuzz_check(startswith(p, "&amp;") || startswith(p, "&lt;") || startswith(p, "&gt;"),
			"an entity");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	usec_t span;
	uint64_t bytes;
	bool yes;
	char buf[32];

	if (size < 2)
		return 0;
	_cleanup_(freep) char *text = fuzz_text(data + 2, size - 2);
	check_escapes(text, size - 2);
	_cleanup_(freep) char *unit = unit_name_unescape(text, strlen(text));
	fuzz_check(unit && strlen(unit) <= strlen(text), "a unit's name gets no longer");
	if (parse_span(text, &span) == 0)
		fuzz_check(strlen(format_span(span, buf)) < sizeof buf, "a span");
	if (parse_bytes(text, &bytes) == 0)
		fuzz_check(strlen(format_bytes(bytes, buf)) < sizeof buf, "bytes");
	(void)parse_boolean(text, &yes);
	return 0;
}

FUZZ_MAIN
