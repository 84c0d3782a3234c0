/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points in time as people type them, in a zone with summer time. */
#include "common/text.h"
#include "common/timestamp.h"
#include "tests/unit/test.h"
#include <time.h>

/* Wed 2026-11-25 10:30:00 CET */
#define NOW	    ((usec_t)1795599000 * USEC_PER_SEC)
#define AT(seconds) ((usec_t)(seconds)*USEC_PER_SEC)

static int set_zone(void **state)
{
	(void)state;
	/* the rule itself, so that no zone files are needed */
	if (setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1) < 0)
		return -1;
	tzset();
	return 0;
}

static void test_good(void **state)
{
	static const struct {
		const char *text;
		usec_t want;
	} rows[] = {
		{"now", NOW},
		{"  now ", NOW},
		{"today", AT(1795561200)},
		{"yesterday", AT(1795561200 - 86400)},
		{"tomorrow", AT(1795561200 + 86400)},
		{"-1h", NOW - AT(3600)},
		{"-1h 30min", NOW - AT(5400)},
		{"+5min", NOW + AT(300)},
		{"-90", NOW - AT(90)},
		{"-2d", NOW - AT(2 * 86400)},
		{"-1month", NOW - AT(2629800)},
		{"-1M", NOW - AT(2629800)},
		{"-1m", NOW - AT(60)},
		{"-1y", NOW - AT(31557600)},
		{"2h ago", NOW - AT(7200)},
		{"1d left", NOW + AT(86400)},
		{"@1700000000", AT(1700000000)},
		{"@1700000000.25", AT(1700000000) + 250000},
		{"@1.1234567", AT(1) + 123456},
		{"2026-11-24", AT(1795561200 - 86400)},
		{"2026-11-24 10:00", AT(1795510800)},
		{"2026-11-24 10:00:30", AT(1795510830)},
		{"2026-11-24 10:00:30.5", AT(1795510830) + 500000},
		{"2026-11-24T10:00:30", AT(1795510830)},
		{"26-11-24 10:00", AT(1795510800)},
		{"Tue 2026-11-24 10:00", AT(1795510800)},
		{"tuesday 2026-11-24 10:00", AT(1795510800)},
		{"10:30", NOW},
		{"10:30:01", NOW + AT(1)},
		{"2026-11-24 09:00 UTC", AT(1795510800)},
		{"2026-11-24 09:00Z", AT(1795510800)},
		{"2026-11-24T09:00:00Z", AT(1795510800)},
		{"2026-11-24 11:00 +02:00", AT(1795510800)},
		{"2026-11-24 11:00+0200", AT(1795510800)},
		{"2026-11-24 05:00:00-04", AT(1795510800)},
		{"2026-07-01 12:00", AT(1782900000)}, /* summer time */
		{"1970-01-01 UTC", 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		usec_t got = 1;
		if (parse_timestamp(rows[i].text, NOW, &got) < 0 || got != rows[i].want)
			fail_msg("'%s': %llu, not %llu", rows[i].text, (unsigned long long)got,
				(unsigned long long)rows[i].want);
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {"", " ", "never", "2026", "2026-11", "2026-13-01",
		"2026-02-30", "2026-11-24 25:00", "2026-11-24 10:61", "2026-11-24 10:00:99",
		"2026-11-24 10:00 Mars/Base", "2026-11-24 x", "Mon 2026-11-24", "Mon", "10",
		"10:", "-1parsec", "-", "+", "@", "@x", "@1.", "@99999999999999999999", "-99999y",
		"1960-01-01", "x ago", "2026-11-24 10:00 +99", "2026-11-24 10:00:30.", "T10:00",
		"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000000000000000000000"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		usec_t got = 77;
		if (parse_timestamp(rows[i], NOW, &got) == 0)
			fail_msg("'%s' was taken for %llu", rows[i], (unsigned long long)got);
		assert_int_equal(got, 77); /* untouched */
	}
}

static void test_formats(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(format_timestamp(NOW, TIMESTAMP_MINUTES, buf), "2026-11-25 10:30");
	assert_string_equal(format_timestamp(NOW, TIMESTAMP_SECONDS, buf), "2026-11-25 10:30:00");
	assert_string_equal(
		format_timestamp(NOW, TIMESTAMP_FULL, buf), "Wed 2026-11-25 10:30:00 CET");
	assert_string_equal(format_timestamp(0, TIMESTAMP_FULL, buf), "-");
	assert_string_equal(format_timestamp(USEC_INFINITY, TIMESTAMP_FULL, buf), "-");
	assert_string_equal(format_timestamp(USEC_INFINITY, TIMESTAMP_SECONDS, buf), "-");
	assert_string_equal(format_relative(NOW - AT(300), NOW, buf), "5min ago");
	assert_string_equal(format_relative(NOW + AT(7200), NOW, buf), "in 2h");
	assert_string_equal(format_relative(NOW, NOW, buf), "now");
}

/* What is shown can be typed again. */
static void test_round_trip(void **state)
{
	char buf[64];

	(void)state;
	for (usec_t t = AT(1700000000); t < AT(1760000000); t += AT(123457)) {
		usec_t got;
		assert_int_equal(
			parse_timestamp(format_timestamp(t, TIMESTAMP_SECONDS, buf), NOW, &got), 0);
		assert_true(got == t || got + AT(3600) == t || got == t + AT(3600));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, set_zone, NULL);
}
