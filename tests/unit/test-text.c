/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common/text: numbers, spans, escapes. */
#include "common/text.h"

#include "tests/unit/test.h"
#include <locale.h>

static void spans_are_read_as_people_type_them(void **state)
{
	static const struct {
		const char *text;
		int r;
		usec_t span;
	} rows[] = {
		{"10min", 0, 600 * USEC_PER_SEC},
		{"1h 5min", 0, 3900 * USEC_PER_SEC},
		{"30", 0, 30 * USEC_PER_SEC},
		{"250ms", 0, 250 * USEC_PER_MSEC},
		{"", -EINVAL, 0},
		{"5 parsecs", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"99999999999999999999s", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		usec_t span = 0;
		assert_int_equal(parse_span(rows[i].text, &span), rows[i].r);
		assert_int_equal(span, rows[i].span);
	}
}

static void numbers_are_whole_and_in_range(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int r;
		uint64_t value;
	} rows[] = {
		{"0", 0, 0, 0},
		{"007", 10, 0, 7},
		{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, -ERANGE, 9},
		{"11", 10, -ERANGE, 9},
		{"", 10, -EINVAL, 9},
		{"+1", 10, -EINVAL, 9},
		{"-1", 10, -EINVAL, 9},
		{" 1", 10, -EINVAL, 9},
		{"1 ", 10, -EINVAL, 9},
		{"0x1", 10, -EINVAL, 9},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		uint64_t value = 9;
		assert_int_equal(parse_u64(rows[i].text, rows[i].max, &value), rows[i].r);
		assert_int_equal(value, rows[i].value);
	}
}

static void bytes_and_booleans(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t bytes;
	} rows[] = {{"512", 0, 512}, {"512B", 0, 512}, {"1K", 0, 1024}, {"64m", 0, 64 << 20},
		{"4GiB", 0, 4ull << 30}, {"2TB", 0, 2ull << 40}, {"17179869184G", -ERANGE, 0},
		{"16777215T", 0, 16777215ull << 40}, {"1X", -EINVAL, 0}, {"1Kx", -EINVAL, 0},
		{"K", -EINVAL, 0}, {"", -EINVAL, 0}};
	static const char *const yes[] = {"yes", "True", "ON", "1"},
				 *const no[] = {"no", "false", "off", "0"},
				 *const neither[] = {"", "2", "y", "yes "};
	bool value;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		uint64_t bytes = 0;
		assert_int_equal(parse_bytes(rows[i].text, &bytes), rows[i].r);
		assert_int_equal(bytes, rows[i].bytes);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_true(parse_boolean(yes[i], &value) == 0 && value);
		assert_true(parse_boolean(no[i], &value) == 0 && !value);
		assert_int_equal(parse_boolean(neither[i], &value), -EINVAL);
	}
}

static void a_terminal_gets_nothing_but_text(void **state)
{
	static const char *const rows[][2] = {
		{"plain ä 日本 😀", "plain ä 日本 😀"},
		{"a\nb\tc\r", "a\\nb\\tc\\r"},
		{"\033[31mred", "\\x1b[31mred"},
		{"\033]0;title\007", "\\x1b]0;title\\x07"},
		{"\x7f", "\\x7f"},
		{"a\xef\xbf\xbe", "a\\xef\\xbf\\xbe"}, /* no D-Bus string has it */
		{"\xef\xb7\x90\xef\xbf\xbd", "\\xef\\xb7\\x90\xef\xbf\xbd"},
		{"\xc2\x9b"
		 "31m",
			"\\xc2\\x9b31m"}, /* C1: CSI */
		{"\xe2\x80\xae"
		 "gnp",
			"\\xe2\\x80\\xaegnp"},	     /* right-to-left override */
		{"\xd8\x9c", "\\xd8\\x9c"},	     /* Arabic letter mark */
		{"\xe2\x81\xa6", "\\xe2\\x81\\xa6"}, /* isolate */
		{"a\xe2\x80\x8b"
		 "b",
			"a\\xe2\\x80\\x8bb"},		      /* zero width */
		{"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"}, /* a tag: invisible text */
		{"\xff\xc0\xaf", "\\xff\\xc0\\xaf"},	      /* no UTF-8 */
		{"cut \xe2\x82", "cut \\xe2\\x82"},
		{"back\\slash", "back\\slash"},
		{"", ""},
	};
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *safe = escaped_terminal(rows[i][0]);
		assert_string_equal(safe, rows[i][1]);
	}
	escape_terminal(&out, "a\0b", 3);
	assert_string_equal(strbuf_text(&out), "a\\x00b");
}

static void markup_is_escaped_behind_the_terminals_rules(void **state)
{
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	escape_markup(&out, "<b>R&amp;D</b>\n\033[1m\xff\xe2\x80\xae");
	assert_string_equal(
		strbuf_text(&out), "&lt;b&gt;R&amp;amp;D&lt;/b&gt;\\n\\x1b[1m\\xff\\xe2\\x80\\xae");
}

static void people_read_spans_and_bytes(void **state)
{
	static const struct {
		usec_t span;
		const char *text;
	} spans[] = {{0, "0ms"}, {999999, "999ms"}, {USEC_PER_SEC, "1s"},
		{119 * USEC_PER_SEC, "119s"}, {120 * USEC_PER_SEC, "2min"},
		{7200 * USEC_PER_SEC, "2h"}, {48 * 3600 * USEC_PER_SEC, "2d"},
		{UINT64_MAX, "213503982d"}};
	static const struct {
		uint64_t bytes;
		const char *text;
	} bytes[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {10 * 1024, "10 KiB"},
		{10188, "9.9 KiB"}, {10189, "10 KiB"}, {31ull << 20, "31 MiB"},
		{UINT64_MAX, "16 EiB"}};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(spans); i++)
		assert_string_equal(format_span(spans[i].span, buf), spans[i].text);
	for (size_t i = 0; i < ELEMENTSOF(bytes); i++)
		assert_string_equal(format_bytes(bytes[i].bytes, buf), bytes[i].text);
}

static void unit_names_are_unescaped(void **state)
{
	static const char *const rows[][2] = {{"a\\x2db", "a-b"}, {"a-b", "a-b"}, {"\\x2", "\\x2"},
		{"\\x2g", "\\x2g"}, {"\\X2d", "\\X2d"}, {"\\x00a", "a"}, {"\\\\x2d", "\\-"},
		{"", ""}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *name = unit_name_unescape(rows[i][0], strlen(rows[i][0]));
		assert_string_equal(name, rows[i][1]);
	}
	_cleanup_(freep) char *cut = unit_name_unescape("a\\x2db", 4);
	assert_string_equal(cut, "a\\x2");
}

static void columns_are_counted_as_a_terminal_does(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("äöü"), 3);
	assert_int_equal(text_columns("日本"), 4);
	assert_int_equal(text_columns("e\xcc\x81"), 1); /* combining */
	assert_int_equal(text_columns("\xff\xfe"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_read_as_people_type_them),
		cmocka_unit_test(numbers_are_whole_and_in_range),
		cmocka_unit_test(bytes_and_booleans),
		cmocka_unit_test(a_terminal_gets_nothing_but_text),
		cmocka_unit_test(markup_is_escaped_behind_the_terminals_rules),
		cmocka_unit_test(people_read_spans_and_bytes),
		cmocka_unit_test(unit_names_are_unescaped),
		cmocka_unit_test(columns_are_counted_as_a_terminal_does),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
