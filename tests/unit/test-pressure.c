/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/pressure: forecasts, and telling a leak from honest need. */
#include "survey/pressure.h"

#include "survey/internals.h"
#include "tests/unit/test.h"

#define END UINT64_MAX

static PressureTrend trend_of(const uint64_t *values, usec_t step)
{
	PressureTrend trend = {};

	for (usec_t at = 1; *values != END; values++, at++)
		pressure_trend_add(&trend, at * step, *values);
	return trend;
}

static void a_climb_is_neither_a_jump_nor_a_wave(void **state)
{
	static const struct {
		uint64_t values[20];
		bool climbs;
	} rows[] = {
		{{END}, false},
		{{1, END}, false},
		{{10, 20, 30, 40, END}, false}, /* too few to tell */
		{{10, 20, 30, 40, 50, END}, true},
		{{0, 1, 2, 3, 4, END}, true},
		{{0, 0, 0, 0, 0, END}, false},
		{{100, 65000, 65000, 65000, 65000, 65000, END}, false}, /* opened a project */
		{{100, 100, 120, 120, 140, 140, END}, true},  /* seen twice as often as it grows */
		{{100, 101, 102, 103, 104, 105, END}, false}, /* less than a quarter */
		{{10, 20, 30, 20, 10, 20, END}, false},
		{{90, 10, 20, 30, 40, 50, END}, true}, /* restarted, and at it again */
		{{10, 20, 30, 40, 50, 60, 5, END}, false},
		{{10, 20, 10, 20, 10, 20, 10, 20, END}, false},
		{{END - 1, 0, END - 1, END - 1, END - 1, END - 1, END - 1, END}, false},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		PressureTrend trend = trend_of(rows[i].values, USEC_PER_SEC);
		if (pressure_trend_climbs(&trend) != rows[i].climbs)
			fail_msg("row %zu", i);
	}
}

static void forecasts_reach_the_limit_when_the_growth_does(void **state)
{
	static const uint64_t steady[] = {10, 20, 30, 40, 50, END}, falling[] = {50, 40, END},
			      one[] = {5, END};
	PressureTrend trend = trend_of(steady, USEC_PER_SEC);

	(void)state;
	assert_true(pressure_trend_growth(&trend) == 10);
	assert_true(pressure_trend_full_in(&trend, 100) == 5 * USEC_PER_SEC);
	assert_true(pressure_trend_full_in(&trend, 50) == 0);
	assert_true(pressure_trend_full_in(&trend, 20) == 0); /* beyond it */
	assert_true(pressure_trend_full_in(&trend, 0) == USEC_INFINITY);
	assert_true(pressure_trend_full_in(&trend, UINT64_MAX) == USEC_INFINITY);
	trend = trend_of(falling, USEC_PER_SEC);
	assert_true(pressure_trend_full_in(&trend, 100) == USEC_INFINITY);
	trend = trend_of(one, USEC_PER_SEC);
	assert_true(pressure_trend_full_in(&trend, 100) == USEC_INFINITY);
	trend = trend_of(steady, 0); /* a clock that stands still */
	assert_true(pressure_trend_full_in(&trend, 100) == USEC_INFINITY);
	assert_true(pressure_trend_growth(&(PressureTrend){}) == 0);
}

static void quiet_hours_do_not_hide_a_fast_leak(void **state)
{
	PressureTrend trend = {};
	usec_t now = 0;

	(void)state;
	for (int i = 0; i < 60; i++)
		pressure_trend_add(&trend, now += 600 * USEC_PER_SEC, 100);
	for (uint64_t i = 1; i <= 5; i++)
		pressure_trend_add(&trend, now += USEC_PER_SEC, 100 + 10 * i);
	assert_int_equal(trend.n, PRESSURE_SAMPLES);
	assert_true(pressure_trend_growth(&trend) == 10);
	assert_true(pressure_trend_full_in(&trend, 200) == 5 * USEC_PER_SEC);
}

static void old_samples_fall_out_first(void **state)
{
	PressureTrend trend = {};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		pressure_trend_add(&trend, i, i * i);
	assert_int_equal(trend.n, PRESSURE_SAMPLES);
	assert_true(trend.samples[0].when_monotonic == 1000 - PRESSURE_SAMPLES);
	assert_true(trend.samples[PRESSURE_SAMPLES - 1].used == 999 * 999);
}

