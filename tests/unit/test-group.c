/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey_group() over a survey made by hand: what is one group, and what counts once in it. */
#include "common/text.h"
#include "survey/internals.h"
#include "tests/unit/test.h"

#define N_PROCESSES   8
#define TEXT(literal) ((char *)(literal)) /* the rows own theirs; nobody frees these */

/* pid, uid, program, unit, cgroup, container. Two users run the same editor, interleaved. */
static SurveyProcess processes[N_PROCESSES] = {
	{.pid = 1,
		.uid = 0,
		.app_name = TEXT("init"),
		.exe = TEXT("/sbin/init"),
		.unit = TEXT("init.scope"),
		.cgroup = TEXT("/init.scope")},
	{.pid = 10,
		.uid = 1000,
		.app_name = TEXT("editor"),
		.exe = TEXT("/bin/editor"),
		.unit = TEXT("e.service"),
		.cgroup = TEXT("/user@1000.service/e.service")},
	{.pid = 11,
		.uid = 1001,
		.app_name = TEXT("editor"),
		.exe = TEXT("/bin/editor"),
		.unit = TEXT("e.service"),
		.cgroup = TEXT("/user@1001.service/e.service")},
	{.pid = 12,
		.uid = 1000,
		.app_name = TEXT("editor"),
		.exe = TEXT("/bin/editor"),
		.unit = TEXT("e.service"),
		.cgroup = TEXT("/user@1000.service/e.service")},
	{.pid = 20,
		.uid = 33,
		.app_name = TEXT("web"),
		.exe = TEXT("/bin/web"),
		.unit = TEXT("web.service"),
		.cgroup = TEXT("/web.service"),
		.container = TEXT("pod:1")},
	{.pid = 21,
		.uid = 34,
		.app_name = TEXT("web"),
		.unit = TEXT("web.service"),
		.cgroup = TEXT("/web.service"),
		.container = TEXT("pod:1"),
		.comm = TEXT("web")},
	{.pid = 30, .uid = 1000, .app_name = TEXT("secret")},
	{.pid = 40, .uid = 1000, .app_name = TEXT("fan")},
};

/* instance 0: init. 1: shared by 10 and 12. 2: of 10 alone, empty. 3: shared by 10 and 11. 4:
 * of 11. 5: web's, shared by both. 6: a fanotify group. */
static SurveyInstance instances[] = {
	{.watches = 3, .references = 1, .holders = 1},
	{.watches = 100, .references = 3, .holders = 2},
	{.watches = 0, .references = 1, .holders = 1},
	{.watches = 50, .references = 2, .holders = 2},
	{.watches = 1, .references = 1, .holders = 1},
	{.watches = 7, .references = 2, .holders = 2},
	{.watches = 9, .references = 1, .holders = 1, .fanotify = true},
};

static SurveyReference references[] = {
	{.process = 0, .instance = 0},
	{.process = 1, .instance = 1},
	{.process = 1, .instance = 1}, /* a dup */
	{.process = 1, .instance = 2},
	{.process = 1, .instance = 3},
	{.process = 1, .instance = INSTANCE_NONE}, /* vanished */
	{.process = 2, .instance = 3},
	{.process = 2, .instance = 4},
	{.process = 3, .instance = 1},
	{.process = 4, .instance = 5},
	{.process = 5, .instance = 5},
	{.process = 7, .instance = 6, .fanotify = true},
};

static SurveyProcessDetail details[N_PROCESSES];
static SurveyInternals internals = {.details = details,
	.references = references,
	.n_references = ELEMENTSOF(references),
	.instances = instances,
	.n_instances = ELEMENTSOF(instances)};
static SurveyAccount accounts[] = {
	{.uid = 1000, .name = TEXT("alice")}, {.uid = 0, .name = TEXT("root")}};
static Survey survey = {.processes = processes,
	.n_processes = N_PROCESSES,
	.accounts = accounts,
	.n_accounts = ELEMENTSOF(accounts),
	.internals = &internals,
	.has_watches = true};

static int prepare(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ELEMENTSOF(references); i++) {
		SurveyProcessDetail *detail = &details[references[i].process];
		if (detail->n_references++ == 0)
			detail->first_reference = i;
	}
	for (size_t i = 0; i < N_PROCESSES; i++)
		processes[i].readable = processes[i].pid != 30;
	processes[1].watches = 150;
	processes[2].watches = 51;
	processes[3].watches = 100;
	return 0;
}

static const SurveyGroup *group_of(
	const SurveyGroup *groups, size_t n, const char *label, uid_t uid)
{
	const SurveyGroup *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (streq(groups[i].label, label) && groups[i].uid == uid) {
			assert_null(found); /* one group a name and user */
			found = &groups[i];
		}
	assert_non_null(found);
	return found;
}

