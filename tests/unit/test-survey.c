/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/: whole surveys over fixture trees, friendly and hostile, with a kernel of our own. */
#include "survey/survey.h"

#include "survey/explain.h"
#include "survey/pressure.h"
#include "tests/unit/test.h"

static void add_process(int pid, int parent, unsigned uid, const char *comm)
{
	char name[64], text[512];

	(void)snprintf(name, sizeof name, "%d/status", pid);
	(void)snprintf(text, sizeof text,
		"Name:\t%s\nState:\tS (sleeping)\nPPid:\t%d\nUid:\t%u\t%u\t%u\t%u\n", comm, parent,
		uid, uid, uid, uid);
	fixture_file(name, text);
	(void)snprintf(name, sizeof name, "%d/comm", pid);
	(void)snprintf(text, sizeof text, "%s\n", comm);
	fixture_file(name, text);
	(void)snprintf(name, sizeof name, "%d/fd/0", pid);
	fixture_link(name, "/dev/null");
	(void)snprintf(name, sizeof name, "%d/fdinfo/0", pid);
	fixture_file(name, "pos:\t0\n");
}

/* An inotify descriptor with n watches, whose inode numbers start at first. */
static void add_instance(int pid, int fd, int n, int first)
{
	char name[64], text[8192] = "pos:\t0\n";
	size_t at = strlen(text);

	(void)snprintf(name, sizeof name, "%d/fd/%d", pid, fd);
	fixture_link(name, "anon_inode:inotify");
	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "inotify wd:%x ino:%x sdev:1\n",
			i + 1, first + i);
	(void)snprintf(name, sizeof name, "%d/fdinfo/%d", pid, fd);
	fixture_file(name, text);
}

static void add_limits(const char *instances, const char *watches)
{
	fixture_file("sys/fs/inotify/max_user_instances", instances);
	fixture_file("sys/fs/inotify/max_user_watches", watches);
	fixture_file("sys/fs/inotify/max_queued_events", "16384\n");
	fixture_file("meminfo", "MemTotal:       16000000 kB\nMemFree: 1 kB\n");
}

/* Descriptors above 100 with the same number are one instance; the order is that of the numbers. */
static int compare_by_fd(pid_t a, int fd_a, pid_t b, int fd_b, void *userdata)
{
	(void)userdata;
	int64_t x = fd_a >= 100 ? fd_a : (int64_t)a << 20 | fd_a,
		y = fd_b >= 100 ? fd_b : (int64_t)b << 20 | fd_b;
	return x == y ? 0 : x < y ? 1 : 2;
}

static Survey *run(const SurveyKernel *kernel, bool skip_watches)
{
	_cleanup_(closep) int fd = fixture_open();
	SurveyOptions options = {
		.proc_fd = fd, .kernel = kernel, .threads = 2, .skip_watches = skip_watches};
	Survey *survey = NULL;

	assert_int_equal(survey_run(&options, &survey), 0);
	return survey;
}

