/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitord: when to warn, what to say, configuration. */
#include "monitord/config.h"
#include "monitord/inotify-policy.h"
#include "monitord/inotify-warning.h"

#include "tests/unit/test.h"

static const InotifyThresholds thresholds = {80, 95, 70, 600 * USEC_PER_SEC, 5 * USEC_PER_SEC};

static InotifyDecision take(InotifyPolicy *policy, unsigned at_second, uint64_t instances,
	uint64_t watches, bool refused)
{
	InotifyReading reading = {.when_monotonic = at_second * USEC_PER_SEC,
		.used = {instances, watches},
		.max = {100, 1000},
		.refused = {refused, false},
		.cpu_usec = 1000};
	return inotify_policy_take(policy, &thresholds, &reading);
}

static void an_episode_warns_once_and_clears(void **state)
{
	InotifyPolicy policy = {};

	(void)state;
	assert_int_equal(take(&policy, 0, 10, 10, false).action, ACTION_NOTHING);
	InotifyDecision d = take(&policy, 600, 80, 10, false);
	assert_int_equal(d.action, ACTION_SHOW);
	assert_int_equal(d.level, LEVEL_WARNING);
	assert_true(d.level_changed);
	for (unsigned i = 0; i < 50; i++) /* to and fro around the threshold */
		assert_int_equal(
			take(&policy, 610 + i, i % 2 ? 81 : 79, 10, false).action, ACTION_UPDATE);
	assert_int_equal(take(&policy, 700, 95, 10, false).action, ACTION_SHOW); /* worse */
	assert_int_equal(take(&policy, 705, 90, 10, false).action, ACTION_UPDATE);
	assert_int_equal(
		take(&policy, 710, 96, 10, false).action, ACTION_UPDATE); /* told already */
	assert_int_equal(take(&policy, 715, 70, 10, false).level, LEVEL_WARNING);
	assert_int_equal(take(&policy, 720, 69, 10, false).action, ACTION_CLOSE);
	assert_int_equal(take(&policy, 725, 69, 10, false).action, ACTION_NOTHING);
	assert_int_equal(take(&policy, 730, 85, 10, false).action, ACTION_SHOW); /* a new episode */
}

static void the_refused_canary_is_urgent_at_any_figure(void **state)
{
	InotifyPolicy policy = {};
	InotifyDecision d = take(&policy, 0, 3, 10, true);

	(void)state;
	assert_int_equal(d.action, ACTION_SHOW);
	assert_int_equal(d.level, LEVEL_URGENT);
	assert_int_equal(d.resource, INOTIFY_INSTANCES);
	assert_int_equal(take(&policy, 5, 3, 10, false).action, ACTION_CLOSE);
}

static void ignored_and_dismissed_stay_silent(void **state)
{
	InotifyPolicy ignored = {.ignored = true}, dismissed = {};

	(void)state;
	assert_int_equal(take(&ignored, 0, 99, 10, true).action, ACTION_NOTHING);
	assert_int_equal(take(&dismissed, 0, 85, 10, false).action, ACTION_SHOW);
	dismissed.dismissed = true;
	assert_int_equal(take(&dismissed, 5, 86, 10, false).action, ACTION_NOTHING);
	assert_int_equal(take(&dismissed, 10, 99, 10, false).action, ACTION_SHOW); /* worse */
}

static void unknown_limits_never_warn(void **state)
{
	InotifyPolicy policy = {};
	InotifyReading reading = {.used = {1000, 1000}};

	(void)state;
	assert_int_equal(
		inotify_policy_take(&policy, &thresholds, &reading).action, ACTION_NOTHING);
	assert_true(inotify_policy_wants_canary(&policy, &thresholds, &reading, true));
}