static void two_users_of_an_application_are_two_groups(void **state)
{
	SurveyGroup *groups;
	size_t n;

	(void)state;
	assert_int_equal(survey_group(&survey, SURVEY_BY_APP, NULL, NULL, &groups, &n), 0);
	const SurveyGroup *alice = group_of(groups, n, "editor", 1000);
	assert_int_equal(alice->processes, 2);
	assert_int_equal(alice->instances, 3); /* the shared one once, the dup not at all */
	assert_int_equal(alice->watches, 150);
	assert_int_equal(alice->shared, 2);
	assert_int_equal(alice->small, 1);
	assert_int_equal(alice->pid, 10);
	assert_ptr_equal(alice->example, &processes[1]);
	const SurveyGroup *other = group_of(groups, n, "editor", 1001);
	assert_int_equal(other->instances, 2); /* what it shares across groups counts in each */
	assert_int_equal(other->watches, 51);
	const SurveyGroup *secret = group_of(groups, n, "secret", 1000);
	assert_int_equal(secret->unreadable, 1);
	assert_int_equal(secret->instances, 0);
	const SurveyGroup *fan = group_of(groups, n, "fan", 1000);
	assert_int_equal(fan->fanotify_groups, 1);
	assert_int_equal(fan->fanotify_marks, 9);
	assert_int_equal(fan->instances, 0);
	for (size_t i = 1; i < n; i++)
		assert_true(groups[i - 1].watches >= groups[i].watches);
	survey_groups_free(groups, n);
}

static void user_units_are_their_users_and_system_units_the_systems(void **state)
{
	SurveyGroup *groups;
	size_t n;

	(void)state;
	assert_int_equal(survey_group(&survey, SURVEY_BY_UNIT, NULL, NULL, &groups, &n), 0);
	assert_int_equal(group_of(groups, n, "e.service", 1000)->processes, 2);
	assert_int_equal(group_of(groups, n, "e.service", 1001)->processes, 1);
	const SurveyGroup *web = group_of(groups, n, "web.service", 33); /* and uid 34 */
	assert_int_equal(web->processes, 2);
	assert_int_equal(web->instances, 1);
	assert_int_equal(group_of(groups, n, "-", 1000)->processes, 2);
	survey_groups_free(groups, n);
}

static void every_key_takes_every_process_once(void **state)
{
	static const size_t expected[SURVEY_KEY_MAX] = {
		[SURVEY_BY_PROCESS] = N_PROCESSES,
		[SURVEY_BY_EXE] = 5, /* init, editor, web by path, web by its name, nothing */
		[SURVEY_BY_APP] = 7,
		[SURVEY_BY_UNIT] = 5,
		[SURVEY_BY_CONTAINER] = 2,
		[SURVEY_BY_USER] = 5, /* alice, root, 1001, 33, 34 */
	};

	(void)state;
	for (int key = 0; key < SURVEY_KEY_MAX; key++) {
		SurveyGroup *groups;
		size_t n, sum = 0;
		assert_int_equal(survey_group(&survey, key, NULL, NULL, &groups, &n), 0);
		for (size_t i = 0; i < n; i++) {
			sum += groups[i].processes;
			assert_non_null(groups[i].label);
			assert_non_null(groups[i].example);
			assert_int_equal(groups[i].example->pid, groups[i].pid);
		}
		assert_int_equal(sum, N_PROCESSES);
		assert_int_equal(n, expected[key]);
		survey_groups_free(groups, n);
	}
}

static bool of_uid(const SurveyProcess *process, void *userdata)
{
	return process->uid == *(uid_t *)userdata;
}

static void the_filter_chooses(void **state)
{
	SurveyGroup *groups;
	uid_t uid = 1001, nobody = 65534;
	size_t n;

	(void)state;
	assert_int_equal(survey_group(&survey, SURVEY_BY_USER, of_uid, &uid, &groups, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(groups[0].label, "1001"); /* no account: digits */
	survey_groups_free(groups, n);
	assert_int_equal(survey_group(&survey, SURVEY_BY_USER, of_uid, &nobody, &groups, &n), 0);
	assert_int_equal(n, 0);
	survey_groups_free(groups, n);
}

static void after_the_cheap_pass_nothing_is_called_small(void **state)
{
	SurveyGroup *groups;
	size_t n;

	(void)state;
	survey.has_watches = false;
	assert_int_equal(survey_group(&survey, SURVEY_BY_APP, NULL, NULL, &groups, &n), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(groups[i].small, 0);
	survey_groups_free(groups, n);
	survey.has_watches = true;
}

static void keys_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < SURVEY_KEY_MAX; i++)
		assert_int_equal(survey_key_from_string(survey_key_to_string(i)), i);
	assert_int_equal(survey_key_from_string("uid"), SURVEY_KEY_INVALID);
	assert_int_equal(survey_key_from_string(""), SURVEY_KEY_INVALID);
	assert_null(survey_key_to_string(SURVEY_KEY_MAX));
	assert_null(survey_key_to_string(SURVEY_KEY_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_users_of_an_application_are_two_groups),
		cmocka_unit_test(user_units_are_their_users_and_system_units_the_systems),
		cmocka_unit_test(every_key_takes_every_process_once),
		cmocka_unit_test(the_filter_chooses),
		cmocka_unit_test(after_the_cheap_pass_nothing_is_called_small),
		cmocka_unit_test(keys_have_names),
	};
	return cmocka_run_group_tests_name("group", tests, prepare, NULL);
}
