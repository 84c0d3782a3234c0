/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper/ and survey/sysctl, limits: targets, the drop-in, raise and reset with a kill between
 * every two steps. */
#include "helper/change.h"

#include "survey/sysctl.h"
#include "tests/unit/test.h"
#include <signal.h>
#include <sys/wait.h>

static ChangeRoots roots;

static int setup(void **state)
{
	if (fixture_setup(state) < 0)
		return -1;
	fixture_file("proc/max_user_instances", "128\n");
	fixture_file("proc/max_user_watches", "65536\n");
	fixture_file("etc/other.conf", "sentinel\n");
	roots = (ChangeRoots){.inotify_fd = open(fixture_at("proc/max_user_instances"), O_RDONLY),
		.memory_bytes = 16ull << 30};
	(void)close(roots.inotify_fd);
	char path[128];
	(void)snprintf(path, sizeof path, "%s/proc", fixture_path);
	roots.inotify_fd = open(path, O_RDONLY | O_DIRECTORY);
	(void)snprintf(path, sizeof path, "%s/etc", fixture_path);
	roots.sysctl_fd = open(path, O_RDONLY | O_DIRECTORY);
	return roots.inotify_fd < 0 || roots.sysctl_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)close(roots.inotify_fd);
	(void)close(roots.sysctl_fd);
	return fixture_teardown(state);
}

static uint64_t value_of(const char *file)
{
	uint64_t value = 0;
	/* A real sysctl replaces its value; a file keeps what a shorter number leaves. */
	_cleanup_(freep) char *text = NULL;

	assert_true(read_file_at(roots.inotify_fd, file, 64, &text) > 0);
	value = strtoull(text, NULL, 10);
	return value;
}

static void targets_hold_for_all_figures(void **state)
{
	(void)state;
	for (uint64_t current = 1; current < 1u << 24; current = current * 3 + 1)
		for (uint64_t used = 0; used < 1u << 24; used = used * 5 + 1)
			for (int resource = 0; resource < INOTIFY_RESOURCE_MAX; resource++) {
				uint64_t memory = 16ull << 30,
					 cap = inotify_limit_cap((InotifyResource)resource, memory);
				uint64_t target = inotify_limit_target(
					(InotifyResource)resource, current, used, memory);
				assert_true(target >= current);
				assert_true(target <= MAX_OF(cap, current));
				assert_true(target >= MIN_OF(2 * current, cap));
				assert_true(target >= MIN_OF(2 * used, cap));
			}
	assert_int_equal(inotify_limit_target(INOTIFY_INSTANCES, 128, 100, 0), 256);
	assert_int_equal(inotify_limit_target(INOTIFY_INSTANCES, 20000, 1, 0), 20000);
	assert_true(inotify_limit_target(INOTIFY_WATCHES, UINT64_MAX, UINT64_MAX, UINT64_MAX) ==
		    UINT64_MAX);
}

/* Whoever asks reckons with the use, the helper judges by the limit: together they keep what
 * `raise` without VALUE promises. */
static void what_is_asked_for_without_a_value_is_granted(void **state)
{
	static const uint64_t memories[] = {0, 1ull << 28, 16ull << 30, 4ull << 40};
	char text[32];

	(void)state;
	for (uint64_t current = 1; current < 1u << 24; current = current * 5 + 2)
		for (uint64_t used = 0; used < 1u << 24; used = used * 7 + 1)
			for (size_t i = 0; i < 2 * ELEMENTSOF(memories); i++) {
				InotifyResource resource =
					i % 2 ? INOTIFY_WATCHES : INOTIFY_INSTANCES;
				uint64_t memory = memories[i / 2], old, new,
					 cap = inotify_limit_cap(resource, memory);
				InotifyLimits limits = {.fs_instances = {current, LIMIT_FS},
					.fs_watches = {current, LIMIT_FS},
					.memory_bytes = memory};
				(void)snprintf(
					text, sizeof text, "%llu\n", (unsigned long long)current);
				fixture_file(resource == INOTIFY_WATCHES
						     ? "proc/max_user_watches"
						     : "proc/max_user_instances",
					text);
				roots.memory_bytes = memory;
				assert_int_equal(
					change_plan(&roots, resource,
						inotify_limit_request(&limits, resource, used),
						&old, &new),
					CHANGE_OK);
				assert_true(old == current && new >= current);
				assert_true(new >= MIN_OF(2 * current, cap));
				assert_true(new >= MIN_OF(2 * used, cap));
				assert_true(new <= MAX_OF(cap, current));
			}
	InotifyLimits unknown = {};
	assert_int_equal(inotify_limit_request(&unknown, INOTIFY_WATCHES, 5), 0);
}

