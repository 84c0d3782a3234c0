/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitord: what is told of crashes, and when. */
#include "monitord/crash-policy.h"

#include "tests/unit/test.h"

#define SECOND USEC_PER_SEC
#define DAY    (24 * 60 * USEC_PER_MINUTE)

static CrashArrival arrival(const char *program, const char *signature, usec_t at)
{
	return (CrashArrival){.signature = signature,
		.program = program,
		.genuine = true,
		.now_monotonic = at,
		.told_ago_usec = USEC_INFINITY};
}

static CrashDecision take(
	CrashPolicy *policy, const char *program, const char *signature, usec_t at)
{
	CrashArrival crash = arrival(program, signature, at);
	return crash_policy_take(policy, &crash);
}

static void the_first_is_news_and_the_rest_are_counts(void **state)
{
	CrashPolicy policy = {};
	usec_t at = SECOND;

	(void)state;
	assert_int_equal(take(&policy, "/usr/bin/a", "s1", at).verdict, CRASH_ANNOUNCE);
	for (unsigned i = 2; i <= 100; i++) {
		at += 5 * USEC_PER_MINUTE;
		CrashDecision d = take(&policy, "/usr/bin/a", "s1", at);
		assert_int_equal(d.count, i);
		assert_int_equal(d.verdict, i == 10 || i == 100 ? CRASH_REMIND : CRASH_UPDATE);
		assert_int_equal(
			d.reason, i == 10 || i == 100 ? CRASH_BECAUSE_ROUND : CRASH_BECAUSE_REPEAT);
		assert_false(d.loop);
	}
	/* another crash of the same program is news */
	assert_int_equal(take(&policy, "/usr/bin/a", "s2", at + 20 * USEC_PER_MINUTE).verdict,
		CRASH_ANNOUNCE);
}

static void a_loop_is_told_once(void **state)
{
	CrashPolicy policy = {};
	CrashDecision d;

	(void)state;
	assert_int_equal(take(&policy, "a", "s1", 1 * SECOND).verdict, CRASH_ANNOUNCE);
	assert_int_equal(take(&policy, "a", "s1", 2 * SECOND).verdict, CRASH_UPDATE);
	d = take(&policy, "a", "s1", 3 * SECOND);
	assert_int_equal(d.verdict, CRASH_REMIND);
	assert_int_equal(d.reason, CRASH_BECAUSE_LOOP);
	assert_true(d.loop);
	assert_int_equal(d.loop_count, 3);
	assert_int_equal(d.loop_usec, 2 * SECOND);
	d = take(&policy, "a", "s1", 4 * SECOND);
	assert_int_equal(d.verdict, CRASH_UPDATE);
	assert_int_equal(d.loop_count, 4);
	/* over after the pause, and a new one is told again */
	usec_t at = 5 * SECOND + CRASH_LOOP_PAUSE_USEC;
	assert_false(take(&policy, "a", "s1", at).loop);
	(void)take(&policy, "a", "s1", at + SECOND);
	assert_int_equal(take(&policy, "a", "s1", at + 2 * SECOND).reason, CRASH_BECAUSE_LOOP);
}

static void slow_repeats_are_no_loop(void **state)
{
	CrashPolicy policy = {};

	(void)state;
	for (unsigned i = 1; i < 9; i++)
		assert_false(take(&policy, "a", "s1", i * 31 * SECOND).loop);
	/* three within the minute, counted over the signatures of the program */
	assert_false(take(&policy, "b", "s1", 1000 * SECOND).loop);
	assert_false(take(&policy, "b", "s2", 1020 * SECOND).loop);
	assert_true(take(&policy, "b", "s3", 1060 * SECOND).loop);
}

