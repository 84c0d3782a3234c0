/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper/stored-core and helper/transfer: which name is which core, what is opened and what is not,
 * which target is taken, and copies that end whole or empty. */
#include "helper/stored-core.h"
#include "helper/transfer.h"

#include "common/text.h"
#include "tests/unit/test.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define BOOT "0123456789abcdef0123456789abcdef"
#define ID   BOOT ".4711.1700000000000000"

static void an_identity_is_exactly_that(void **state)
{
	static const char *const good[] = {
		ID, BOOT ".1.1", BOOT ".2147483647.18446744073709551615"};
	static const char *const bad[] = {"", ".", BOOT, BOOT ".1", BOOT ".1.", BOOT "..1",
		BOOT ".1.1.", BOOT ".1.1.zst", BOOT ".1.1/", "/" ID, "../" ID, ID "\n", " " ID,
		ID " ", "core." ID, BOOT ".0.1", BOOT ".1.0", BOOT ".01.1", BOOT ".1.01",
		BOOT ".+1.1", BOOT ".-1.1", BOOT ".2147483648.1", BOOT ".1.18446744073709551616",
		"0123456789ABCDEF0123456789abcdef.1.1", "0123456789abcdef0123456789abcde.1.1",
		"0" BOOT ".1.1", BOOT ".1.1*", BOOT ".1.0x1",
		"g123456789abcdef0123456789abcdef.1.1"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(good); i++)
		if (!stored_core_id_valid(good[i]) || strlen(good[i]) >= STORED_CORE_ID_SIZE)
			fail_msg("'%s' is refused", good[i]);
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		if (stored_core_id_valid(bad[i]))
			fail_msg("'%s' is taken", bad[i]);
}

static void names_are_read_from_their_end(void **state)
{
	static const struct {
		const char *name, *program;
		uid_t uid;
	} good[] = {
		{"core.kate.1000." ID, "kate", 1000},
		{"core.kate.1000." ID ".zst", "kate", 1000},
		{"core.kate.0." ID ".lz4", "kate", 0},
		{"core.a\\x2eb.65534." ID ".xz", "a\\x2eb", 65534},
		{"core.a.b.c.7." ID, "a.b.c", 7},
		{"core.x$(y)<b>.1." ID, "x??y??b?", 1},
		{"core..1." ID, "", 1},
		{"core.kate.4294967294." ID, "kate", 4294967294u},
	};
	static const char *const bad[] = {"core.kate.1000." BOOT ".4711.1700000000000001",
		"core.kate.1000." BOOT ".711.1700000000000000", "core.kate.1000.1" ID,
		"core.kate.1000." ID ".gz", "core.kate.1000." ID ".zst.zst",
		"core.kate.1000." ID ".", ".#core.kate.1000." ID "a8f3", "kate.1000." ID,
		"core." ID, "core.1000." ID, "core.kate.root." ID, "core.kate.-1." ID,
		"core.kate.4294967295." ID, "core.kate.." ID, ID, "." ID, ""};
	StoredCore core;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(good); i++) {
		core = (StoredCore){};
		if (!stored_core_name_matches(good[i].name, ID, &core))
			fail_msg("'%s' is not found", good[i].name);
		assert_int_equal(core.uid, good[i].uid);
		assert_string_equal(core.program, good[i].program);
	}
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		if (stored_core_name_matches(bad[i], ID, &core))
			fail_msg("'%s' is taken", bad[i]);
}

static void a_program_cannot_pose_as_another_crash(void **state)
{
	/* comm holds a whole identity; only the end counts */
	const char *name = "core.x.0." BOOT ".9.9.1000." ID ".zst";
	StoredCore core;

	(void)state;
	assert_true(stored_core_name_matches(name, ID, &core));
	assert_int_equal(core.uid, 1000);
	assert_false(stored_core_name_matches(name, BOOT ".9.9", &core));
}

