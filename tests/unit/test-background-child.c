/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitord/background-child: how it runs, how it ends, and that nothing of it stays. */
#include "monitord/background-child.h"

#include "common/clock.h"
#include "common/text.h"
#include "tests/unit/test.h"
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

typedef struct Watch {
	sd_event *event;
	BackgroundResult result;
	unsigned n_ended;
} Watch;

static void on_ended(const BackgroundResult *result, void *userdata)
{
	Watch *watch = userdata;

	watch->result = *result;
	watch->n_ended++;
	(void)sd_event_exit(watch->event, 0);
}

static int setup(void **state)
{
	Watch *watch = calloc(1, sizeof *watch);
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	if (!watch || fixture_setup(state) != 0 || sd_event_new(&watch->event) < 0)
		return -1;
	*state = watch;
	return 0;
}

static int teardown(void **state)
{
	Watch *watch = *state;

	sd_event_unref(watch->event);
	free(watch);
	return fixture_teardown(state);
}

/* A shell script in the fixture's folder. */
static BackgroundChild *start(Watch *watch, const char *script, usec_t limit_usec)
{
	BackgroundChild *child = NULL;
	char folder[80], path[] = "PATH=/usr/bin:/bin";

	(void)snprintf(folder, sizeof folder, "HERE=%s", fixture_path);
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	char *const environment[] = {folder, path, NULL};
	const BackgroundRun run = {.path = "/bin/sh",
		.argv = argv,
		.environment = environment,
		.limit_usec = limit_usec};
	assert_int_equal(background_child_start(watch->event, &run, on_ended, watch, &child), 0);
	assert_true(background_child_pid(child) > 0);
	return child;
}

static void run(Watch *watch, const char *script, usec_t limit_usec)
{
	BackgroundChild *child = start(watch, script, limit_usec);

	assert_int_equal(sd_event_loop(watch->event), 0);
	assert_int_equal(watch->n_ended, 1);
	assert_int_equal(background_child_pid(child), 0);
	assert_null(background_child_free(child));
}

static char *read_fixture(const char *name)
{
	_cleanup_(closep) int dir = fixture_open();
	char *text = NULL;

	assert_true(read_file_at(dir, name, 4096, &text) >= 0);
	return text;
}

static void test_exit(void **state)
{
	Watch *watch = *state;

	run(watch, "echo never seen; echo what went wrong >&2; exit 3", USEC_PER_MINUTE);
	assert_int_equal(watch->result.end, BACKGROUND_EXITED);
	assert_int_equal(watch->result.status, 3);
	assert_string_equal(watch->result.said, "what went wrong\n");
}

static void test_crash(void **state)
{
	Watch *watch = *state;

	run(watch, "ulimit -c 0; kill -SEGV $$", USEC_PER_MINUTE);
	assert_int_equal(watch->result.end, BACKGROUND_CRASHED);
	assert_int_equal(watch->result.status, SIGSEGV);
}

static void test_not_there(void **state)
{
	Watch *watch = *state;
	BackgroundChild *child = NULL;
	char *const argv[] = {(char *)"nothing", NULL}, *const environment[] = {NULL};
	const BackgroundRun nothing = {.path = "/nonexistent/nothing",
		.argv = argv,
		.environment = environment,
		.limit_usec = USEC_PER_MINUTE};

	assert_int_equal(
		background_child_start(watch->event, &nothing, on_ended, watch, &child), 0);
	assert_int_equal(sd_event_loop(watch->event), 0);
	assert_int_equal(watch->result.end, BACKGROUND_EXITED);
	assert_int_equal(watch->result.status, 127);
	assert_null(background_child_free(child));
}

/* More than its pipe holds does not hold it up; the beginning is kept. */
static void test_says_too_much(void **state)
{
	Watch *watch = *state;

	run(watch, "tr '\\0' x </dev/zero | head -c 1000000 >&2; exit 0", USEC_PER_MINUTE);
	assert_int_equal(watch->result.end, BACKGROUND_EXITED);
	assert_int_equal(watch->result.status, 0);
	assert_int_equal(strlen(watch->result.said), BACKGROUND_CHILD_SAID_MAX - 1);
}

static void test_steps_back(void **state)
{
	Watch *watch = *state;

	run(watch,
		"cut -d ' ' -f 5,19,41 /proc/self/stat >$HERE/stat; cat /proc/self/oom_score_adj >$HERE/oom;"
		"grep SigBlk /proc/self/status >$HERE/mask; ionice -p $$ >$HERE/io; echo $$ >$HERE/pid;"
		"readlink /proc/self/fd/0 >$HERE/stdin",
		USEC_PER_MINUTE);
	_cleanup_(freep) char *stat = read_fixture("stat"), *pid = read_fixture("pid"),
			      *oom = read_fixture("oom"), *mask = read_fixture("mask"),
			      *io = read_fixture("io"), *input = read_fixture("stdin");
	int group, nice, policy;
	assert_int_equal(sscanf(stat, "%d %d %d", &group, &nice, &policy), 3);
	assert_int_equal(group, atoi(pid));
	assert_int_equal(nice, 19);
	assert_int_equal(policy, SCHED_BATCH);
	assert_string_equal(oom, "1000\n");
	assert_string_equal(mask, "SigBlk:\t0000000000000000\n");
	assert_string_equal(io, "idle\n");
	assert_string_equal(input, "/dev/null\n");
}

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* A grandchild of ours, whose parent is gone: we are to inherit it, so that its end can be waited
 * for. */
static void wait_gone(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_true(is_gone(pid));
}

static pid_t grandchild(void)
{
	_cleanup_(freep) char *text = read_fixture("grandchild");

	return atoi(text);
}

static void test_late(void **state)
{
	Watch *watch = *state;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	run(watch, "sleep 1000 & echo $! >$HERE/grandchild; wait", USEC_PER_SEC);
	assert_int_equal(watch->result.end, BACKGROUND_LATE);
	wait_gone(grandchild());
}

/* It is over, and something of it runs on. */
static void test_left_behind(void **state)
{
	Watch *watch = *state;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	run(watch, "sleep 1000 & echo $! >$HERE/grandchild", USEC_PER_MINUTE);
	assert_int_equal(watch->result.end, BACKGROUND_EXITED);
	wait_gone(grandchild());
}

static int on_file(sd_event_source *source, uint64_t usec, void *userdata)
{
	Watch *watch = userdata;
	char path[96];

	(void)snprintf(path, sizeof path, "%s/ready", fixture_path);
	if (access(path, F_OK) == 0)
		return sd_event_exit(watch->event, 0);
	assert_true(sd_event_source_set_time_relative(source, 10 * USEC_PER_MSEC) >= 0);
	(void)usec;
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void test_freed_while_it_runs(void **state)
{
	Watch *watch = *state;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	BackgroundChild *child = start(watch,
		"sleep 1000 & echo $! >$HERE/grandchild; >$HERE/ready; wait", USEC_PER_MINUTE);
	pid_t pid = background_child_pid(child);
	assert_true(sd_event_add_time_relative(
			    watch->event, NULL, CLOCK_MONOTONIC, 0, 0, on_file, watch) >= 0);
	assert_int_equal(sd_event_loop(watch->event), 0);
	assert_null(background_child_free(child));
	assert_int_equal(watch->n_ended, 0);
	assert_true(is_gone(pid));
	wait_gone(grandchild());
	assert_null(background_child_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_says_too_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_steps_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freed_while_it_runs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
