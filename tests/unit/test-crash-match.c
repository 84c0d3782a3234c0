/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredumpctl's arguments as matches. */
#include "common/text.h"
#include "coredump/crash-match.h"
#include "tests/unit/test.h"

#define HERE "/here"

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
		CrashMatches matches = {};
		assert_int_equal(crash_matches_add(&matches, rows[i].argument, HERE), 0);
		assert_int_equal(matches.n, 1);
		assert_string_equal(matches.rows[0].field, rows[i].field);
		assert_string_equal(matches.rows[0].value, rows[i].value);
		assert_int_equal(matches.rows[0].glob, rows[i].glob);
		crash_matches_done(&matches);
	}
}

static void test_relative_paths(void **state)
{
	static const char *const arguments[] = {"./a.out", "b/a.out", "a*/out"},
				 *const values[] = {"/here/a.out", "/here/b/a.out", "/here/a*/out"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(arguments); i++) {
		CrashMatches matches = {};
		assert_int_equal(crash_matches_add(&matches, arguments[i], HERE), 0);
		assert_string_equal(matches.rows[0].field, "exe");
		assert_string_equal(matches.rows[0].value, values[i]);
		assert_int_equal(matches.rows[0].glob, i == 2);
		crash_matches_done(&matches);
		assert_int_equal(crash_matches_add(&matches, arguments[i], NULL), -EINVAL);
		assert_int_equal(matches.n, 0);
	}
}

static void test_bad(void **state)
{
	CrashMatches matches = {};

	(void)state;
	assert_int_equal(crash_matches_add(&matches, "=value", HERE), -EINVAL);
	assert_int_equal(matches.n, 0);
	for (int i = 0; i < CRASH_MATCHES_MAX; i++)
		assert_int_equal(crash_matches_add(&matches, i % 2 ? "A=1" : "1", HERE), 0);
	assert_int_equal(crash_matches_add(&matches, "1", HERE), -E2BIG);
	assert_int_equal(crash_matches_add(&matches, "A=1", HERE), -E2BIG);
	assert_int_equal(crash_matches_add(&matches, "a/b", HERE), -E2BIG);
	crash_matches_done(&matches);
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