static void what_is_never_told(void **state)
{
	static const struct {
		CrashArrival crash;
		CrashReason reason;
	} rows[] = {
		{{.genuine = false}, CRASH_BECAUSE_UNVERIFIED},
		{{.genuine = true, .own = true}, CRASH_BECAUSE_OWN},
		{{.genuine = true, .foreign = true}, CRASH_BECAUSE_FOREIGN},
		{{.genuine = true, .muted = true}, CRASH_BECAUSE_MUTED},
		/* not even in a digest */
		{{.genuine = true, .muted = true, .late = true}, CRASH_BECAUSE_MUTED},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		CrashPolicy policy = {};
		CrashArrival crash = rows[i].crash;
		crash.signature = "s1";
		crash.program = "a";
		crash.told_ago_usec = USEC_INFINITY;
		for (unsigned n = 0; n < 500; n++) { /* nor do they make a flood */
			CrashDecision d = crash_policy_take(&policy, &crash);
			assert_int_equal(d.verdict, CRASH_COUNT);
			assert_int_equal(d.reason, rows[i].reason);
		}
		assert_false(crash_policy_is_flooded(&policy));
		/* and a genuine one of the same signature is news */
		assert_int_equal(take(&policy, "a", "s1", SECOND).verdict, CRASH_ANNOUNCE);
	}
}

static void late_ones_wait_for_the_digest(void **state)
{
	CrashPolicy policy = {};

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		CrashArrival crash = arrival("a", "s1", SECOND);
		crash.late = true;
		assert_int_equal(crash_policy_take(&policy, &crash).verdict, CRASH_LEAVE);
	}
	assert_false(crash_policy_is_flooded(&policy));
	assert_true(crash_policy_may_digest(&policy, 2 * SECOND));
}

static void the_index_remembers_for_it(void **state)
{
	static const struct {
		uint64_t earlier;
		usec_t told_ago;
		CrashVerdict verdict;
		uint64_t count;
	} rows[] = {
		{0, USEC_INFINITY, CRASH_ANNOUNCE, 1}, {4, DAY, CRASH_UPDATE, 5},
		{9, DAY, CRASH_REMIND, 10}, {99, 6 * DAY, CRASH_REMIND, 100},
		{4, 8 * DAY, CRASH_ANNOUNCE, 5},
		{4, USEC_INFINITY, CRASH_ANNOUNCE, 5}, /* listed, muted, but never told */
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		CrashPolicy policy = {};
		CrashArrival crash = arrival("a", "s1", SECOND); /* the machine just started */
		crash.earlier = rows[i].earlier;
		crash.told_ago_usec = rows[i].told_ago;
		assert_false(crash_policy_knows(&policy, "s1"));
		CrashDecision d = crash_policy_take(&policy, &crash);
		assert_int_equal(d.verdict, rows[i].verdict);
		assert_int_equal(d.count, rows[i].count);
		assert_true(crash_policy_knows(&policy, "s1"));
	}
}

static void a_signature_is_news_again_after_a_week(void **state)
{
	CrashPolicy policy = {};

	(void)state;
	assert_int_equal(take(&policy, "a", "s1", SECOND).verdict, CRASH_ANNOUNCE);
	assert_int_equal(take(&policy, "a", "s1", 6 * DAY).verdict, CRASH_UPDATE);
	assert_int_equal(take(&policy, "a", "s1", 8 * DAY).verdict, CRASH_ANNOUNCE);
}

