/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/explain: which end gives which error, over fixture trees and, for the canary, the real
 * one. */
#include "survey/explain.h"

#include "common/text.h"
#include "survey/internals.h"
#include "tests/unit/test.h"
#include <sched.h>
#include <sys/inotify.h>
#include <sys/wait.h>

static void states_follow_the_figures(void **state)
{
	static const struct {
		uint64_t used, max;
		ExplainState expected;
	} rows[] = {
		{0, 0, EXPLAIN_UNKNOWN},
		{5, 0, EXPLAIN_UNKNOWN},
		{0, 1, EXPLAIN_OK},
		{1, 1, EXPLAIN_EXHAUSTED},
		{79, 100, EXPLAIN_OK},
		{80, 100, EXPLAIN_NEAR},
		{99, 100, EXPLAIN_NEAR},
		{100, 100, EXPLAIN_EXHAUSTED},
		{101, 100, EXPLAIN_EXHAUSTED}, /* lowered below the use */
		{UINT64_MAX, UINT64_MAX, EXPLAIN_EXHAUSTED},
		{1, UINT64_MAX, EXPLAIN_OK},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(explain_state(rows[i].used, rows[i].max), rows[i].expected);
	assert_string_equal(explain_state_to_string(EXPLAIN_EXHAUSTED), "exhausted");
	assert_string_equal(explain_state_to_string(EXPLAIN_UNKNOWN), "unknown");
}

static void disks_are_seen_as_an_ordinary_user_does(void **state)
{
	static const struct {
		struct statvfs fs;
		ExplainState space, inodes;
		uint64_t used, max;
	} rows[] = {
		{{.f_frsize = 4096,
			 .f_blocks = 1000,
			 .f_bfree = 500,
			 .f_bavail = 450,
			 .f_files = 100,
			 .f_ffree = 90,
			 .f_favail = 90},
			EXPLAIN_OK, EXPLAIN_OK, 500 * 4096, 950 * 4096},
		/* full but for root's reserve */
		{{.f_frsize = 4096,
			 .f_blocks = 1000,
			 .f_bfree = 50,
			 .f_bavail = 0,
			 .f_files = 100,
			 .f_ffree = 0,
			 .f_favail = 0},
			EXPLAIN_EXHAUSTED, EXPLAIN_EXHAUSTED, 950 * 4096, 950 * 4096},
		{{.f_frsize = 1,
			 .f_blocks = 100,
			 .f_bfree = 10,
			 .f_bavail = 10,
			 .f_files = 10,
			 .f_ffree = 1,
			 .f_favail = 1},
			EXPLAIN_NEAR, EXPLAIN_NEAR, 90, 100},
		/* lies */
		{{.f_frsize = 4096,
			 .f_blocks = 10,
			 .f_bfree = 50,
			 .f_bavail = 500,
			 .f_files = 1,
			 .f_ffree = 9,
			 .f_favail = 99},
			EXPLAIN_OK, EXPLAIN_OK, 0, 10 * 4096},
		{{.f_frsize = 4096, .f_blocks = UINT64_MAX, .f_bfree = 0, .f_bavail = 0},
			EXPLAIN_UNKNOWN, EXPLAIN_UNKNOWN, 0, 0},
		{{.f_frsize = 0, .f_blocks = 10, .f_bfree = 0}, EXPLAIN_EXHAUSTED, EXPLAIN_UNKNOWN,
			10, 10},
		{{}, EXPLAIN_UNKNOWN, EXPLAIN_UNKNOWN, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		ExplainRow space, inodes;
		explain_disk_rows(&rows[i].fs, &space, &inodes);
		assert_int_equal(space.state, rows[i].space);
		assert_int_equal(inodes.state, rows[i].inodes);
		assert_true(space.used == rows[i].used && space.max == rows[i].max);
	}
}

/* ---- fixture trees */

static int all_different(pid_t a, int fd_a, pid_t b, int fd_b, void *userdata)
{
	(void)userdata;
	return a < b || (a == b && fd_a < fd_b) ? 1 : a == b && fd_a == fd_b ? 0 : 2;
}

static void write_tree(const char *nofile, const char *file_nr)
{
	char text[256];

	fixture_file("sys/fs/inotify/max_user_instances", "1\n");
	fixture_file("sys/fs/inotify/max_user_watches", "100\n");
	fixture_file("sys/fs/inotify/max_queued_events", "16384\n");
	fixture_file("50/status", "Name:\tx\nPPid:\t1\nUid:\t7\t4242\t7\t7\n");
	fixture_file("50/comm", "pro\033[gram\n");
	fixture_file("50/fdinfo/3", "pos:\t0\ninotify wd:1 ino:1 sdev:1\n");
	(void)snprintf(text, sizeof text,
		"Limit Soft Hard Units\nMax open files            %s  files\n", nofile);
	fixture_file("50/limits", text);
	fixture_file("sys/fs/file-nr", file_nr);
}

static Survey *run(void)
{
	static const SurveyKernel kernel = {.compare_files = all_different};
	static const char *const no_dirs[] = {NULL};
	_cleanup_(closep) int fd = fixture_open();
	SurveyOptions options = {
		.proc_fd = fd, .kernel = &kernel, .threads = 1, .app_dirs = no_dirs};
	Survey *survey = NULL;

	assert_int_equal(survey_run(&options, &survey), 0);
	return survey;
}

static void rows_come_from_the_tree(void **state)
{
	static const struct {
		const char *nofile, *file_nr;
		ExplainState files, system;
		uint64_t max_files;
	} rows[] = {
		{"1024   4096", "10\t0\t1000\n", EXPLAIN_OK, EXPLAIN_OK, 1024},
		{"1   4096", "1000\t0\t1000\n", EXPLAIN_EXHAUSTED, EXPLAIN_EXHAUSTED, 1},
		{"unlimited   unlimited", "900 0 1000", EXPLAIN_OK, EXPLAIN_NEAR, 0},
		{"none", "10 0", EXPLAIN_UNKNOWN, EXPLAIN_UNKNOWN, 0},
		{"99999999999999999999999 1", "x\ty\tz", EXPLAIN_UNKNOWN, EXPLAIN_UNKNOWN, 0},
		{"0 0", "5\t99\t10\n", EXPLAIN_UNKNOWN, EXPLAIN_OK, 0},
		{"", "", EXPLAIN_UNKNOWN, EXPLAIN_UNKNOWN, 0},
	};

	(void)state;
	fixture_link("50/fd/3", "anon_inode:inotify");
	fixture_link("50/cwd", fixture_path);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(closep) int fd = fixture_open();
		Explanation explanation;
		write_tree(rows[i].nofile, rows[i].file_nr);
		_cleanup_(survey_freep) Survey *survey = run();
		assert_int_equal(survey_explain(survey, fd, 50, &explanation), 0);
		assert_int_equal(explanation.uid, 4242); /* the effective one pays */
		assert_string_equal(explanation.name, "pro\033[gram");
		assert_false(
			explanation.canary_asked); /* a tree of files says nothing of this kernel */
		assert_true(explanation.complete);
		assert_int_equal(explanation.rows[0].state, EXPLAIN_OK);
		assert_int_equal(explanation.rows[1].state, EXPLAIN_EXHAUSTED);
		assert_string_equal(explanation.rows[1].error, "EMFILE");
		assert_string_equal(explanation.rows[1].scope, "user");
		assert_int_equal(explanation.rows[2].state, rows[i].files);
		assert_int_equal(explanation.rows[2].max, rows[i].max_files);
		assert_int_equal(explanation.rows[3].state, rows[i].system);
		assert_string_equal(explanation.rows[3].error, "ENFILE");
		assert_true(explanation.rows[4].max > 0 && explanation.rows[4].bytes);
		assert_int_equal(explanation.queued_events, 16384);
		explanation_done(&explanation);
	}
}

static void what_cannot_be_seen_is_unknown(void **state)
{
	_cleanup_(closep) int fd = fixture_open();
	Explanation explanation;

	(void)state;
	fixture_file("60/status", "Name:\tx\nUid:\t8\t8\t8\t8\n");
	fixture_link("60/ns/user", "user:[2]");
	fixture_link("self/ns/user", "user:[1]");
	fixture_file("61/status", "Name:\tx\n");
	fixture_file("62/status", "Name:\tx\nUid:\t8\n");
	fixture_file("63/status", "Name:\tx\nUid:\t8\t99999999999\t8\t8\n");
	assert_int_equal(mkfifo(fixture_at("64/status"), 0600), 0);
	_cleanup_(survey_freep) Survey *survey = run();
	assert_int_equal(survey_explain(survey, fd, 60, &explanation), 0);
	assert_int_equal(explanation.uid, 8);
	assert_null(explanation.name);
	assert_true(explanation.other_namespace);
	for (size_t i = 0; i < explanation.n_rows; i++)
		assert_int_equal(explanation.rows[i].state, EXPLAIN_UNKNOWN);
	assert_int_equal(explanation.n_rows, 5);
	explanation_done(&explanation);
	for (pid_t pid = 61; pid <= 65; pid++)
		assert_int_equal(survey_explain(survey, fd, pid, &explanation), -ESRCH);
}

/* ---- the real kernel, in a user namespace of a child's own */

#define NO_NAMESPACE 77

static void set_limit(const char *name, const char *value)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/sys/user/%s", name);
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write_all(fd, value, strlen(value)) < 0)
		_exit(NO_NAMESPACE);
}