static void the_dropin_reads_back_what_it_wrote(void **state)
{
	DropIn dropin = {.entries = {{true, 256, 128, 1000, 1700000000000000},
				 {true, 131072, 65536, 0, 1}}},
	       again;
	char text[DROPIN_MAX_BYTES];

	(void)state;
	size_t n = dropin_render(&dropin, text);
	assert_int_equal(n, strlen(text));
	assert_non_null(strstr(text, "\nfs.inotify.max_user_instances = 256\n"));
	assert_int_equal(dropin_parse(text, &again), 0);
	assert_memory_equal(&dropin, &again, sizeof dropin);
	for (size_t cut = 1; cut < n;
		cut++) { /* no cut of it passes for a whole one with other values */
		char part[DROPIN_MAX_BYTES];
		memcpy(part, text, cut);
		part[cut] = '\0';
		if (dropin_parse(part, &again) == 0)
			assert_true(!again.entries[0].set || again.entries[0].value == 256);
	}
	assert_int_equal(dropin_parse("fs.inotify.max_user_watches = 1\n", &again), -EBADMSG);
	assert_int_equal(dropin_parse("", &again), -EBADMSG);
}

static void raise_then_reset_restores(void **state)
{
	uint64_t old, new, in_force;
	ChangeReset reset;

	(void)state;
	assert_int_equal(change_plan(&roots, INOTIFY_INSTANCES, 0, &old, &new), CHANGE_OK);
	assert_int_equal(old, 128);
	assert_int_equal(new, 256);
	assert_int_equal(
		change_raise(&roots, INOTIFY_INSTANCES, new, 1000, 5, &in_force), CHANGE_OK);
	assert_int_equal(in_force, 256);
	assert_int_equal(
		change_raise(&roots, INOTIFY_INSTANCES, 512, 1000, 6, &in_force), CHANGE_OK);
	assert_int_equal(value_of("max_user_instances"), 512);
	assert_int_equal(change_reset(&roots, &reset), CHANGE_OK);
	assert_true(reset.restored[INOTIFY_INSTANCES]);
	assert_false(reset.restored[INOTIFY_WATCHES]);
	assert_int_equal(
		value_of("max_user_instances"), 128); /* what was before the first change */
	assert_int_equal(faccessat(roots.sysctl_fd, SYSCTL_DROPIN, F_OK, 0), -1);
	assert_int_equal(faccessat(roots.sysctl_fd, "other.conf", F_OK, 0), 0);
	assert_int_equal(change_reset(&roots, &reset), CHANGE_OK); /* twice is no error */
}

static void what_is_refused_changes_nothing(void **state)
{
	uint64_t old, new, in_force;
	ChangeReset reset;

	(void)state;
	assert_int_equal(
		change_plan(&roots, INOTIFY_INSTANCES, 127, &old, &new), CHANGE_OUT_OF_RANGE);
	assert_int_equal(
		change_plan(&roots, INOTIFY_INSTANCES, CHANGE_INSTANCES_MAX + 1, &old, &new),
		CHANGE_OUT_OF_RANGE);
	assert_int_equal(
		change_plan(&roots, INOTIFY_WATCHES, UINT64_MAX, &old, &new), CHANGE_OUT_OF_RANGE);
	assert_int_equal(change_plan(&roots, INOTIFY_WATCHES, 65536, &old, &new), CHANGE_OK);
	assert_int_equal(new, old);

	fixture_file("etc/" SYSCTL_DROPIN, "fs.inotify.max_user_watches = 7 # mine\n");
	assert_int_equal(change_raise(&roots, INOTIFY_WATCHES, 131072, 0, 1, &in_force),
		CHANGE_FOREIGN_FILE);
	assert_int_equal(change_reset(&roots, &reset), CHANGE_FOREIGN_FILE);
	assert_int_equal(value_of("max_user_watches"), 65536);
	assert_int_equal(unlinkat(roots.sysctl_fd, SYSCTL_DROPIN, 0), 0);
	assert_int_equal(unlinkat(roots.inotify_fd, "max_user_watches", 0), 0);
	assert_int_equal(
		change_raise(&roots, INOTIFY_WATCHES, 131072, 0, 1, &in_force), CHANGE_FAILED);
	assert_int_equal(faccessat(roots.sysctl_fd, SYSCTL_DROPIN, F_OK, 0), -1);
}

/* A kernel that refuses the value: the file goes back to what it was. /dev/full refuses every
 * write. */
