/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitord/crash-analyst-policy: which crash is unwound, when, how often again. */
#include "monitord/crash-analyst-policy.h"

#include "tests/unit/test.h"

#define T0   ((usec_t)1000 * 3600 * USEC_PER_SEC)
#define HOUR ANALYST_HOUR_USEC
#define DAY  ANALYST_DAY_USEC

/* Judges it and, where it is wanted, begins. */
static AnalystVerdict take(AnalystPolicy *policy, const AnalystCrash *crash, usec_t now)
{
	AnalystVerdict verdict = analyst_policy_judge(policy, crash, now);

	if (verdict > ANALYST_SAME)
		analyst_policy_started(policy, crash->signature, now);
	return verdict;
}

static unsigned taken_of(
	AnalystPolicy *policy, const AnalystCrash *crash, unsigned n, usec_t now, usec_t step)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < n; i++)
		taken += take(policy, crash, now + i * step) > ANALYST_SAME;
	return taken;
}

static void test_what_is_wanted(void **state)
{
	static const struct {
		AnalystCrash crash;
		AnalystVerdict verdict;
	} rows[] = {
		{{.signature = "a"}, ANALYST_NEXT},
		{{.signature = "a", .vague = true}, ANALYST_NEXT},
		{{.signature = "a", .known = true}, ANALYST_NEXT}, /* none of it today */
		{{.signature = "a", .muted = true}, ANALYST_LAST},
		{{.signature = "a", .own = true}, ANALYST_LEAVE},
		{{.signature = "a", .foreign = true}, ANALYST_LEAVE},
		{{.signature = "a", .own = true, .attempts = 1}, ANALYST_LEAVE},
		{{.signature = "a", .attempts = 1}, ANALYST_LAST},
		{{.signature = "a", .attempts = 2}, ANALYST_LAST},
		{{.signature = "a", .attempts = 3}, ANALYST_LEAVE},
		{{.signature = "a", .attempts = 300}, ANALYST_LEAVE},
	};
	AnalystPolicy policy = {};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(
			analyst_policy_judge(&policy, &rows[i].crash, T0), rows[i].verdict);
}

static void test_a_kind_that_is_known(void **state)
{
	AnalystPolicy policy = {};
	const AnalystCrash crash = {.signature = "known", .known = true};
	const AnalystCrash other = {.signature = "other", .known = true};

	(void)state;
	assert_int_equal(taken_of(&policy, &crash, 500, T0, USEC_PER_SEC), 1);
	assert_int_equal(take(&policy, &other, T0), ANALYST_NEXT);
	assert_int_equal(take(&policy, &crash, T0 + DAY - 1), ANALYST_SAME);
	assert_int_equal(take(&policy, &crash, T0 + DAY), ANALYST_NEXT);
	assert_int_equal(take(&policy, &crash, T0 + DAY + 1), ANALYST_SAME);
}

/* All attempts come to nothing: the kind stays unknown. */
static void test_a_kind_that_cannot_be_known(void **state)
{
	AnalystPolicy policy = {};
	const AnalystCrash crash = {.signature = "hangs"};
	const AnalystCrash again = {.signature = "hangs", .attempts = 1};

	(void)state;
	assert_int_equal(taken_of(&policy, &crash, 500, T0, USEC_PER_SEC), 3);
	/* those that were begun keep what was promised them */
	assert_int_equal(analyst_policy_judge(&policy, &again, T0 + HOUR), ANALYST_LAST);
	assert_int_equal(taken_of(&policy, &crash, 500, T0 + DAY + HOUR, USEC_PER_SEC), 3);
}

static void test_vague_ones(void **state)
{
	AnalystPolicy policy = {};
	const AnalystCrash crash = {.signature = "vague", .vague = true};
	const AnalystCrash known = {.signature = "vague", .vague = true, .known = true};

	(void)state;
	assert_int_equal(taken_of(&policy, &crash, 100, T0, USEC_PER_SEC), 3);
	assert_int_equal(take(&policy, &crash, T0 + HOUR - USEC_PER_MINUTE), ANALYST_LEAVE);
	assert_int_equal(take(&policy, &known, T0 + HOUR - USEC_PER_MINUTE), ANALYST_SAME);
	assert_int_equal(taken_of(&policy, &known, 100, T0 + HOUR + USEC_PER_MINUTE, 1), 3);
	/* one every five minutes, a day long */
	assert_true(taken_of(&policy, &known, 288, T0 + 10 * HOUR, 5 * USEC_PER_MINUTE) <= 3 * 25);
}