/* Exits 0, or with the number of what is wrong. */
static void explain_in_namespace(const char *instances, const char *watches,
	ExplainState expected_instances, ExplainState expected_watches)
{
	SurveyOptions options = {.proc_fd = -EBADF};
	Explanation explanation;
	Survey *survey;

	if (unshare(CLONE_NEWUSER) < 0)
		_exit(NO_NAMESPACE);
	set_limit("max_inotify_instances", instances);
	set_limit("max_inotify_watches", watches);
	int held = inotify_init1(IN_CLOEXEC),
	    proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (held < 0 || inotify_add_watch(held, "/", IN_DELETE_SELF) < 0 || proc < 0)
		_exit(1);
	if (survey_run(&options, &survey) < 0 || survey_explain(survey, proc, 0, &explanation) < 0)
		_exit(2);
	const ExplainRow *w = &explanation.rows[0], *i = &explanation.rows[1];
	if (!explanation.canary_asked)
		_exit(3);
	if (!streq(w->scope, "namespace") || !streq(i->scope, "namespace"))
		_exit(4);
	if (i->used != 1 || w->used != 1)
		_exit(5);
	if (i->state != expected_instances)
		_exit(6);
	_exit(w->state == expected_watches ? 0 : 7);
}

static void the_kernel_goes_above_the_figures(void **state)
{
	static const struct {
		const char *instances, *watches;
		ExplainState expected_instances, expected_watches;
	} rows[] = {
		{"1", "100", EXPLAIN_EXHAUSTED, EXPLAIN_OK},
		{"100", "1", EXPLAIN_OK, EXPLAIN_EXHAUSTED},
		{"100", "100", EXPLAIN_OK, EXPLAIN_OK},
		{"2", "2", EXPLAIN_OK, EXPLAIN_OK},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		int status;
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			explain_in_namespace(rows[i].instances, rows[i].watches,
				rows[i].expected_instances, rows[i].expected_watches);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == NO_NAMESPACE) {
			print_message("no user namespaces here: the limits cannot be lowered\n");
			skip();
		}
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_follow_the_figures),
		cmocka_unit_test(disks_are_seen_as_an_ordinary_user_does),
		TEST(rows_come_from_the_tree),
		TEST(what_cannot_be_seen_is_unknown),
		cmocka_unit_test(the_kernel_goes_above_the_figures),
	};
	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