static int open_core(const char *id, StoredCore *core)
{
	_cleanup_(closep) int dir = fixture_open();
	return stored_core_open(dir, id, core);
}

static void only_root_s_regular_files_are_opened(void **state)
{
	StoredCore core = {.fd = -EBADF};
	char path[256];

	(void)state;
	assert_int_equal(stored_core_open(-EBADF, ID, &core), -ENOENT);
	assert_int_equal(open_core(ID, &core), -ENOENT);
	(void)snprintf(path, sizeof path, "%s/core.it.1000." ID, fixture_path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(open_core(ID, &core), -ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_core(ID, &core), -EINVAL); /* and does not wait for a writer */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(open_core(ID, &core), -EINVAL);
	assert_int_equal(rmdir(path), 0);
	fixture_file("core.it.1000." ID, "bytes");
	if (geteuid() != 0) {
		assert_int_equal(open_core(ID, &core), -EPERM);
		return;
	}
	assert_int_equal(open_core(ID, &core), 0);
	assert_int_equal(core.size_bytes, 5);
	assert_true(core.fd >= 0);
	assert_true(fcntl(core.fd, F_GETFD) & FD_CLOEXEC);
	(void)close(core.fd);
	assert_int_equal(chown(path, 1000, 1000), 0);
	assert_int_equal(open_core(ID, &core), -EPERM);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(truncate(path, (off_t)STORED_CORE_MAX_BYTES + 1), 0);
	assert_int_equal(open_core(ID, &core), -EFBIG);
}

static void the_target_must_be_the_caller_s_own_empty_file(void **state)
{
	const char *path = fixture_at("target");
	uid_t own = geteuid();
	int fds[2];

	(void)state;
	fixture_file("target", "");
	static const struct {
		int flags, error;
	} rows[] = {{O_WRONLY, 0}, {O_RDWR, 0}, {O_RDONLY, -EBADF}, {O_PATH, -EBADF},
		{O_WRONLY | O_APPEND, -EBADF}, {O_RDWR | O_DIRECT, -EBADF}};
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(closep) int fd = open(path, rows[i].flags | O_CLOEXEC);
		if (fd < 0 && (rows[i].flags & O_DIRECT))
			continue; /* a filesystem without it */
		assert_int_equal(transfer_check_target(fd, own), rows[i].error);
	}
	_cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(transfer_check_target(fd, own + 1), -EPERM);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(transfer_check_target(fd, own), -ENOTEMPTY);
	assert_int_equal(transfer_check_target(-EBADF, own), -EBADF);

	_cleanup_(closep) int directory = fixture_open();
	assert_int_equal(transfer_check_target(directory, own), -EBADF);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(transfer_check_target(fds[1], own), -EINVAL);
	(void)close(fds[0]);
	assert_int_equal(transfer_check_target(fds[1], own), -EINVAL); /* closed pipe */
	(void)close(fds[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(transfer_check_target(fds[0], own), -EINVAL);
	(void)close(fds[0]);
	(void)close(fds[1]);
	_cleanup_(closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(transfer_check_target(null, own), -EINVAL);
	_cleanup_(closep) int unnamed = open(fixture_path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (unnamed >= 0)
		assert_int_equal(transfer_check_target(unnamed, own), 0);
}

/* A file with data at both ends and a hole between, not a multiple of anything. */
static int make_source(const char *name, off_t size)
{
	int fd = open(fixture_at(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
	assert_int_equal(pwrite(fd, "end", 3, size - 3), 3);
	return fd;
}

static void assert_same(int a, int b, off_t size)
{
	char x[4096], y[4096];

	assert_int_equal(lseek(b, 0, SEEK_END), size);
	for (off_t at = 0; at < size; at += (off_t)sizeof x) {
		ssize_t n = pread(a, x, sizeof x, at);
		assert_int_equal(pread(b, y, sizeof y, at), n);
		assert_memory_equal(x, y, n);
	}
}

static void a_copy_is_whole_and_sparse(void **state)
{
	static const off_t sizes[] = {8, 4096, 4097, 1000003, 40000007};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
		_cleanup_(closep) int source = make_source("source", sizes[i]);
		_cleanup_(closep) int target =
			open(fixture_at("copy"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct stat st, from;
		assert_int_equal(lseek(target, 7, SEEK_SET), 7); /* positions do not matter */
		assert_int_equal(transfer_copy(source, target, (uint64_t)sizes[i]), 0);
		assert_int_equal(lseek(target, 0, SEEK_CUR), 7);
		assert_same(source, target, sizes[i]);
		assert_int_equal(fstat(source, &from), 0);
		assert_int_equal(fstat(target, &st), 0);
		assert_true(st.st_blocks <= from.st_blocks + 16);
	}
}

/* memfd and file are of different filesystems: copy_file_range(2) will not have it. */
static void a_copy_across_filesystems_is_whole(void **state)
{
	_cleanup_(closep) int source = make_source("source", 3000001);
	_cleanup_(closep) int target = memfd_create("target", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(transfer_copy(source, target, 3000001), 0);
	assert_same(source, target, 3000001);
	assert_int_equal(ftruncate(target, 0), 0);
	assert_int_equal(transfer_copy(source, target, 0), 0);
}

static off_t size_of(int fd)
{
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

static void what_fails_leaves_nothing(void **state)
{
	_cleanup_(closep) int source = make_source("source", 1000003);
	_cleanup_(closep) int target = open(fixture_at("copy"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_(closep) int reader = open(fixture_at("copy"), O_RDONLY | O_CLOEXEC);
	struct rlimit old, small;

	(void)state;
	assert_int_equal(transfer_copy(source, target, 1000004), -ENODATA);
	assert_int_equal(size_of(target), 0);
	assert_int_equal(transfer_copy(source, reader, 1000003), -EBADF);

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){.rlim_cur = 5000, .rlim_max = old.rlim_max};
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = transfer_copy(source, target, 1000003);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(size_of(target), 0);

	_cleanup_(closep) int memory = memfd_create("target", MFD_CLOEXEC);
	assert_int_equal(ftruncate(source, (off_t)TRANSFER_MEMORY_MAX_BYTES + 1), 0);
	assert_int_equal(transfer_copy(source, memory, TRANSFER_MEMORY_MAX_BYTES + 1), -ENOTSUP);
	assert_int_equal(size_of(memory), 0);
}

static void a_full_disk_leaves_nothing(void **state)
{
	static char block[65536];
	char path[128];

	(void)state;
	if (geteuid() != 0) /* it takes a mount */
		skip();
	(void)snprintf(path, sizeof path, "%s/disk", fixture_path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mount("tmpfs", path, "tmpfs", 0, "size=1m"), 0);
	_cleanup_(closep) int source = make_source("source", 3);
	for (off_t at = 0; at < 3 * 1024 * 1024; at += (off_t)sizeof block) {
		memset(block, (int)(at >> 16) + 1, sizeof block);
		assert_int_equal(pwrite(source, block, sizeof block, at), sizeof block);
	}
	(void)strcat(path, "/copy");
	int target = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int r = transfer_copy(source, target, 3 * 1024 * 1024);
	off_t left = size_of(target);
	(void)close(target);
	path[strlen(path) - 5] = '\0';
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_identity_is_exactly_that),
		cmocka_unit_test(names_are_read_from_their_end),
		cmocka_unit_test(a_program_cannot_pose_as_another_crash),
		cmocka_unit_test_setup_teardown(
			only_root_s_regular_files_are_opened, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_target_must_be_the_caller_s_own_empty_file,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_copy_is_whole_and_sparse, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_copy_across_filesystems_is_whole, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			what_fails_leaves_nothing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_full_disk_leaves_nothing, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
