/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables: what fits, what is cut, what stays parseable. */
#include "cli/table.h"
#include "common/text.h"
#include "tests/unit/test.h"
#include <locale.h>

static const TableColumn columns[] = {
	{.title = "PID", .right = true},
	{.title = "SHARED", .right = true, .optional = true},
	{.title = "PROGRAM", .elastic = true},
	{.title = "COMMAND", .elastic = true},
};

static Table *two_rows(const char *command)
{
	Table *table = table_new(columns, ELEMENTSOF(columns));

	assert_non_null(table);
	table_add(table, CELL_PLAIN, "7");
	table_add(table, CELL_DIM, NULL);
	table_add(table, CELL_BOLD, "code");
	table_add(table, CELL_PLAIN, command);
	table_addf(table, CELL_PLAIN, "%d", 12345);
	table_add(table, CELL_DIM, "");
	table_add(table, CELL_BOLD, "x");
	table_add(table, CELL_PLAIN, "x --serve");
	assert_int_equal(table_rows(table), 2);
	return table;
}

static void test_piped(void **state)
{
	_cleanup_(table_freep) Table *table = two_rows("/usr/share/code/code --type=watcher");
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	assert_true(table_print(table, &out, 0, false, true));
	assert_string_equal(strbuf_text(&out),
		"  PID  PROGRAM  COMMAND\n"
		"    7  code     /usr/share/code/code --type=watcher\n"
		"12345  x        x --serve\n");
	strbuf_reset(&out);
	assert_true(table_print(table, &out, 0, false, false));
	assert_null(strstr(strbuf_text(&out), "PROGRAM"));
}

typedef struct WidthRow {
	size_t width;
	const char *want; /* the first row */
} WidthRow;

static void test_widths(void **state)
{
	static const WidthRow rows[] = {
		{51, "    7  code     /usr/share/code/code --type=watcher"},
		{40, "    7  code     /usr/share/code/code --…"},
		{28, "    7  code     /usr/share/…"}, /* as narrow as the columns like to be */
		{24, "    7  code     /usr/sh…"}, {18, "    7  code  /usr…"},
		{1, "    7  code  /us…"}, /* never less than four columns of each */
	};
	_cleanup_(table_freep) Table *table = two_rows("/usr/share/code/code --type=watcher");

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(strbuf_done) StrBuf out = {};
		assert_true(table_print(table, &out, rows[i].width, false, true));
		char *row = strchr(out.data, '\n') + 1; /* behind the header */
		*strchr(row, '\n') = '\0';
		assert_string_equal(row, rows[i].want);
	}
}

/* Wide and combining characters count as the terminal counts them. */
static void test_wide_text(void **state)
{
	_cleanup_(table_freep) Table *table = two_rows("日本語の長いコマンド行です");
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	assert_true(table_print(table, &out, 28, false, false));
	*strchr(out.data, '\n') = '\0';
	assert_in_range(text_columns(out.data), 27, 28);
	assert_non_null(strstr(out.data, "…"));
}

static void test_hostile_text(void **state)
{
	_cleanup_(table_freep) Table *table = two_rows("a\n\033[31mred\xff\x9b\xe2\x80\xae");
	_cleanup_(strbuf_done) StrBuf out = {};
	size_t lines = 0;

	(void)state;
	assert_true(table_print(table, &out, 0, false, true));
	for (const char *p = strbuf_text(&out); *p; p++) {
		lines += *p == '\n';
		assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
	}
	assert_int_equal(lines, 3);
	assert_null(strstr(strbuf_text(&out), "\xe2\x80\xae"));
}

static void test_colour_brackets_each_cell(void **state)
{
	_cleanup_(table_freep) Table *table = two_rows("x");
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	assert_true(table_print(table, &out, 0, true, true));
	assert_non_null(strstr(strbuf_text(&out), "\033[1mcode\033[0m"));
	assert_string_equal(style_on(CELL_BAD, false), "");
	assert_string_equal(style_off(CELL_PLAIN, true), "");
}

static void test_cut(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *want;
	} rows[] = {
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日… "}, /* half a wide character is none */
		{"ab", 1, "…"},
		{"", 4, ""},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(strbuf_done) StrBuf out = {};
		table_add_cut(&out, rows[i].text, text_columns(rows[i].text), rows[i].width);
		assert_string_equal(strbuf_text(&out), rows[i].want);
	}
}

static void test_uniform_columns(void **state)
{
	static const TableColumn two[] = {
		{.title = "N", .right = true}, {.title = "HOST", .varied = true}};
	_cleanup_(table_freep) Table *table = table_new(two, 2);
	_cleanup_(strbuf_done) StrBuf alike = {}, varied = {};

	(void)state;
	table_add_u64(table, CELL_PLAIN, 0);
	table_add(table, CELL_PLAIN, "a");
	table_add_u64(table, CELL_PLAIN, UINT64_MAX);
	table_add(table, CELL_PLAIN, "a");
	assert_true(table_print(table, &alike, 0, false, false));
	assert_string_equal(strbuf_text(&alike), "                   0\n18446744073709551615\n");
	table_add_u64(table, CELL_PLAIN, 7);
	table_add(table, CELL_PLAIN, "b");
	assert_true(table_print(table, &varied, 0, false, false));
	assert_non_null(strstr(strbuf_text(&varied), " 7  b\n"));
}

static void test_paths_keep_their_end(void **state)
{
	static const TableColumn name[] = {{.title = "NAME", .elastic = true, .path = true}};
	_cleanup_(table_freep) Table *table = table_new(name, 1);
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	table_add(table, CELL_PLAIN, "/usr/lib/日本/editor/watcher");
	table_add(table, CELL_PLAIN, "app-editor-0123456789.scope");
	assert_true(table_print(table, &out, 16, false, false));
	assert_string_equal(strbuf_text(&out), "…/editor/watcher\napp-editor-0123…\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_piped),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_wide_text),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_colour_brackets_each_cell),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_uniform_columns),
		cmocka_unit_test(test_paths_keep_their_end),
	};

	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