/* Of program and signal alone: what they are expected to be holds while it was right. */
static void test_vague_ones_that_differ(void **state)
{
	AnalystPolicy policy = {};
	const AnalystCrash guess = {.signature = "guess", .vague = true};
	const AnalystCrash one = {.signature = "one", .vague = true, .known = true};
	const AnalystCrash two = {.signature = "two", .vague = true, .known = true};

	(void)state;
	assert_int_equal(take(&policy, &guess, T0), ANALYST_NEXT);
	analyst_policy_became(&policy, "guess", false, "one", T0);
	assert_int_equal(take(&policy, &one, T0 + 1), ANALYST_NEXT);
	analyst_policy_became(&policy, "one", true, "one", T0 + 1);
	assert_int_equal(take(&policy, &one, T0 + 2), ANALYST_NEXT);
	assert_int_equal(take(&policy, &one, T0 + 3), ANALYST_SAME);
	/* the third of them was another one */
	analyst_policy_became(&policy, "one", true, "two", T0 + 4);
	assert_int_equal(taken_of(&policy, &two, 9, T0 + 5, 1), 2);
	assert_int_equal(take(&policy, &two, T0 + 20), ANALYST_SAME);
	assert_int_equal(take(&policy, &one, T0 + 20), ANALYST_LEAVE);
	/* where functions are known they decide */
	assert_int_equal(take(&policy, &(AnalystCrash){.signature = "one", .known = true}, T0 + 20),
		ANALYST_SAME);
}

static void test_it_turned_out_to_be(void **state)
{
	AnalystPolicy policy = {};
	AnalystCrash crash = {.signature = "first guess"};

	(void)state;
	assert_int_equal(take(&policy, &crash, T0), ANALYST_NEXT);
	analyst_policy_became(&policy, "first guess", false, "what it was", T0 + 1);
	/* those that wait are expected to be the same from now on */
	crash = (AnalystCrash){.signature = "what it was", .known = true};
	assert_int_equal(taken_of(&policy, &crash, 499, T0 + 2, 1), 0);
	/* the same name: no second attempt is counted */
	assert_int_equal(take(&policy, &(AnalystCrash){.signature = "same"}, T0), ANALYST_NEXT);
	analyst_policy_became(&policy, "same", true, "same", T0);
	assert_int_equal(taken_of(&policy, &(AnalystCrash){.signature = "same"}, 9, T0, 1), 2);
}

static void test_it_remembers_a_bounded_number(void **state)
{
	AnalystPolicy policy = {};
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 3 * ANALYST_KINDS; i++) {
		(void)snprintf(name, sizeof name, "%u", i);
		const AnalystCrash crash = {.signature = name, .known = true};
		assert_int_equal(take(&policy, &crash, T0 + i), ANALYST_NEXT);
		assert_int_equal(take(&policy, &crash, T0 + i), ANALYST_SAME);
	}
	const AnalystCrash forgotten = {.signature = "0", .known = true};
	assert_int_equal(analyst_policy_judge(&policy, &forgotten, T0 + 1000), ANALYST_NEXT);
}

static void test_again(void **state)
{
	(void)state;
	assert_int_equal(analyst_policy_again(1), HOUR);
	assert_int_equal(analyst_policy_again(2), DAY);
	assert_int_equal(analyst_policy_again(3), 0);
	assert_int_equal(analyst_policy_again(4), 0);
	assert_int_equal(analyst_policy_complete(1, false), DAY);
	assert_int_equal(analyst_policy_complete(2, false), DAY);
	assert_int_equal(analyst_policy_complete(2, true), 0);
	assert_int_equal(analyst_policy_complete(3, false), 0);
}

static void test_when(void **state)
{
	const usec_t half = 30 * USEC_PER_MINUTE;
	const struct {
		Strain strain;
		usec_t waited, battery_wait;
		AnalystWait wait;
		usec_t again;
	} rows[] = {
		{{}, 0, half, ANALYST_READY, 0},
		{{.memory_percent = 10.0}, 0, half, ANALYST_READY, 0},
		{{.memory_percent = 10.5}, 0, half, ANALYST_MEMORY, 2 * USEC_PER_MINUTE},
		/* however long it waited: unwinding would make it worse */
		{{.memory_percent = 99}, 9 * DAY, half, ANALYST_MEMORY, 2 * USEC_PER_MINUTE},
		{{.memory_percent = 99, .battery = true}, 0, half, ANALYST_MEMORY,
			2 * USEC_PER_MINUTE},
		{{.battery = true}, 0, half, ANALYST_BATTERY, 5 * USEC_PER_MINUTE},
		{{.battery = true}, 28 * USEC_PER_MINUTE, half, ANALYST_BATTERY,
			2 * USEC_PER_MINUTE},
		{{.battery = true}, half, half, ANALYST_READY, 0},
		{{.battery = true}, 0, 0, ANALYST_READY, 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		usec_t again = 0;
		assert_int_equal(analyst_policy_may_begin(&rows[i].strain, rows[i].waited,
					 rows[i].battery_wait, &again),
			rows[i].wait);
		assert_int_equal(again, rows[i].again);
	}
	assert_null(analyst_wait_to_string(ANALYST_READY));
	assert_string_equal(analyst_wait_to_string(ANALYST_MEMORY), "memory");
	assert_string_equal(analyst_wait_to_string(ANALYST_BATTERY), "battery");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_wanted),
		cmocka_unit_test(test_a_kind_that_is_known),
		cmocka_unit_test(test_a_kind_that_cannot_be_known),
		cmocka_unit_test(test_vague_ones),
		cmocka_unit_test(test_vague_ones_that_differ),
		cmocka_unit_test(test_it_turned_out_to_be),
		cmocka_unit_test(test_it_remembers_a_bounded_number),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