static void what_it_turned_out_to_be_is_told_already(void **state)
{
	CrashPolicy policy = {};

	(void)state;
	assert_int_equal(take(&policy, "a", "guess", SECOND).verdict, CRASH_ANNOUNCE);
	assert_int_equal(take(&policy, "a", "guess", 20 * USEC_PER_MINUTE).verdict, CRASH_UPDATE);
	crash_policy_became(&policy, "guess", "truth", 21 * USEC_PER_MINUTE);
	CrashDecision d = take(&policy, "a", "truth", 40 * USEC_PER_MINUTE);
	assert_int_equal(d.verdict, CRASH_UPDATE);
	assert_int_equal(d.count, 3);
	assert_false(crash_policy_knows(&policy, "guess"));
	/* another guess that turns out to be the same: together */
	assert_int_equal(
		take(&policy, "a", "guess 2", 60 * USEC_PER_MINUTE).verdict, CRASH_ANNOUNCE);
	crash_policy_became(&policy, "guess 2", "truth", 61 * USEC_PER_MINUTE);
	assert_int_equal(take(&policy, "a", "truth", 80 * USEC_PER_MINUTE).count, 5);
	/* nothing is known of either, or it is the same */
	crash_policy_became(&policy, "never seen", "truth 2", SECOND);
	assert_false(crash_policy_knows(&policy, "truth 2"));
	crash_policy_became(&policy, "truth", "truth", SECOND);
	assert_int_equal(take(&policy, "a", "truth", 100 * USEC_PER_MINUTE).count, 6);
}

static void what_reached_nobody_is_news_again(void **state)
{
	CrashPolicy policy = {};
	CrashArrival crash = arrival("a", "s1", 3 * SECOND);

	(void)state;
	assert_int_equal(take(&policy, "a", "s1", SECOND).verdict, CRASH_ANNOUNCE);
	crash_policy_failed(&policy, "s1");
	crash.unreachable = true;
	assert_int_equal(crash_policy_take(&policy, &crash).verdict, CRASH_LEAVE);
	crash.unreachable = false;
	crash.now_monotonic = 200 * SECOND;
	assert_int_equal(crash_policy_take(&policy, &crash).verdict, CRASH_ANNOUNCE);
	crash_policy_failed(&policy, "s1");
	crash_policy_told(&policy, "s1", 201 * SECOND);
	crash.now_monotonic = 400 * SECOND;
	assert_int_equal(crash_policy_take(&policy, &crash).verdict, CRASH_UPDATE);
}

static void the_bucket_holds_back(void **state)
{
	CrashPolicy policy = {};
	char program[32], signature[32];
	unsigned announced = 0, left = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(program, sizeof program, "p%u", i);
		(void)snprintf(signature, sizeof signature, "s%u", i);
		CrashDecision d = take(&policy, program, signature, (10 + i) * SECOND);
		announced += d.verdict == CRASH_ANNOUNCE;
		left += d.verdict == CRASH_LEAVE && d.reason == CRASH_BECAUSE_BUSY;
	}
	assert_int_equal(announced, CRASH_BUCKET_SIZE);
	assert_int_equal(left, 20 - CRASH_BUCKET_SIZE);
	assert_false(crash_policy_may_digest(&policy, 30 * SECOND));
	usec_t pause = crash_policy_pause(&policy, 30 * SECOND);
	assert_true(pause > 0 && pause <= CRASH_BUCKET_REFILL_USEC);
	assert_true(crash_policy_may_digest(&policy, 30 * SECOND + pause + USEC_PER_MSEC));
}

static void a_flood_is_counted_and_ends(void **state)
{
	CrashPolicy policy = {};
	CrashFlood flood;
	unsigned shown = 0, began = 0, left = 0;
	usec_t at = SECOND;

	(void)state;
	for (unsigned i = 0; i < 10000; i++, at += 6 * USEC_PER_MSEC) { /* 10,000 in a minute */
		CrashDecision d = take(
			&policy, i % 100 ? "/usr/bin/a" : "/usr/bin/b", i % 100 ? "s1" : "s2", at);
		shown += d.verdict > CRASH_UPDATE;
		began += d.flood_began;
		left += d.verdict == CRASH_LEAVE;
	}
	assert_int_equal(began, 1);
	assert_true(shown <= 4);
	assert_int_equal(left, 0); /* both were told before it began */
	assert_true(crash_policy_is_flooded(&policy));
	assert_false(crash_policy_may_digest(&policy, at));
	assert_false(crash_policy_flood_ended(&policy, at, &flood));
	usec_t pause = crash_policy_pause(&policy, at);
	assert_true(pause > 0 && pause <= 45 * SECOND);
	assert_true(crash_policy_flood_ended(&policy, at + pause + USEC_PER_MSEC, &flood));
	assert_true(flood.crashes > 9900 && flood.crashes <= 10000);
	assert_int_equal(flood.programs, 2);
	assert_string_equal(flood.top, "/usr/bin/a");
	assert_true(flood.span_usec > 55 * SECOND && flood.span_usec < 61 * SECOND);
	/* said once; then all is as before */
	assert_false(crash_policy_flood_ended(&policy, at + pause + SECOND, &flood));
	assert_int_equal(
		take(&policy, "c", "s3", at + 10 * USEC_PER_MINUTE).verdict, CRASH_ANNOUNCE);
}