static void verdicts_name_the_cause(void **state)
{
	static const uint64_t up[] = {10, 20, 30, 40, 50, END}, flat[] = {50, 50, 50, 50, 50, END};
	const PressureTrend climbing = trend_of(up, USEC_PER_SEC),
			    level = trend_of(flat, USEC_PER_SEC);
	const struct {
		PressureHolder holder;
		const PressureTrend *trend;
		PressureVerdict expected;
	} rows[] = {
		{{.processes = 1}, &climbing, PRESSURE_LEAK},
		{{.processes = 1}, &level, PRESSURE_NEED},
		{{.processes = 1}, NULL, PRESSURE_NEED},
		{{.processes = PRESSURE_COPIES_MIN}, &level, PRESSURE_COPIES},
		{{.processes = PRESSURE_COPIES_MIN}, &climbing, PRESSURE_COPIES},
		{{.processes = PRESSURE_COPIES_MIN - 1}, &level, PRESSURE_NEED},
		{{.processes = 1, .one_each = true}, &level, PRESSURE_HABIT},
		{{.processes = 1, .one_each = true}, &climbing, PRESSURE_LEAK},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(
			pressure_verdict(&rows[i].holder, rows[i].trend), rows[i].expected);
	assert_int_equal(pressure_verdict(NULL, &climbing), PRESSURE_NEED);
}

/* ---- holders: a survey made by hand: six programs of uid 1000 with 1 … 6 instances, one of them
 * in a namespace below, one outside, one of another user */

#define N 8
static SurveyProcess processes[N];
static SurveyProcessDetail details[N];
static SurveyInstance instances[200];
static SurveyReference references[200];
static SurveyInternals internals = {
	.details = details, .references = references, .instances = instances};
static Survey survey = {.processes = processes, .internals = &internals, .has_watches = true};

static void add(const char *name, uid_t uid, NamespaceRelation relation, uid_t owner, uint32_t n,
	uint64_t watches)
{
	size_t at = survey.n_processes++;

	processes[at] = (SurveyProcess){.pid = (pid_t)(100 + at),
		.uid = uid,
		.readable = true,
		.app_name = (char *)name,
		.instances = n,
		.watches = n * watches};
	details[at] = (SurveyProcessDetail){.effective_uid = uid,
		.namespace_owner = owner,
		.relation = relation,
		.first_reference = (uint32_t)internals.n_references,
		.n_references = n};
	for (uint32_t i = 0; i < n; i++) {
		uint32_t instance = (uint32_t)internals.n_instances++;
		instances[instance] = (SurveyInstance){
			.watches = watches, .references = 1, .holders = 1, .payer = (uint32_t)at};
		references[internals.n_references++] =
			(SurveyReference){.process = (uint32_t)at, .instance = instance};
	}
}

static int make_survey(void **state)
{
	(void)state;
	add("small", 1000, NAMESPACE_SAME, 0, 1, 1000);
	add("boxed", 100000, NAMESPACE_BELOW, 1000, 3, 10);
	add("outside", 1000, NAMESPACE_OUTSIDE, 0, 50, 50);
	add("other", 1001, NAMESPACE_SAME, 0, 20, 20);
	add("big", 1000, NAMESPACE_SAME, 0, 30, 1);
	add("mid", 1000, NAMESPACE_SAME, 0, 2, 100);
	add("none", 1000, NAMESPACE_SAME, 0, 0, 0);
	add("hidden", 1000, NAMESPACE_SAME, 0, 40, 1);
	processes[7].readable = false;
	survey.limits.instances = (InotifyLimit){.value = 128, .source = LIMIT_FS};
	return 0;
}

static void the_three_biggest_are_named_with_their_share(void **state)
{
	PressureHolder holders[PRESSURE_HOLDERS];

	(void)state;
	assert_int_equal(pressure_holders(&survey, 1000, INOTIFY_INSTANCES, holders), 3);
	assert_string_equal(holders[0].name, "big");
	assert_int_equal(holders[0].count, 30);
	assert_int_equal(holders[0].pid, 104);
	assert_true(holders[0].share > 23.4 && holders[0].share < 23.5);
	assert_true(holders[0].one_each);
	assert_string_equal(holders[1].name, "boxed"); /* its namespace's owner pays */
	assert_string_equal(holders[2].name, "mid");
	assert_false(holders[2].one_each);

	assert_int_equal(pressure_holders(&survey, 1000, INOTIFY_WATCHES, holders), 3);
	assert_string_equal(holders[0].name, "small");
	assert_string_equal(holders[1].name, "mid");
	assert_true(holders[0].share < 0); /* this limit is not known */

	assert_int_equal(pressure_holders(&survey, 1001, INOTIFY_WATCHES, holders), 1);
	assert_string_equal(holders[0].name, "other");
	assert_int_equal(pressure_holders(&survey, 4711, INOTIFY_WATCHES, holders), 0);
}

static void long_names_are_cut(void **state)
{
	PressureHolder holders[PRESSURE_HOLDERS];
	char *before = processes[4].app_name, *name = malloc(5001);

	(void)state;
	assert_non_null(name);
	memset(name, 'n', 5000);
	name[5000] = '\0';
	processes[4].app_name = name;
	assert_int_equal(pressure_holders(&survey, 1000, INOTIFY_INSTANCES, holders), 3);
	assert_int_equal(strlen(holders[0].name), sizeof holders[0].name - 1);
	processes[4].app_name = before;
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_climb_is_neither_a_jump_nor_a_wave),
		cmocka_unit_test(forecasts_reach_the_limit_when_the_growth_does),
		cmocka_unit_test(quiet_hours_do_not_hide_a_fast_leak),
		cmocka_unit_test(old_samples_fall_out_first),
		cmocka_unit_test(verdicts_name_the_cause),
		cmocka_unit_test(the_three_biggest_are_named_with_their_share),
		cmocka_unit_test(long_names_are_cut),
	};
	return cmocka_run_group_tests_name("pressure", tests, make_survey, NULL);
}