static void the_interval_follows_need_and_cost(void **state)
{
	InotifyPolicy far = {}, close = {}, growing = {}, costly = {};
	InotifyReading reading = {
		.used = {90, 0}, .max = {100, 1000}, .cpu_usec = 10 * USEC_PER_SEC};

	(void)state;
	assert_true(take(&far, 0, 10, 10, false).next_usec == 600 * USEC_PER_SEC);
	assert_true(take(&close, 0, 75, 10, false).next_usec == 5 * USEC_PER_SEC);
	(void)take(&growing, 0, 10, 10, false);
	/* 10 in 10 s: 80 are left, so full in 80 s: look soon */
	InotifyDecision d = take(&growing, 10, 20, 10, false);
	assert_true(d.next_usec == 5 * USEC_PER_SEC);
	assert_true(d.full_in_usec == 80 * USEC_PER_SEC);
	/* never more than 1 % of a core, however close */
	assert_true(inotify_policy_take(&costly, &thresholds, &reading).next_usec ==
		    1000 * USEC_PER_SEC);
}

static void levels_follow_their_rules_at_every_percent(void **state)
{
	(void)state;
	for (uint64_t from = 0; from <= 100; from++)
		for (uint64_t to = 0; to <= 100; to++) {
			InotifyPolicy policy = {};
			InotifyLevel before = take(&policy, 0, from, 0, false).level;
			InotifyLevel after = take(&policy, 1, to, 0, false).level;
			InotifyLevel expected = to >= 95			? LEVEL_URGENT
						: to >= 80			? LEVEL_WARNING
						: to >= 70 && before > LEVEL_OK ? LEVEL_WARNING
										: LEVEL_OK;
			assert_int_equal(after, expected);
		}
}

static void the_warning_names_who_and_what(void **state)
{
	PressureHolder holders[] = {
		{.name = "evil <b>\n\033[31m", .count = 61, .share = 61, .processes = 1},
		{.name = "code", .count = 9, .share = 9}};
	InotifyWarning warning = {.resource = INOTIFY_WATCHES,
		.level = LEVEL_WARNING,
		.used = 850,
		.max = 1000,
		.holders = holders,
		.n_holders = 2,
		.verdict = PRESSURE_LEAK,
		.full_in_usec = 480 * USEC_PER_SEC};
	_cleanup_(strbuf_done) StrBuf body = {}, plain = {};

	(void)state;
	inotify_warning_body(&warning, true, &body);
	assert_non_null(strstr(strbuf_text(&body), "850 of 1000 watches are in use (85 %)"));
	assert_non_null(strstr(strbuf_text(&body), "8min"));
	assert_non_null(strstr(
		strbuf_text(&body), "evil &lt;b&gt;\\n\\x1b[31m</b> 61 (61 %), code 9 (9 %)"));
	assert_non_null(strstr(strbuf_text(&body), "looks like a leak"));
	assert_non_null(strstr(strbuf_text(&body), "stop noticing changed files"));
	assert_null(strchr(strbuf_text(&body), '\033'));
	inotify_warning_body(&warning, false, &plain);
	assert_null(strstr(strbuf_text(&plain), "&lt;"));
}

static void verdicts(void **state)
{
	PressureHolder one = {.processes = 1}, many = {.processes = 40},
		       habit = {.processes = 1, .one_each = true};
	PressureTrend climbing = {}, steady = {};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		pressure_trend_add(&climbing, i * USEC_PER_SEC, 100 + 20 * i);
		pressure_trend_add(&steady, i * USEC_PER_SEC, 100);
	}
	assert_int_equal(pressure_verdict(&one, &climbing), PRESSURE_LEAK);
	assert_int_equal(pressure_verdict(&one, &steady), PRESSURE_NEED);
	assert_int_equal(pressure_verdict(&many, &steady), PRESSURE_COPIES);
	assert_int_equal(pressure_verdict(&habit, &steady), PRESSURE_HABIT);
	assert_int_equal(pressure_verdict(NULL, NULL), PRESSURE_NEED);
	assert_true(pressure_trend_full_in(&steady, 1000) == USEC_INFINITY);
	for (unsigned i = 0; i < 3 * PRESSURE_SAMPLES; i++)
		pressure_trend_add(&steady, i, i);
	assert_int_equal(steady.n, PRESSURE_SAMPLES);
}