static void counts_are_exact(void **state)
{
	const SurveyKernel kernel = {.compare_files = compare_by_fd};

	(void)state;
	add_limits("128\n", "65536\n");
	add_process(10, 1, 1000, "editor");
	add_instance(10, 3, 5, 100);
	add_instance(10, 4, 0, 0);
	add_process(11, 10, 1000, "child"); /* shares 200 with its sibling */
	add_instance(11, 200, 7, 500);
	add_process(12, 10, 1000, "child");
	add_instance(12, 200, 7, 500);
	add_instance(12, 201, 7, 500); /* an equal list, another instance */
	add_process(13, 1, 2000, "other");
	add_instance(13, 3, 1, 1);
	add_process(14, 1, 2000, "nothing");

	_cleanup_(survey_freep) Survey *survey = run(&kernel, false);
	assert_int_equal(survey->n_processes, 4);
	assert_int_equal(survey->scanned, 5);
	assert_true(survey->complete && !survey->approximate);
	assert_int_equal(survey->shared, 1);
	const SurveyAccount *account = survey_account(survey, 1000);
	assert_int_equal(account->instances, 4);
	assert_int_equal(account->watches, 5 + 0 + 7 + 7);
	assert_true(account->instance_percent > 3.1 && account->instance_percent < 3.2);
	assert_int_equal(survey_account(survey, 2000)->watches, 1);
	assert_int_equal(survey->processes[2].pid, 12);
	assert_int_equal(survey->processes[2].instances, 2);
	assert_int_equal(survey->processes[2].shared, 1);

	SurveyGroup *groups;
	size_t n;
	assert_int_equal(survey_group(survey, SURVEY_BY_APP, NULL, NULL, &groups, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(groups[0].label, "child");
	assert_int_equal(groups[0].instances, 2); /* the shared one once */
	assert_int_equal(groups[0].watches, 14);
	survey_groups_free(groups, n);

	PressureHolder holders[PRESSURE_HOLDERS];
	assert_int_equal(pressure_holders(survey, 1000, INOTIFY_WATCHES, holders), 2);
	assert_string_equal(holders[0].name, "child");
	assert_int_equal(holders[0].count, 14);

	_cleanup_(survey_freep) Survey *cheap = run(&kernel, true);
	assert_int_equal(survey_account(cheap, 1000)->instances, 4);
	assert_int_equal(survey_account(cheap, 1000)->watches, 0);
	assert_true(survey_account(cheap, 1000)->watch_percent < 0);
}

static void without_kcmp_equal_lists_of_parent_and_child_are_one(void **state)
{
	const SurveyKernel none = {};

	(void)state;
	add_limits("128\n", "65536\n");
	add_process(20, 1, 1000, "parent");
	add_instance(20, 3, 4, 10);
	add_process(21, 20, 1000, "child");
	add_instance(21, 3, 4, 10);
	add_process(22, 1, 1000, "stranger");
	add_instance(22, 3, 4, 10);
	_cleanup_(survey_freep) Survey *survey = run(&none, false);
	assert_int_equal(survey_account(survey, 1000)->instances, 2);
	assert_true(survey->approximate);
}

static void hostile_trees_cost_only_their_rows(void **state)
{
	const SurveyKernel kernel = {.compare_files = compare_by_fd};
	char *huge = malloc(100000);

	(void)state;
	assert_non_null(huge);
	memset(huge, 'A', 99999);
	huge[99999] = '\0';
	add_limits("0\n", "not a number\n"); /* zero and rubbish: unknown, no division */
	add_process(30, 1, 1000, "good");
	add_instance(30, 3, 2, 1);
	add_process(31, 1, 1000, "a] [b\\n(x)"); /* brackets in a name */
	add_instance(31, 3, 1, 1);
	fixture_file("31/cmdline", "line\nbreak");
	fixture_file("31/cgroup", huge);
	fixture_file("32/status", huge); /* no Uid: */
	fixture_link("32/fd/3", "anon_inode:inotify");
	assert_int_equal(mkfifo(fixture_at("33/status"), 0600), 0); /* a FIFO must not hang */
	fixture_link("33/fd/3", "anon_inode:inotify");
	add_process(34, 1, 1000, "fifo");
	fixture_link("34/fd/5", "anon_inode:inotify");
	assert_int_equal(mkfifo(fixture_at("34/fdinfo/5"), 0600), 0);
	fixture_file("35/fd", "a file where a directory belongs");
	fixture_link("36/fd", "/proc/self/fd");
	fixture_file("99999999999999/fd/3", "not a pid");

	_cleanup_(survey_freep) Survey *survey = run(&kernel, false);
	const SurveyAccount *account = survey_account(survey, 1000);
	assert_int_equal(account->instances, 3);
	assert_int_equal(account->watches, 3);
	assert_true(account->instance_percent < 0 && account->watch_percent < 0);
	assert_int_equal(survey->limits.instances.source, LIMIT_UNKNOWN);
	json_t *json = survey_to_json(survey, NULL, NULL);
	assert_true(json_is_null(json_object_get(json_object_get(json, "totals"), "maxInstances")));
	json_decref(json);
	free(huge);
}

static void an_unreadable_process_is_told(void **state)
{
	const SurveyKernel kernel = {.compare_files = compare_by_fd};

	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(setegid(65534), 0);
		assert_int_equal(chmod(fixture_path, 0777), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	add_limits("128\n", "65536\n");
	add_process(40, 1, 1000, "secret");
	assert_int_equal(chmod(fixture_at("40/fd"), 0), 0);
	add_process(41, 1, 1000, "kthread");
	fixture_file("41/stat", "41 (k (x) ) S 2 0 0 0 -1 2129984 0 0\n"); /* PF_KTHREAD */
	assert_int_equal(chmod(fixture_at("41/fd"), 0), 0);
	Survey *survey = run(&kernel, false);
	assert_int_equal(survey->unreadable, 1);
	assert_false(survey->complete);
	assert_int_equal(survey_account(survey, 1000)->unreadable, 1);
	(void)survey_free(survey);
	assert_int_equal(chmod(fixture_at("40/fd"), 0700), 0);
	assert_int_equal(chmod(fixture_at("41/fd"), 0700), 0);
	if (getuid() == 0) {
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(setegid(0), 0);
	}
}

static void explanations_have_figures(void **state)
{
	const SurveyKernel kernel = {.compare_files = compare_by_fd};
	_cleanup_(closep) int fd = fixture_open();
	Explanation explanation;

	(void)state;
	add_limits("2\n", "100\n");
	add_process(50, 1, 4242, "full");
	add_instance(50, 3, 85, 1);
	add_instance(50, 4, 1, 900);
	fixture_file("50/limits",
		"Limit Soft Limit Hard Limit Units\nMax open files            3   4096   files\n");
	fixture_file("sys/fs/file-nr", "10\t0\t1000\n");
	_cleanup_(survey_freep) Survey *survey = run(&kernel, false);
	assert_int_equal(survey_explain(survey, fd, 50, &explanation), 0);
	assert_int_equal(explanation.uid, 4242);
	assert_int_equal(explanation.rows[0].state, EXPLAIN_NEAR);	/* 86 of 100 watches */
	assert_int_equal(explanation.rows[1].state, EXPLAIN_EXHAUSTED); /* 2 of 2 instances */
	assert_int_equal(explanation.rows[2].state, EXPLAIN_EXHAUSTED); /* 3 of 3 descriptors */
	assert_int_equal(explanation.rows[3].used, 10);
	assert_int_equal(explanation.rows[3].state, EXPLAIN_OK);
	explanation_done(&explanation);
	assert_int_equal(survey_explain(survey, fd, 51, &explanation), -ESRCH);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(counts_are_exact),
		TEST(without_kcmp_equal_lists_of_parent_and_child_are_one),
		TEST(hostile_trees_cost_only_their_rows),
		TEST(an_unreadable_process_is_told),
		TEST(explanations_have_figures),
	};
	return cmocka_run_group_tests_name("survey", tests, NULL, NULL);
}
