/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The survey's JSON from surveys made by hand: kde-inotify-survey's keys with its meaning, unknowns
 * as null, and text that is none. */
#include "common/json.h"
#include "survey/survey.h"
#include "tests/unit/test.h"

#define TEXT(literal) ((char *)(literal))

static SurveyProcess processes[] = {
	{.pid = 7,
		.uid = 1000,
		.readable = true,
		.app_name = TEXT("editor"),
		.exe = TEXT("/bin/\xff\xfe"),
		.cmdline = TEXT("editor \033[2J \"quoted\"\n{}"),
		.references = 3,
		.instances = 2,
		.watches = 40,
		.shared = 1,
		.small = 1},
	{.pid = 8, .uid = 1000, .app_name = TEXT("secret")},
};

static SurveyAccount accounts[] = {
	{.uid = 33,
		.name = TEXT("web"),
		.instances = 120,
		.watches = 1,
		.max_instances = {128, LIMIT_FS},
		.instance_percent = 93.75,
		.watch_percent = -1},
	{.uid = 1000,
		.name = TEXT("a\xc3"),
		.instances = 2,
		.watches = 40,
		.unreadable = 1,
		.max_instances = {128, LIMIT_FS},
		.instance_percent = 1.5625,
		.watch_percent = -1},
};

static Survey made(uid_t viewer)
{
	return (Survey){.processes = processes,
		.n_processes = ELEMENTSOF(processes),
		.accounts = accounts,
		.n_accounts = ELEMENTSOF(accounts),
		.viewer = viewer,
		.scanned = 9,
		.unreadable = 1,
		.shared = 1,
		.method = "proc",
		.limits = {.fs_instances = {128, LIMIT_FS}, .instances = {128, LIMIT_FS}}};
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void kdes_keys_have_kdes_meaning(void **state)
{
	const Survey survey = made(1000);
	_cleanup_(json_decrefp) json_t *root = survey_to_json(&survey, NULL, NULL);

	(void)state;
	const json_t *list = json_object_get(root, "processes"), *first = json_array_get(list, 0);
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(number(first, "uid"), 1000);
	assert_int_equal(number(first, "pid"), 7);
	assert_int_equal(number(first, "instances"), 2);
	assert_int_equal(number(first, "watches"), 40);
	assert_int_equal(number(first, "smallInstances"), 1);
	assert_string_equal(json_string_value(json_object_get(first, "cmdline")),
		"editor \033[2J \"quoted\"\n{}");
	assert_non_null(strstr(
		json_string_value(json_object_get(first, "exe")), "\xef\xbf\xbd")); /* U+FFFD */
	const json_t *second = json_array_get(list, 1);
	assert_string_equal(
		json_string_value(json_object_get(second, "cmdline")), ""); /* always there */
	assert_true(json_is_false(json_object_get(second, "readable")));
	assert_null(json_object_get(second, "exe"));
}

static void totals_are_the_viewers_and_for_root_the_closest(void **state)
{
	static const struct {
		uid_t viewer;
		json_int_t instances;
	} rows[] = {{1000, 2}, {33, 120}, {0, 120}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const Survey survey = made(rows[i].viewer);
		_cleanup_(json_decrefp) json_t *root = survey_to_json(&survey, NULL, NULL);
		const json_t *totals = json_object_get(root, "totals");
		assert_int_equal(number(totals, "instances"), rows[i].instances);
		assert_int_equal(number(totals, "maxInstances"), 128);
		assert_true(json_is_real(json_object_get(totals, "instancePercent")));
		assert_true(json_is_null(json_object_get(totals, "maxWatches")));
		assert_true(json_is_null(json_object_get(totals, "watchPercent")));
	}
}

static void unknown_limits_are_null(void **state)
{
	const Survey survey = made(1000);
	_cleanup_(json_decrefp) json_t *root = survey_to_json(&survey, NULL, NULL);
	const json_t *limits = json_object_get(root, "limits");

	(void)state;
	assert_int_equal(number(limits, "maxUserInstances"), 128);
	assert_true(json_is_null(json_object_get(limits, "maxUserWatches")));
	assert_true(json_is_null(json_object_get(limits, "namespaceInstances")));
}

static bool only_seven(const SurveyProcess *process, void *userdata)
{
	(void)userdata;
	return process->pid == 7;
}

static void the_filter_limits_processes_alone(void **state)
{
	const Survey survey = made(1000);
	_cleanup_(json_decrefp) json_t *root = survey_to_json(&survey, only_seven, NULL);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(root, "processes")), 1);
	assert_int_equal(json_array_size(json_object_get(root, "users")), 2);
	assert_int_equal(number(root, "scanned"), 9);
	assert_int_equal(number(root, "unreadable"), 1);
	assert_true(json_is_false(json_object_get(root, "complete")));
}

static void it_can_be_written_and_read_again(void **state)
{
	const Survey survey = made(0);
	_cleanup_(json_decrefp) json_t *root = survey_to_json(&survey, NULL, NULL);
	_cleanup_(freep) char *text = json_dumps(root, JSON_COMPACT);

	(void)state;
	assert_non_null(text);
	_cleanup_(json_decrefp) json_t *again = json_loads(text, 0, NULL);
	assert_true(json_equal(root, again));
}

static void no_accounts_are_no_crash(void **state)
{
	Survey survey = made(0);

	(void)state;
	survey.n_accounts = 0;
	survey.accounts = NULL;
	_cleanup_(json_decrefp) json_t *root = survey_to_json(&survey, NULL, NULL);
	assert_int_equal(number(json_object_get(root, "totals"), "instances"), 0);
	assert_true(json_is_null(json_object_get(json_object_get(root, "totals"), "maxInstances")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kdes_keys_have_kdes_meaning),
		cmocka_unit_test(totals_are_the_viewers_and_for_root_the_closest),
		cmocka_unit_test(unknown_limits_are_null),
		cmocka_unit_test(the_filter_limits_processes_alone),
		cmocka_unit_test(it_can_be_written_and_read_again),
		cmocka_unit_test(no_accounts_are_no_crash),
	};
	return cmocka_run_group_tests_name("survey-json", tests, NULL, NULL);
}
