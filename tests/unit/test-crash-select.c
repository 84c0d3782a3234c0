/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredumpctl's arguments as matches. */
#include "cli/crash-select.h"
#include "common/text.h"
#include "tests/unit/test.h"

static void test_matches(void **state)
{
	static const struct {
		const char *argument, *field, *value;
		bool glob;
	} rows[] = {
		{"4711", "pid", "4711", false},
		{"gimp", "comm", "gimp", false},
		{"g?mp*", "comm", "g?mp*", true},
		{"[gk]*", "comm", "[gk]*", true},
		{"fifteen-letters", "comm", "fifteen-letters", false},
		{"sixteen-letters-", "program", "sixteen-letters-", false},
		{"gnome-control-*-long", "program", "gnome-control-*-long", true},
		{"/usr/bin/gimp", "exe", "/usr/bin/gimp", false},
		{"/usr/*/gimp", "exe", "/usr/*/gimp", true},
		{"COREDUMP_SIGNAL=11", "signal", "11", false},
		{"COREDUMP_EXE=/a=b", "exe", "/a=b", false},
		{"exe=/opt/*", "exe", "/opt/*", true},
		{"_HOSTNAME=h", "hostname", "h", false},
		{"COREDUMP_USER_UNIT=u", "userUnit", "u", false},
		{"SOMETHING=x", "SOMETHING", "x", false},
		{"hostname=", "hostname", "", false},
		{"99999999999", "comm", "99999999999", false}, /* no PID is so large */
		{"-5", "comm", "-5", false},
		{"", "comm", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		CrashSelection selection = {};
		assert_int_equal(crash_match_parse(rows[i].argument, &selection), 0);
		assert_int_equal(selection.n_matches, 1);
		assert_string_equal(selection.matches[0].field, rows[i].field);
		assert_string_equal(selection.matches[0].value, rows[i].value);
		assert_int_equal(selection.matches[0].glob, rows[i].glob);
		crash_selection_done(&selection);
	}
}

static void test_relative_paths(void **state)
{
	CrashSelection selection = {};
	char want[600];

	(void)state;
	_cleanup_(freep) char *here = getcwd(NULL, 0);
	assert_int_equal(crash_match_parse("./a.out", &selection), 0);
	(void)snprintf(want, sizeof want, "%s/a.out", here);
	assert_string_equal(selection.matches[0].field, "exe");
	assert_string_equal(selection.matches[0].value, want);
	crash_selection_done(&selection);
}

static void test_bad(void **state)
{
	CrashSelection selection = {};

	(void)state;
	assert_int_equal(crash_match_parse("=value", &selection), -EINVAL);
	assert_int_equal(selection.n_matches, 0);
	for (int i = 0; i < CRASH_MATCHES_MAX; i++)
		assert_int_equal(crash_match_parse(i % 2 ? "A=1" : "1", &selection), 0);
	assert_int_equal(crash_match_parse("1", &selection), -E2BIG);
	assert_int_equal(crash_match_parse("A=1", &selection), -E2BIG);
	assert_int_equal(crash_match_parse("a/b", &selection), -E2BIG);
	crash_selection_done(&selection);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_relative_paths),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
