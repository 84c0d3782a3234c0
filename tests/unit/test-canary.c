/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The canary against the real kernel: each refusal is made in a child of its own, with limits
 * lowered in a user namespace or by setrlimit(2), so that nobody else is touched. */
#include "survey/limits.h"

#include "tests/unit/test.h"
#include <sched.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define NO_NAMESPACE 77 /* exit status: unprivileged user namespaces are switched off here */

static bool set_limit(const char *name, const char *value)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/sys/user/%s", name);
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write_all(fd, value, strlen(value)) == 0;
}

/* Runs body in a child; gives its canary's result, -1 where namespaces are not to be had. */
static int in_child(CanaryResult (*body)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit((int)body());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == NO_NAMESPACE ? -1 : WEXITSTATUS(status);
}

static CanaryResult with_limits(const char *instances, const char *watches)
{
	if (unshare(CLONE_NEWUSER) < 0 || !set_limit("max_inotify_instances", instances) ||
		!set_limit("max_inotify_watches", watches))
		return NO_NAMESPACE;
	return inotify_canary("/");
}

static CanaryResult both_left(void)
{
	return with_limits("1", "1");
}

static CanaryResult no_instances(void)
{
	return with_limits("0", "10");
}

static CanaryResult no_watches(void)
{
	return with_limits("10", "0");
}

static CanaryResult neither(void)
{
	return with_limits("0", "0");
}

static CanaryResult stderr_closed(void)
{
	(void)close(STDERR_FILENO);
	return with_limits("0", "10");
}

/* The last one is taken by ourselves, and the canary must not mistake its own for room. */
static CanaryResult last_instance_taken(void)
{
	if (with_limits("1", "10") != CANARY_OK)
		return NO_NAMESPACE;
	return inotify_init1(IN_CLOEXEC) < 0 ? CANARY_UNKNOWN : inotify_canary("/");
}

static CanaryResult asked_a_hundred_times(void)
{
	CanaryResult result = with_limits("1", "1");

	for (int i = 0; i < 100 && result == CANARY_OK; i++)
		result = inotify_canary("/"); /* each lets go of what it took */
	return result;
}

static void the_kernel_is_believed(void **state)
{
	static const struct {
		CanaryResult (*body)(void);
		CanaryResult expected;
	} rows[] = {
		{both_left, CANARY_OK},
		{asked_a_hundred_times, CANARY_OK},
		{no_instances, CANARY_INSTANCES_EXHAUSTED},
		{no_watches, CANARY_WATCHES_EXHAUSTED},
		{neither, CANARY_INSTANCES_EXHAUSTED},
		{stderr_closed, CANARY_INSTANCES_EXHAUSTED},
		{last_instance_taken, CANARY_INSTANCES_EXHAUSTED},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		int result = in_child(rows[i].body);
		if (result < 0) {
			print_message("no user namespaces here: the limits cannot be lowered\n");
			skip();
		}
		assert_int_equal(result, rows[i].expected);
	}
}

static bool use_up_descriptors(void)
{
	const struct rlimit few = {16, 16};

	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		return false;
	while (open("/", O_PATH | O_CLOEXEC) >= 0)
		;
	return errno == EMFILE;
}

static CanaryResult no_descriptors(void)
{
	return use_up_descriptors() ? inotify_canary("/") : CANARY_UNKNOWN;
}

static CanaryResult no_descriptors_nor_stderr(void)
{
	(void)close(STDERR_FILENO);
	return use_up_descriptors() ? inotify_canary("/") : CANARY_UNKNOWN;
}

static CanaryResult no_such_directory(void)
{
	return inotify_canary("/nonexistent/vigil");
}

static void other_refusals_are_not_blamed_on_inotify(void **state)
{
	(void)state;
	assert_int_equal(in_child(no_descriptors), CANARY_DESCRIPTORS_EXHAUSTED);
	assert_int_equal(in_child(no_descriptors_nor_stderr), CANARY_DESCRIPTORS_EXHAUSTED);
	assert_int_equal(in_child(no_such_directory), CANARY_UNKNOWN);
}

static void every_result_has_its_own_word(void **state)
{
	(void)state;
	for (int a = CANARY_OK; a <= CANARY_UNKNOWN; a++)
		for (int b = CANARY_OK; b < a; b++)
			assert_string_not_equal(canary_to_string(a), canary_to_string(b));
	assert_string_equal(canary_to_string(CANARY_WATCHES_EXHAUSTED), "watches-exhausted");
	assert_string_equal(canary_to_string((CanaryResult)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_is_believed),
		cmocka_unit_test(other_refusals_are_not_blamed_on_inotify),
		cmocka_unit_test(every_result_has_its_own_word),
	};
	return cmocka_run_group_tests_name("canary", tests, NULL, NULL);
}