static void a_refusing_kernel_restores_the_file(void **state)
{
	uint64_t in_force;
	_cleanup_(freep) char *before = NULL, *after = NULL;

	(void)state;
	assert_int_equal(
		change_raise(&roots, INOTIFY_INSTANCES, 256, 1000, 5, &in_force), CHANGE_OK);
	assert_true(read_file_at(roots.sysctl_fd, SYSCTL_DROPIN, 4096, &before) > 0);
	assert_int_equal(fchmodat(roots.inotify_fd, "max_user_watches", 0444, 0), 0);
	if (geteuid() == 0) { /* root writes all the same: bind nothing, take a link, which
				 O_NOFOLLOW refuses */
		assert_int_equal(
			renameat(roots.inotify_fd, "max_user_watches", roots.inotify_fd, "real"),
			0);
		fixture_link("proc/max_user_watches", "real");
		assert_int_equal(change_raise(&roots, INOTIFY_WATCHES, 131072, 0, 1, &in_force),
			CHANGE_FAILED);
	} else {
		assert_int_equal(change_raise(&roots, INOTIFY_WATCHES, 131072, 0, 1, &in_force),
			CHANGE_READ_ONLY);
	}
	assert_true(read_file_at(roots.sysctl_fd, SYSCTL_DROPIN, 4096, &after) > 0);
	assert_string_equal(before, after);
}

static int kill_at;

static void die(int number)
{
	if (number == kill_at)
		(void)kill(getpid(), SIGKILL);
}

static void a_kill_between_any_two_steps_leaves_old_or_new(void **state)
{
	(void)state;
	for (int operation = 0; operation < 2; operation++)
		for (kill_at = 1; kill_at <= 4; kill_at++) {
			uint64_t in_force;
			ChangeReset reset;
			DropIn dropin;
			int status;

			if (operation == 1)
				assert_int_equal(change_raise(&roots, INOTIFY_INSTANCES, 256, 1000,
							 5, &in_force),
					CHANGE_OK);
			pid_t child = fork();
			if (child == 0) {
				roots.step = die;
				if (operation == 0)
					(void)change_raise(
						&roots, INOTIFY_INSTANCES, 256, 1000, 5, &in_force);
				else
					(void)change_reset(&roots, &reset);
				_exit(0);
			}
			assert_int_equal(waitpid(child, &status, 0), child);
			assert_true(operation == 1 && kill_at > 2 ? WIFEXITED(status)
								  : WIFSIGNALED(status));

			uint64_t value = value_of("max_user_instances");
			assert_true(value == 128 || value == 256);
			_cleanup_(freep) char *text = NULL;
			ssize_t n = read_file_at(roots.sysctl_fd, SYSCTL_DROPIN, 4096, &text);
			assert_true(n == -ENOENT || n > 0);
			if (n > 0) {
				assert_int_equal(dropin_parse(text, &dropin), 0);
				assert_int_equal(dropin.entries[INOTIFY_INSTANCES].value, 256);
				assert_int_equal(dropin.entries[INOTIFY_INSTANCES].previous, 128);
			}
			/* whatever was left, a reset gets back to the start */
			assert_int_equal(change_reset(&roots, &reset), CHANGE_OK);
			assert_int_equal(value_of("max_user_instances"), 128);
			assert_int_equal(faccessat(roots.sysctl_fd, SYSCTL_DROPIN, F_OK, 0), -1);
		}
}

static void the_last_sysctl_file_wins(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	SysctlSetting *settings = NULL;
	size_t n = 0;

	(void)state;
	fixture_file("etc/sysctl.d/60-vigil-inotify.conf", "fs.inotify.max_user_watches = 2\n");
	fixture_file("usr/lib/sysctl.d/50-default.conf",
		"# c\n\n-fs/inotify/max_user_watches=1\nkernel.x = 1\n");
	fixture_file("usr/lib/sysctl.d/99-hidden.conf", "fs.inotify.max_user_watches = 9\n");
	fixture_link("etc/sysctl.d/99-hidden.conf", "/dev/null");
	fixture_file("run/sysctl.d/98-glob.conf", "fs.inotify.max_user_w* = 3\n");
	fixture_file("run/sysctl.d/ignored.txt", "fs.inotify.max_user_watches = 4\n");
	assert_int_equal(mkfifo(fixture_at("run/sysctl.d/99-fifo.conf"), 0600), 0);
	assert_int_equal(sysctl_find(root, "fs.inotify.max_user_watches", &settings, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(settings[0].value, "1");
	assert_int_equal(settings[0].line, 3);
	assert_string_equal(settings[1].path, "/etc/sysctl.d/60-vigil-inotify.conf");
	assert_string_equal(settings[2].path, "/run/sysctl.d/98-glob.conf");
	assert_true(settings[2].wins && !settings[1].wins);
	sysctl_settings_free(settings, n);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_hold_for_all_figures),
		TEST(what_is_asked_for_without_a_value_is_granted),
		cmocka_unit_test(the_dropin_reads_back_what_it_wrote),
		TEST(raise_then_reset_restores),
		TEST(what_is_refused_changes_nothing),
		TEST(a_refusing_kernel_restores_the_file),
		TEST(a_kill_between_any_two_steps_leaves_old_or_new),
		TEST(the_last_sysctl_file_wins),
	};
	return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
