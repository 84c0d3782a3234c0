/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common/io: bounded reading of what others wrote, whole writing of what is ours. */
#include "common/io.h"

#include "common/text.h"
#include "tests/unit/test.h"
#include <limits.h>

static void only_regular_files_are_read(void **state)
{
	_cleanup_(closep) int dir = fixture_open();
	char *text = NULL;
	struct stat st;

	(void)state;
	fixture_file("file", "x");
	fixture_link("link", "file");
	fixture_link("nowhere", "missing");
	assert_int_equal(mkfifo(fixture_at("fifo"), 0600), 0);
	assert_int_equal(mkdir(fixture_at("dir"), 0700), 0);
	assert_int_equal(read_file_at(dir, "fifo", 10, &text), -EINVAL); /* and does not wait */
	assert_int_equal(read_file_at(dir, "dir", 10, &text), -EINVAL);
	assert_int_equal(read_file_at(dir, "link", 10, &text), -ELOOP);
	assert_int_equal(read_file_at(dir, "nowhere", 10, &text), -ELOOP);
	assert_int_equal(read_file_at(dir, "missing", 10, &text), -ENOENT);
	assert_null(text);
	_cleanup_(closep) int fd = open_regular_at(dir, "file");
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void reading_ends_at_its_bound(void **state)
{
	_cleanup_(closep) int dir = fixture_open();
	static char big[20001];

	(void)state;
	memset(big, 'a', sizeof big - 1);
	big[10000] = '\0';
	fixture_file("short", "abc");
	_cleanup_(closep) int fd = open(fixture_at("big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write_all(fd, big, sizeof big - 1), 0);
	static const struct {
		const char *name;
		size_t max;
		ssize_t length;
	} rows[] = {{"short", 0, 0}, {"short", 2, 2}, {"short", 3, 3}, {"short", 4, 3},
		{"big", 4096, 4096}, {"big", 4097, 4097}, {"big", 20000, 20000},
		{"big", 1 << 20, 20000}};
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *text = NULL;
		assert_int_equal(
			read_file_at(dir, rows[i].name, rows[i].max, &text), rows[i].length);
		assert_int_equal(text[rows[i].length], 0);
		assert_memory_equal(
			text, rows[i].name[0] == 'b' ? big : "abc", (size_t)rows[i].length);
	}
}

static void lines_and_numbers(void **state)
{
	_cleanup_(closep) int dir = fixture_open();
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} rows[] = {{"128\n", 0, 128}, {"0", 0, 0}, {"18446744073709551615\n", 0, UINT64_MAX},
		{"18446744073709551616\n", -ERANGE, 7}, {"\n", -EINVAL, 7}, {"", -EINVAL, 7},
		{"-1\n", -EINVAL, 7}, {"12\n13\n", -EINVAL, 7}, {" 12", -EINVAL, 7},
		{"0x10", -EINVAL, 7}};
	char buf[6];

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		uint64_t value = 7;
		fixture_file("n", rows[i].text);
		assert_int_equal(read_u64_at(dir, "n", &value), rows[i].r);
		assert_int_equal(value, rows[i].value); /* untouched on failure */
	}
	fixture_file("n", "abcdefghij\n");
	assert_int_equal(read_line_at(dir, "n", buf, sizeof buf), 5);
	assert_string_equal(buf, "abcde");
	fixture_file("n", "ab\n");
	assert_int_equal(read_line_at(dir, "n", buf, sizeof buf), 2);
	assert_int_equal(read_line_at(dir, "m", buf, sizeof buf), -ENOENT);
}

static void assert_content(int dir, const char *name, const char *expected)
{
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(read_file_at(dir, name, 1000, &text), strlen(expected));
	assert_string_equal(text, expected);
}