typedef struct Complaints {
	int n;
	unsigned line;
	char message[256];
} Complaints;

static void note(const char *file, unsigned line, const char *message, void *userdata)
{
	Complaints *complaints = userdata;

	(void)file;
	complaints->n++;
	complaints->line = line;
	(void)snprintf(complaints->message, sizeof complaints->message, "%s", message);
}

static void bad_values_are_named_and_the_default_stays(void **state)
{
	MonitorConfig config = {.warn_percent = 80, .idle_interval_usec = 7};
	Complaints complaints = {};

	(void)state;
	fixture_file("vigil.conf", "# comment\n[Inotify]\nWarnPercent=250\n");
	assert_int_equal(conf_read_file(fixture_at("vigil.conf"), config_rows, config_n_rows,
				 &config, note, &complaints),
		1);
	assert_int_equal(complaints.n, 1);
	assert_int_equal(complaints.line, 3);
	assert_non_null(strstr(complaints.message, "1 to 100"));
	assert_int_equal(config.warn_percent, 80);

	complaints = (Complaints){};
	fixture_file("b", "[Inotify]\nIdleIntervalSec=2min\nNoSuch=1\n");
	assert_int_equal(conf_read_file(fixture_at("b"), config_rows, config_n_rows, &config, note,
				 &complaints),
		1);
	assert_int_equal(complaints.line, 3);
	assert_true(config.idle_interval_usec == 120 * USEC_PER_SEC);
	assert_int_equal(conf_read_file(fixture_at("missing"), config_rows, config_n_rows, &config,
				 note, &complaints),
		0);
	assert_int_equal(conf_read_file(fixture_path, config_rows, config_n_rows, &config, note,
				 &complaints),
		-EINVAL);
	config_done(&config);
}

static void dropins_go_by_name_and_later_directories_win(void **state)
{
	char low[128], high[128];
	const char *const dirs[] = {low, high, NULL};
	MonitorConfig config;

	(void)state;
	(void)snprintf(low, sizeof low, "%s/low", fixture_path);
	(void)snprintf(high, sizeof high, "%s/high", fixture_path);
	fixture_file("low/vigil.conf", "[Inotify]\nWarnPercent=71\n");
	fixture_file("high/vigil.conf", "[Inotify]\nWarnPercent=72\n[Monitor]\nModules=a b\n");
	fixture_file("low/vigil.conf.d/50-x.conf", "[Inotify]\nWarnPercent=73\nUrgentPercent=90\n");
	fixture_file("low/vigil.conf.d/60-y.conf", "[Inotify]\nWarnPercent=74\n");
	fixture_file("high/vigil.conf.d/60-y.conf", "[Inotify]\nClearPercent=60\n");
	config_load(&config, dirs);
	assert_int_equal(config.warn_percent, 73);
	assert_int_equal(config.urgent_percent, 90);
	assert_int_equal(config.clear_percent, 60);
	assert_string_equal(config.modules[1], "b");
	assert_null(config.modules[2]);
	config_done(&config);

	fixture_file("high/vigil.conf.d/70-z.conf", "[Inotify]\nClearPercent=99\n");
	config_load(&config, dirs);
	assert_int_equal(
		config.warn_percent, 80); /* thresholds that contradict each other: all defaults */
	config_done(&config);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_episode_warns_once_and_clears),
		cmocka_unit_test(the_refused_canary_is_urgent_at_any_figure),
		cmocka_unit_test(ignored_and_dismissed_stay_silent),
		cmocka_unit_test(unknown_limits_never_warn),
		cmocka_unit_test(the_interval_follows_need_and_cost),
		cmocka_unit_test(levels_follow_their_rules_at_every_percent),
		cmocka_unit_test(the_warning_names_who_and_what),
		cmocka_unit_test(verdicts),
		TEST(bad_values_are_named_and_the_default_stays),
		TEST(dropins_go_by_name_and_later_directories_win),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
