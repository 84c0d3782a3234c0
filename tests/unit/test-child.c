/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/child: what a program says and how it ends, and that it is gone whatever happens. */
#include "coredump/child.h"

#include "common/clock.h"
#include "common/text.h"
#include "tests/unit/test.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define LONG (30 * USEC_PER_SEC)

/* A shell's script as the child. */
static int run(const char *script, ChildRequest request, ChildResult *ret)
{
	const char *argv[] = {"sh", "-c", script, NULL};

	request.path = "/bin/sh";
	request.argv = argv;
	if (!request.timeout_usec)
		request.timeout_usec = LONG;
	if (!request.max_output)
		request.max_output = 4096;
	return child_run(&request, ret);
}

static void what_it_says_and_how_it_ends(void **state)
{
	static const struct {
		const char *script, *output, *error;
		int status, signal;
	} rows[] = {
		{"true", "", "", 0, 0},
		{"echo out; echo one >&2; echo two >&2; echo >&2; exit 3", "out\n", "two", 3, 0},
		{"printf 'no newline' >&2", "", "no newline", 0, 0},
		{"kill -SEGV $$", "", "", -1, SIGSEGV},
		{"cat; pwd >/dev/null; echo read", "read\n", "", 0, 0},
		{"exec >&- 2>&-; exit 4", "", "", 4, 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		ChildResult result = {};
		assert_int_equal(run(rows[i].script, (ChildRequest){}, &result), 0);
		assert_string_equal(result.output, rows[i].output);
		assert_int_equal(result.length, strlen(rows[i].output));
		assert_string_equal(result.error, rows[i].error);
		assert_int_equal(result.status, rows[i].status);
		assert_int_equal(result.signal, rows[i].signal);
		child_result_done(&result);
		child_result_done(&result);
	}
}

static void output_has_a_bound(void **state)
{
	ChildResult result = {};

	(void)state;
	assert_int_equal(run("printf 12345678", (ChildRequest){.max_output = 8}, &result), 0);
	assert_string_equal(result.output, "12345678");
	child_result_done(&result);
	assert_int_equal(run("printf 123456789", (ChildRequest){.max_output = 8}, &result), -EFBIG);
	assert_int_equal(run("yes", (ChildRequest){.max_output = 1 << 20}, &result), -EFBIG);
	assert_int_equal(run("yes >&2", (ChildRequest){}, &result), -EFBIG);
	assert_null(result.output);
}

static void lines_are_cut(void **state)
{
	ChildResult result = {};

	(void)state;
	assert_int_equal(
		run("head -c 9999 /dev/zero | tr '\\0' x >&2", (ChildRequest){}, &result), 0);
	assert_int_equal(strlen(result.error), CHILD_LINE_MAX - 1);
	child_result_done(&result);
}

/* The end of a pipe that only it and its children hold: closed once they all are gone. */
static void assert_gone(int reading)
{
	char c;

	assert_int_equal(read(reading, &c, 1), 0);
}

static void a_late_one_is_killed_with_its_children(void **state)
{
	ChildResult result = {};
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	usec_t began = now_usec(CLOCK_MONOTONIC);
	assert_int_equal(
		run("trap '' INT TERM HUP; sleep 60 & sleep 60",
			(ChildRequest){
				.fds = &ends[1], .n_fds = 1, .timeout_usec = 100 * USEC_PER_MSEC},
			&result),
		-ETIMEDOUT);
	assert_true(now_usec(CLOCK_MONOTONIC) - began >= 100 * USEC_PER_MSEC);
	(void)close(ends[1]);
	assert_gone(ends[0]);
	(void)close(ends[0]);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* It may clean up, if its user gives it time; not for ever. */
static void a_late_one_may_clean_up(void **state)
{
	ChildRequest request = {.timeout_usec = 100 * USEC_PER_MSEC, .grace_usec = LONG};
	ChildResult result = {};
	_cleanup_(closep) int told = memfd_create("told", 0);
	char script[128], text[16] = "";

	(void)state;
	request.fds = &told;
	request.n_fds = 1;
	(void)snprintf(script, sizeof script,
		"trap 'echo clean >&%d; exit' TERM; while :; do sleep 0.05; done", told);
	usec_t began = now_usec(CLOCK_MONOTONIC);
	assert_int_equal(run(script, request, &result), -ETIMEDOUT);
	assert_true(now_usec(CLOCK_MONOTONIC) - began < LONG);
	assert_int_equal(pread(told, text, sizeof text - 1, 0), 6);
	assert_string_equal(text, "clean\n");
	request.grace_usec = 100 * USEC_PER_MSEC;
	assert_int_equal(run("trap '' TERM; sleep 60", request, &result), -ETIMEDOUT);
}

/* Its end counts, not that of who inherited its output. */
static void its_children_do_not_hold_it_up(void **state)
{
	ChildResult result = {};

	(void)state;
	assert_int_equal(run("sleep 60 & echo done", (ChildRequest){}, &result), 0);
	assert_string_equal(result.output, "done\n");
	child_result_done(&result);
}

static void it_has_the_fds_that_it_is_given(void **state)
{
	ChildResult result = {};
	char script[128];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, 0), 0); /* without O_CLOEXEC */
	(void)snprintf(script, sizeof script, "echo given >&%d; [ ! -e /proc/self/fd/%d ]", ends[1],
		ends[0]);
	assert_int_equal(run(script, (ChildRequest){.fds = &ends[1], .n_fds = 1}, &result), 0);
	assert_int_equal(result.status, 0);
	char text[16] = "";
	assert_int_equal(read(ends[0], text, sizeof text), 6);
	assert_string_equal(text, "given\n");
	assert_int_equal(fcntl(ends[0], F_GETFD), 0);
	child_result_done(&result);
	static const int low = STDERR_FILENO;
	assert_int_equal(run("true", (ChildRequest){.fds = &low, .n_fds = 1}, &result), -EBADF);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void what_cannot_be_started(void **state)
{
	const char *argv[] = {"x", NULL};
	ChildResult result = {};

	(void)state;
	fixture_file("text", "no program");
	assert_int_equal(child_run(&(ChildRequest){.path = "/nonexistent/x",
					   .argv = argv,
					   .timeout_usec = LONG},
				 &result),
		-ENOENT);
	assert_int_equal(child_run(&(ChildRequest){.path = fixture_at("text"),
					   .argv = argv,
					   .timeout_usec = LONG},
				 &result),
		-EACCES);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void its_environment(void **state)
{
	static const char *const environment[] = {"LC_ALL=C", NULL};
	ChildResult result = {};

	(void)state;
	assert_int_equal(setenv("VIGIL_TEST", "inherited", 1), 0);
	assert_int_equal(run("echo $VIGIL_TEST", (ChildRequest){}, &result), 0);
	assert_string_equal(result.output, "inherited\n");
	child_result_done(&result);
	assert_int_equal(
		run("echo $VIGIL_TEST$LC_ALL", (ChildRequest){.environment = environment}, &result),
		0);
	assert_string_equal(result.output, "C\n");
	child_result_done(&result);
}

static void it_gives_way_in_the_background(void **state)
{
	ChildResult result = {};

	(void)state;
	assert_int_equal(
		run("cut -d' ' -f19 /proc/self/stat", (ChildRequest){.background = true}, &result),
		0);
	assert_string_equal(result.output, "19\n");
	child_result_done(&result);
}

static int take_line(const char *line, void *userdata)
{
	StrBuf *seen = userdata;

	strbuf_add(seen, line);
	strbuf_add_char(seen, '|');
	return streq(line, "stop") ? -ECANCELED : startswith(line, "progress") ? 1 : 0;
}

static void its_lines_are_told_as_they_come(void **state)
{
	_cleanup_(strbuf_done) StrBuf seen = {};
	ChildResult result = {};
	ChildRequest request = {.line = take_line, .userdata = &seen};

	(void)state;
	assert_int_equal(
		run("printf 'progress 1\\n\\nword\\nprogress 2' >&2", request, &result), 0);
	assert_string_equal(strbuf_text(&seen), "progress 1|word|progress 2|");
	assert_string_equal(result.error, "word");
	child_result_done(&result);
	assert_int_equal(run("echo stop >&2; sleep 60", request, &result), -ECANCELED);
}

static volatile sig_atomic_t n_signals;
static void count_signal(int number)
{
	(void)number;
	n_signals = n_signals + 1;
}

/* The child sends it to us once it runs, so that no clock is needed. */
static void a_signal_ends_it(void **state)
{
	static const struct {
		const char *name;
		bool takes;
		void (*handler)(int);
		int r, seen;
	} rows[] = {
		{"INT", false, count_signal, -EINTR, 1},
		{"TERM", false, count_signal, -EINTR, 1},
		{"HUP", false, count_signal, -EINTR, 1},
		{"INT", true, count_signal, -EINTR, 0},
		{"TERM", true, count_signal, -EINTR, 1},
		{"INT", false, SIG_IGN, -ETIMEDOUT, 0},
	};
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		ChildResult result = {};
		char script[128];
		for (size_t s = 0; s < ELEMENTSOF(numbers); s++)
			(void)signal(numbers[s], rows[i].handler);
		n_signals = 0;
		(void)snprintf(script, sizeof script, "kill -%s %d; sleep 60", rows[i].name,
			(int)getpid());
		assert_int_equal(run(script,
					 (ChildRequest){.takes_interrupt = rows[i].takes,
						 .timeout_usec = rows[i].r == -ETIMEDOUT
									 ? 200 * USEC_PER_MSEC
									 : LONG},
					 &result),
			rows[i].r);
		assert_int_equal(n_signals, rows[i].seen);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
	for (size_t s = 0; s < ELEMENTSOF(numbers); s++)
		(void)signal(numbers[s], SIG_DFL);
}

/* Killed while it waits, its child is not left behind. */
static void it_goes_with_its_caller(void **state)
{
	int ends[2];
	char c;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		ChildResult result = {};
		char script[64];
		(void)snprintf(script, sizeof script, "printf x >&%d; exec sleep 60", ends[1]);
		_exit(run(script, (ChildRequest){.fds = &ends[1], .n_fds = 1}, &result) != 0);
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_gone(ends[0]);
	(void)close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_and_how_it_ends),
		cmocka_unit_test(output_has_a_bound),
		cmocka_unit_test(lines_are_cut),
		cmocka_unit_test(a_late_one_is_killed_with_its_children),
		cmocka_unit_test(a_late_one_may_clean_up),
		cmocka_unit_test(its_children_do_not_hold_it_up),
		cmocka_unit_test(it_has_the_fds_that_it_is_given),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_started, fixture_setup, fixture_teardown),
		cmocka_unit_test(its_environment),
		cmocka_unit_test(it_gives_way_in_the_background),
		cmocka_unit_test(its_lines_are_told_as_they_come),
		cmocka_unit_test(a_signal_ends_it),
		cmocka_unit_test(it_goes_with_its_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