static void files_are_replaced_whole(void **state)
{
	_cleanup_(closep) int dir = fixture_open();
	struct stat st;

	(void)state;
	assert_int_equal(write_file_atomic(dir, "new", 0640, "one", 3), 0);
	assert_content(dir, "new", "one");
	assert_int_equal(fstatat(dir, "new", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	ino_t before = st.st_ino;
	_cleanup_(closep) int reader = openat(dir, "new", O_RDONLY | O_CLOEXEC);
	/* a leftover of a writer that was killed is in nobody's way */
	fixture_file(".new.vigil-new", "half");
	assert_int_equal(write_file_atomic(dir, "new", 0644, "other", 5), 0);
	assert_content(dir, "new", "other");
	assert_int_equal(fstatat(dir, "new", &st, 0), 0);
	assert_true(st.st_ino != before); /* who reads the old one goes on reading it */
	_cleanup_(freep) char *old = NULL;
	assert_int_equal(read_fd_max(reader, 10, &old), 3);
	assert_int_equal(faccessat(dir, ".new.vigil-new", F_OK, 0), -1);
	/* a link is replaced, not followed */
	fixture_file("target", "kept");
	fixture_link("alias", "target");
	assert_int_equal(write_file_atomic(dir, "alias", 0644, "x", 1), 0);
	assert_content(dir, "target", "kept");
	assert_content(dir, "alias", "x");
}

static void a_failed_replacement_leaves_nothing(void **state)
{
	_cleanup_(closep) int dir = fixture_open();
	char name[NAME_MAX + 1];

	(void)state;
	assert_int_equal(mkdir(fixture_at("taken"), 0700), 0);
	fixture_file("taken/inside", "x");
	assert_int_equal(write_file_atomic(dir, "taken", 0644, "x", 1), -EISDIR);
	assert_int_equal(faccessat(dir, ".taken.vigil-new", F_OK, 0), -1);
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	assert_int_equal(write_file_atomic(dir, name, 0644, "x", 1), -ENAMETOOLONG);
	assert_int_equal(write_file_atomic(-EBADF, "x", 0644, "x", 1), -EBADF);
}

static void directories_are_made_with_their_parents(void **state)
{
	char path[256];
	struct stat st;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/a/b//c", fixture_path);
	assert_int_equal(make_directories(path), 0);
	assert_int_equal(make_directories(path), 0);
	assert_true(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0700);
	fixture_file("file", "x");
	(void)snprintf(path, sizeof path, "%s/file/d", fixture_path);
	assert_int_equal(make_directories(path), -ENOTDIR);
}

static void assert_path(char *got, const char *expected)
{
	_cleanup_(freep) char *path = got;

	if (expected)
		assert_string_equal(path, expected);
	else
		assert_null(path);
}

static void xdg_directories_are_absolute(void **state)
{
	(void)state;
	assert_int_equal(setenv("HOME", "/home/x", 1), 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", "/c", 1), 0);
	assert_path(xdg_config_dir(), "/c/vigil");
	assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
	assert_path(xdg_config_dir(), "/home/x/.config/vigil");
	assert_int_equal(setenv("XDG_CONFIG_HOME", "", 1), 0);
	assert_path(xdg_config_dir(), "/home/x/.config/vigil");
	(void)unsetenv("XDG_STATE_HOME");
	assert_path(xdg_state_dir(), "/home/x/.local/state/vigil");
	(void)unsetenv("XDG_CACHE_HOME");
	assert_path(xdg_cache_dir(), "/home/x/.cache/vigil");
	(void)unsetenv("XDG_RUNTIME_DIR");
	assert_path(xdg_runtime_dir(), NULL);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/5", 1), 0);
	assert_path(xdg_runtime_dir(), "/run/user/5/vigil");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_regular_files_are_read),
		TEST(reading_ends_at_its_bound),
		TEST(lines_and_numbers),
		TEST(files_are_replaced_whole),
		TEST(a_failed_replacement_leaves_nothing),
		TEST(directories_are_made_with_their_parents),
		TEST(xdg_directories_are_absolute),
	};

	return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