static void a_flood_of_strangers_is_left_for_its_digest(void **state)
{
	CrashPolicy policy = {};
	char name[32];
	unsigned announced = 0, left = 0, lost = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof name, "p%u", i);
		CrashDecision d = take(&policy, name, name, SECOND + i * 10 * USEC_PER_MSEC);
		announced += d.verdict == CRASH_ANNOUNCE;
		left += d.verdict == CRASH_LEAVE;
		lost += d.verdict == CRASH_COUNT || d.verdict == CRASH_UPDATE;
	}
	assert_int_equal(announced, CRASH_BUCKET_SIZE);
	assert_int_equal(left, 1000 - CRASH_BUCKET_SIZE);
	assert_int_equal(lost, 0);
}

static void one_a_second_is_no_flood(void **state)
{
	CrashPolicy policy = {};
	unsigned shown = 0;

	(void)state;
	for (unsigned i = 1; i <= 5000; i++)
		shown += take(&policy, "a", "s1", i * SECOND).verdict > CRASH_UPDATE;
	assert_false(crash_policy_is_flooded(&policy));
	assert_int_equal(shown, 1 + 1 + 3); /* new, the loop, 10, 100, 1000 */
}

static void it_forgets_the_oldest(void **state)
{
	CrashPolicy policy = {};
	char name[32];

	(void)state;
	for (unsigned i = 0; i <= CRASH_POLICY_SIGNATURES; i++) {
		(void)snprintf(name, sizeof name, "s%u", i);
		(void)take(&policy, name, name, (i + 1) * USEC_PER_MINUTE);
	}
	assert_false(crash_policy_knows(&policy, "s0"));
	assert_true(crash_policy_knows(&policy, "s1"));
	/* a path longer than what is kept is told apart by its end */
	char long_a[400], long_b[400];
	memset(long_a, 'x', sizeof long_a);
	memset(long_b, 'x', sizeof long_b);
	strcpy(long_a + 390, "/a");
	strcpy(long_b + 390, "/b");
	(void)take(&policy, long_a, "la", DAY);
	(void)take(&policy, long_a, "la", DAY + 1);
	assert_false(take(&policy, long_b, "lb", DAY + 2).loop);
	assert_true(take(&policy, long_a, "la", DAY + 3).loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_news_and_the_rest_are_counts),
		cmocka_unit_test(a_loop_is_told_once),
		cmocka_unit_test(slow_repeats_are_no_loop),
		cmocka_unit_test(what_is_never_told),
		cmocka_unit_test(late_ones_wait_for_the_digest),
		cmocka_unit_test(the_index_remembers_for_it),
		cmocka_unit_test(a_signature_is_news_again_after_a_week),
		cmocka_unit_test(what_it_turned_out_to_be_is_told_already),
		cmocka_unit_test(what_reached_nobody_is_news_again),
		cmocka_unit_test(the_bucket_holds_back),
		cmocka_unit_test(a_flood_is_counted_and_ends),
		cmocka_unit_test(a_flood_of_strangers_is_left_for_its_digest),
		cmocka_unit_test(one_a_second_is_no_flood),
		cmocka_unit_test(it_forgets_the_oldest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
