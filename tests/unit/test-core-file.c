/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/core-file: what state a core is in, which rule withheld it, and copies of it. */
#include "coredump/core-file.h"

#include "coredump/beneath.h"
#include "coredump/core-auxv.h"
#include "coredump/core-stream.h"
#include "tests/unit/core-fixture.h"
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#define MIB	 ((uint64_t)1024 * 1024)
#define USER_UID 4711 /* nobody's */

static CoreState state_of(const char *path, bool truncated, const char **ret_withheld)
{
	_cleanup_(closep) int root = fixture_open();
	Crash crash = CRASH_INIT;
	CoreInfo info;

	crash.core_file = (char *)path;
	crash.truncated = truncated;
	crash.uid = geteuid();
	core_look(root, &crash, &info);
	if (ret_withheld)
		*ret_withheld = info.withheld;
	assert_non_null(core_state_to_string(info.state));
	assert_non_null(info.compression);
	return info.state;
}

static void states(void **state)
{
	CoreSpec longer = core_spec;

	(void)state;
	longer.load_bytes = 8192;
	core_write_spec("var/core", &core_spec);
	core_write_spec("var/longer", &longer);
	core_write_spec("var/cut", &longer);
	assert_int_equal(truncate(fixture_at("var/cut"), 4000), 0);
	fixture_file("var/empty", "");
	fixture_file("var/packed.zst", "whatever");
	fixture_link("var/link", "core");
	fixture_link("alias", "/var"); /* beneath the root, not beneath this machine's */
	assert_int_equal(mkfifo(fixture_at("var/fifo"), 0600), 0);
	assert_int_equal(state_of("/var/core", false, NULL), CORE_PRESENT);
	assert_int_equal(state_of("/var/longer", false, NULL), CORE_PRESENT);
	assert_int_equal(state_of("/alias/core", false, NULL), CORE_PRESENT);
	assert_int_equal(state_of("/../../../var/core", false, NULL), CORE_PRESENT);
	assert_int_equal(state_of("/var/core", true, NULL), CORE_TRUNCATED);
	assert_int_equal(state_of("/var/cut", false, NULL), CORE_TRUNCATED);
	assert_int_equal(state_of("/var/empty", false, NULL), CORE_TRUNCATED);
	assert_int_equal(state_of("/var/packed.zst", false, NULL), CORE_PRESENT);
	assert_int_equal(state_of("/var/gone", false, NULL), CORE_MISSING);
	assert_int_equal(state_of("/gone/core", false, NULL), CORE_MISSING);
	assert_int_equal(state_of("/var/core/below", false, NULL), CORE_MISSING);
	assert_int_equal(state_of("/var/link", false, NULL), CORE_ERROR);
	assert_int_equal(state_of("/var/fifo", false, NULL), CORE_ERROR);
	assert_int_equal(state_of("/var", false, NULL), CORE_ERROR);
	assert_int_equal(state_of("var/core", false, NULL), CORE_ERROR);
	assert_int_equal(state_of("", false, NULL), CORE_ERROR);
	assert_int_equal(state_of(NULL, false, NULL), CORE_NONE);
	Crash crash = CRASH_INIT;
	CoreInfo info;
	crash.core_in_journal = true;
	core_look(-EBADF, &crash, &info);
	assert_int_equal(info.state, CORE_JOURNAL);
	crash.truncated = true;
	core_look(-EBADF, &crash, &info);
	assert_int_equal(info.state, CORE_TRUNCATED);
}

static void sizes_are_told(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	CoreSpec spec = core_spec;
	Crash crash = CRASH_INIT;
	CoreInfo info;

	(void)state;
	spec.load_bytes = 10 * MIB;
	core_write_spec("core.a.0.x.zst", &spec); /* the name claims what the content is not */
	crash.core_file = (char *)"/core.a.0.x.zst";
	core_look(root, &crash, &info);
	assert_true(info.size_bytes > 10 * MIB);
	assert_true(info.disk_bytes < MIB);
	assert_string_equal(info.compression, "zstd");
	_cleanup_(closep) int fd = core_open(root, &crash);
	assert_true(fd >= 0);
	crash.core_file = (char *)"/nothing";
	assert_int_equal(core_open(root, &crash), -ENOENT);
	crash.core_file = (char *)"/";
	assert_int_equal(core_open(root, &crash), -EINVAL);
}

/* Opening a device does something (a watchdog starts), and an entry may name any. */
static void what_is_no_file_is_never_opened(void **state)
{
	_cleanup_(closep) int root = fixture_open(),
			      watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	Crash crash = CRASH_INIT;
	CoreInfo info;
	char events[4096];

	(void)state;
	assert_int_equal(mkfifo(fixture_at("fifo"), 0600), 0);
	core_write_spec("core", &core_spec);
	assert_int_equal(symlink("core", fixture_at("link")), 0);
	assert_true(inotify_add_watch(watch, fixture_path, IN_OPEN) >= 0);
	crash.core_file = (char *)"/fifo";
	assert_int_equal(core_open(root, &crash), -EINVAL);
	core_look(root, &crash, &info);
	assert_int_equal(info.state, CORE_ERROR);
	_cleanup_(freep) char *text = NULL;
	assert_int_equal(read_file_beneath(root, "/fifo", 10, &text), -EINVAL);
	crash.core_file = (char *)"/link";
	assert_int_equal(core_open(root, &crash), -ELOOP);
	assert_int_equal(read(watch, events, sizeof events), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(read_file_beneath(root, "/link", 4, &text), 4);
	assert_true(read(watch, events, sizeof events) > 0); /* it would have been seen */
}

/* As a plain user, whom modes hold back. */
static void the_inaccessible_ones(void **state)
{
	uid_t uid = geteuid();
	const char *withheld = NULL;

	(void)state;
	core_write_spec("open/core", &core_spec);
	core_write_spec("closed/core", &core_spec);
	assert_int_equal(chmod(fixture_path, 0755), 0);
	assert_int_equal(chmod(fixture_at("open/core"), uid == 0 ? 0600 : 0), 0);
	assert_int_equal(chmod(fixture_at("open"), 0755), 0);
	assert_int_equal(chmod(fixture_at("closed"), uid == 0 ? 0700 : 0), 0);
	if (uid == 0)
		assert_int_equal(seteuid(USER_UID), 0);
	CoreState open_state = state_of("/open/core", false, &withheld);
	CoreState closed_state = state_of("/closed/core", false, NULL);
	const char *closed = NULL;
	(void)state_of("/closed/core", false, &closed);
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(chmod(fixture_at("closed"), 0700), 0);
	assert_int_equal(open_state, CORE_INACCESSIBLE);
	assert_int_equal(closed_state, CORE_INACCESSIBLE);
	assert_non_null(withheld);
	assert_non_null(closed);
	assert_non_null(strstr(closed, "folder"));
	assert_null(strstr(withheld, "folder"));
}

/* An access list as systemd sets it, of version 2 (acl(5)): the owner, one named user, the group,
 * the mask and others. */
static int set_acl(const char *path, uint16_t owner, uint16_t user, uint16_t mask)
{
	const struct {
		uint16_t tag, rights;
		uint32_t id;
	} entries[] = {{0x01, owner, UINT32_MAX}, {0x02, user, USER_UID}, {0x04, 0, UINT32_MAX},
		{0x10, mask, UINT32_MAX}, {0x20, 0, UINT32_MAX}};
	unsigned char value[4 + sizeof entries] = {2};

	memcpy(value + 4, entries, sizeof entries);
	return setxattr(path, "system.posix_acl_access", value, sizeof value, 0);
}

static void access_lists(void **state)
{
	const char *path, *withheld = NULL, *absent = NULL;
	uid_t uid = geteuid();

	(void)state;
	core_write_spec("core", &core_spec);
	path = fixture_at("core");
	assert_int_equal(chmod(fixture_path, 0755), 0);
	/* Root's file, for which a user was named; a user's own, which that user shut. */
	if (set_acl(path, uid == 0 ? 6 : 0, 4, 0) < 0) {
		print_message("no access lists on %s\n", fixture_path);
		skip();
	}
	if (uid == 0)
		assert_int_equal(seteuid(USER_UID), 0);
	CoreState masked = state_of("/core", false, &withheld);
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(masked, CORE_INACCESSIBLE);
	assert_non_null(withheld);
	assert_non_null(strstr(withheld, "granted once"));
	assert_int_equal(set_acl(path, 6, 4, 4), 0);
	if (uid == 0)
		assert_int_equal(seteuid(USER_UID), 0);
	CoreState granted = state_of("/core", false, NULL);
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(granted, CORE_PRESENT);
	assert_int_equal(removexattr(path, "system.posix_acl_access"), 0);
	assert_int_equal(chmod(path, uid == 0 ? 0600 : 0), 0);
	if (uid == 0)
		assert_int_equal(seteuid(USER_UID), 0);
	(void)state_of("/core", false, &absent);
	assert_int_equal(seteuid(uid), 0);
	assert_non_null(absent);
	assert_non_null(strstr(absent, "without %d"));
}

typedef struct Rule {
	uid_t uid;
	int dumpable;
	const char *status, *auxv;
	CoreAcl acl;
	const char *expected; /* a part of it; NULL: no rule */
} Rule;

#define STATUS(uids, gids) "Name:\tx\nUid:\t" uids "\t1000\t1000\nGid:\t" gids "\t1000\t1000\n"
/* type, value: AT_SECURE 23, AT_UID 11, AT_EUID 12, AT_GID 13, AT_EGID 14; 32-bit words in hex */
#define AUXV(secure, euid, egid)                                                                   \
	"17000000" secure "0b000000e8030000"                                                       \
	"0c000000" euid "0d000000e8030000"                                                         \
	"0e000000" egid "0000000000000000"
#define SAME "e8030000"
#define ROOT "00000000"

static void which_rule_withheld_it(void **state)
{
	static const Rule rules[] = {
		{1000, 1, NULL, NULL, CORE_ACL_ABSENT, NULL},
		{1001, 1, NULL, NULL, CORE_ACL_ABSENT, "another user"},
		{CRASH_UID_UNKNOWN, 0, NULL, NULL, CORE_ACL_ABSENT, "dumpable is 0"},
		{1000, 0, NULL, NULL, CORE_ACL_ABSENT, "dumpable is 0"},
		{1000, 2, NULL, NULL, CORE_ACL_ABSENT, "dumpable is 2"},
		{1000, -1, NULL, NULL, CORE_ACL_ABSENT, "without %d"},
		{1000, 1, STATUS("1000\t1000", "1000\t1000"), NULL, CORE_ACL_ABSENT,
			"auxiliary vector"},
		{1000, 1, STATUS("1000\t0", "1000\t1000"), NULL, CORE_ACL_ABSENT, "uid and euid"},
		{1000, 1, STATUS("1000\t1000", "1000\t5"), NULL, CORE_ACL_ABSENT, "gid and egid"},
		{1000, 1, NULL, AUXV(ROOT, SAME, SAME), CORE_ACL_ABSENT, NULL},
		{1000, 1, NULL, AUXV("01000000", SAME, SAME), CORE_ACL_ABSENT, "AT_SECURE"},
		{1000, 1, NULL, AUXV(ROOT, ROOT, SAME), CORE_ACL_ABSENT, "uid and euid"},
		{1000, 1, NULL, AUXV(ROOT, SAME, ROOT), CORE_ACL_ABSENT, "gid and egid"},
		{1000, 1, NULL, AUXV(ROOT, SAME, SAME), CORE_ACL_UNSUPPORTED, "no access lists"},
		{1000, 1, NULL, AUXV(ROOT, SAME, SAME), CORE_ACL_PRESENT, "granted once"},
		{1000, 1, "Uid:\nGid:\t", "zz", CORE_ACL_ABSENT, NULL},
		{1000, 1, "Uid:\t1000", "17", CORE_ACL_UNKNOWN, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rules); i++) {
		const Rule *rule = &rules[i];
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		const CoreViewer viewer = {1000, 999, false, rule->acl};
		crash.uid = rule->uid;
		crash.dumpable = rule->dumpable;
		crash.fields = json_object();
		json_add_string(crash.fields, "COREDUMP_PROC_STATUS", rule->status);
		json_add_string(crash.fields, "COREDUMP_PROC_AUXV", rule->auxv);
		const char *withheld = core_withheld(&crash, &viewer);
		if (!rule->expected && withheld)
			fail_msg("row %zu: %s", i, withheld);
		if (rule->expected && (!withheld || !strstr(withheld, rule->expected)))
			fail_msg("row %zu: %s", i, withheld ? withheld : "no rule");
	}
}

/* As the journal has it: bytes. This very process's. */
static void a_real_auxiliary_vector(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	_cleanup_(freep) char *auxv = NULL;
	const char *name = "COREDUMP_PROC_AUXV";
	CoreIdentity identity;

	(void)state;
	ssize_t n = read_file_at(AT_FDCWD, "/proc/self/auxv", 4096, &auxv);
	assert_true(n > 100);
	assert_int_equal(crash_take_field(&crash, name, strlen(name), auxv, (size_t)n), 1);
	assert_true(core_identity_of(&crash, &identity));
	assert_int_equal(identity.secure, 0);
	assert_int_equal(identity.uid, getuid());
	assert_int_equal(identity.euid, geteuid());
	assert_int_equal(identity.gid, getgid());
	assert_int_equal(identity.egid, getegid());
}

static void whose_cores_are_roots(void **state)
{
	static const struct {
		uid_t uid, system_uid_max;
		bool withheld;
	} rows[] = {{0, 999, true}, {999, 999, true}, {1000, 999, false}, {499, 499, true},
		{500, 499, false}, {60577, 999, false}, {60578, 999, true}, {60705, 999, true},
		{60706, 999, false}, {61183, 999, false}, {61184, 999, true}, {65519, 999, true},
		{65520, 999, false}, {65534, 999, true}, {100000, 999, false}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		Crash crash = CRASH_INIT;
		const CoreViewer viewer = {
			rows[i].uid, rows[i].system_uid_max, false, CORE_ACL_ABSENT};
		crash.uid = rows[i].uid;
		crash.dumpable = 1;
		assert_int_equal(core_withheld(&crash, &viewer) != NULL, rows[i].withheld);
	}
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* A core of 12 MiB: a head, data, a hole, data at odd places, a hole at the end. */
static uint64_t make_holey(const char *name)
{
	static CoreBytes core;
	CoreSpec spec = core_spec;

	spec.load_bytes = 12 * MIB;
	core_make(&core, &spec);
	core_write(name, &core);
	_cleanup_(closep) int fd = open(fixture_at(name), O_WRONLY | O_CLOEXEC);
	static const off_t at[] = {
		70000, 1024 * 1024 - 1, 5 * 1024 * 1024 + 4095, 9 * 1024 * 1024 + 1};
	for (size_t i = 0; i < ELEMENTSOF(at); i++)
		assert_int_equal(pwrite(fd, "data", 4, at[i]), 4);
	return core.length + spec.load_bytes;
}

static int out_file(void)
{
	int fd = open(fixture_at("out"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void copies_are_equal_and_sparse(void **state)
{
	static const struct {
		const char *command, *name;
	} rows[] = {
		{"true", "core"},
		{"cat core > full", "full"},
		{"zstd -q -f core -o c1", "c1"},
		{"zstd -q --no-content-size -f < core > c2", "c2"},
		{"lz4 -q -f core c3 2>/dev/null", "c3"},
		{"lz4 -q -f --content-size core c4 2>/dev/null", "c4"},
		{"xz -k -c core > c5", "c5"},
		{"xz -k -c --block-size=1MiB core > c6", "c6"},
		{"(head -c 300000 core | zstd -q; tail -c +300001 core | zstd -q) > c7", "c7"},
	};
	uint64_t length = make_holey("core");

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		CoreCopied copied;
		struct stat st;
		core_run(rows[i].command);
		_cleanup_(closep) int in = core_fixture_open(rows[i].name), out = out_file();
		/* What stood there before must not shine through holes. */
		assert_int_equal(pwrite(out, "old", 3, (off_t)(3 * MIB)), 3);
		assert_int_equal(pwrite(out, "old", 3, (off_t)(30 * MIB)), 3);
		assert_int_equal(core_copy(in, out, UINT64_MAX, NULL, NULL, &copied), 0);
		assert_true(copied.written_bytes == length);
		assert_true(copied.data_bytes < MIB);
		assert_int_equal(fstat(out, &st), 0);
		assert_true((uint64_t)st.st_size == length);
		assert_true((uint64_t)st.st_blocks * 512 < MIB);
		core_run("cmp -s core out");
	}
}

static void sizes_before_copying(void **state)
{
	static const struct {
		const char *command, *name;
		bool exact;
	} rows[] = {
		{"true", "core", true}, {"zstd -q -f core -o c1", "c1", true},
		{"zstd -q --no-content-size -f < core > c2", "c2", false},
		{"lz4 -q -f core c3 2>/dev/null", "c3", false},
		{"lz4 -q -f --content-size core c4 2>/dev/null", "c4", true},
		{"xz -k -c core > c5", "c5", true},
		{"xz -k -c --block-size=1MiB core > c6", "c6", true},
		{"(xz -k -c core; xz -k -c core) > c7", "c7", false}, /* two streams */
	};
	uint64_t length = make_holey("core"), size;
	bool exact;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		core_run(rows[i].command);
		_cleanup_(closep) int fd = core_fixture_open(rows[i].name);
		assert_int_equal(core_uncompressed_size(fd, &size, &exact), 0);
		assert_int_equal(exact, rows[i].exact);
		assert_true(size == length);
	}
	core_run("head -c 100000 /dev/zero > zeros");
	_cleanup_(closep) int fd = core_fixture_open("zeros");
	assert_int_equal(core_uncompressed_size(fd, &size, &exact), -EBADMSG);
}

static void bad_input_leaves_an_empty_file(void **state)
{
	static const struct {
		const char *command;
		int expected;
	} rows[] = {
		{"echo text > bad", -EBADMSG},
		{": > bad", -EBADMSG},
		{"echo text | zstd -q > bad", -EBADMSG},    /* compressed, but no core */
		{"zstd -q < packed.zst > bad", -EBADMSG},   /* twice */
		{"head -c -10 packed.zst > bad", -EBADMSG}, /* its end is missing */
		{"head -c 200 packed.xz > bad", -EBADMSG},
		{"head -c 200 packed.lz4 > bad", -EBADMSG},
		{"(head -c 300 packed.xz; echo junk; tail -c +305 packed.xz) > bad", -EBADMSG},
	};

	(void)state;
	make_holey("core");
	core_run("zstd -q core -o packed.zst && xz -k -c core > packed.xz && "
		 "lz4 -q core packed.lz4 2>/dev/null");
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		CoreCopied copied;
		struct stat st;
		core_run(rows[i].command);
		_cleanup_(closep) int in = core_fixture_open("bad"), out = out_file();
		int r = core_copy(in, out, UINT64_MAX, NULL, NULL, &copied);
		if (r != rows[i].expected)
			fail_msg("%s: %d", rows[i].command, r);
		assert_int_equal(fstat(out, &st), 0);
		assert_int_equal(st.st_size, 0);
		assert_int_equal(st.st_blocks, 0);
	}
}

static int give_up(uint64_t done, void *userdata)
{
	++*(int *)userdata;
	return done > 5 * MIB ? -ECANCELED : 0;
}

static void caps_and_progress(void **state)
{
	uint64_t length = make_holey("core");
	CoreCopied copied;
	int calls = 0;
	struct stat st;

	(void)state;
	core_run("zstd -q core -o packed.zst");
	for (int i = 0; i < 2; i++) {
		_cleanup_(closep) int in = core_fixture_open(i ? "packed.zst" : "core"),
				      out = out_file();
		assert_int_equal(core_copy(in, out, length - 1, NULL, NULL, &copied), -EFBIG);
		assert_int_equal(core_copy(in, out, length, NULL, NULL, &copied), 0);
		assert_int_equal(
			core_copy(in, out, UINT64_MAX, give_up, &calls, &copied), -ECANCELED);
		assert_true(calls >= 1);
		assert_int_equal(fstat(out, &st), 0);
		assert_int_equal(st.st_size, 0);
	}
}

static void targets_that_will_not_do(void **state)
{
	CoreCopied copied;

	(void)state;
	make_holey("core");
	_cleanup_(closep) int in = core_fixture_open("core");
	_cleanup_(closep) int appending =
		open(fixture_at("out"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	_cleanup_(closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_cleanup_(closep) int reading = core_fixture_open("core");
	int pipes[2];
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(core_copy(in, appending, UINT64_MAX, NULL, NULL, &copied), -EINVAL);
	assert_int_equal(core_copy(in, null, UINT64_MAX, NULL, NULL, &copied), -EINVAL);
	assert_int_equal(core_copy(in, pipes[1], UINT64_MAX, NULL, NULL, &copied), -EINVAL);
	assert_true(core_copy(in, reading, UINT64_MAX, NULL, NULL, &copied) < 0);
	assert_int_equal(core_copy(in, -EBADF, UINT64_MAX, NULL, NULL, &copied), -EBADF);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

/* In a child with a mount namespace: 0 as expected, 77 not possible here, else what went wrong. */
static int fill_a_small_disk(const char *in_path)
{
	char target[128], out_path[160];
	CoreCopied copied;
	struct stat st;

	if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 77;
	(void)snprintf(target, sizeof target, "%s/small", fixture_path);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", target, "tmpfs", 0, "size=256k") < 0)
		return 77;
	(void)snprintf(out_path, sizeof out_path, "%s/out", target);
	int in = open(in_path, O_RDONLY | O_CLOEXEC);
	int out = open(out_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (in < 0 || out < 0)
		return 2;
	if (core_copy(in, out, UINT64_MAX, NULL, NULL, &copied) != -ENOSPC)
		return 3;
	/* The space is there again although the file is still open. */
	return fstat(out, &st) == 0 && st.st_size == 0 && st.st_blocks == 0 ? 0 : 4;
}

static void a_full_disk(void **state)
{
	char path[128];
	int status;

	(void)state;
	make_holey("core");
	core_run("head -c 1000000 /dev/urandom | dd of=core bs=64k seek=16 conv=notrunc "
		 "status=none && zstd -q core -o packed.zst && mkdir small");
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", fixture_path, i ? "packed.zst" : "core");
		pid_t pid = fork();
		if (pid == 0)
			_exit(fill_a_small_disk(path));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77) {
			print_message("no small tmpfs can be mounted here\n");
			skip();
		}
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static uint64_t peak_kib(void)
{
	char status[4096];
	_cleanup_(closep) int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, status, sizeof status - 1);
	const char *at;

	status[MAX_OF(n, (ssize_t)0)] = '\0';
	at = strstr(status, "VmHWM:");
	return at ? strtoull(at + 6, NULL, 10) : UINT64_MAX;
}

/* A gibibyte, as one hole, as zeros that are there, and compressed: the memory stays the same. */
static void a_gibibyte_takes_no_memory(void **state)
{
	static const char *const commands[] = {
		"true", "zstd -q -T1 -1 core -o z", "lz4 -q core z 2>/dev/null"};
	CoreSpec spec = core_spec;

	(void)state;
	spec.load_bytes = 1024 * MIB;
	core_write_spec("core", &spec);
	for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
		CoreCopied copied;
		struct stat st;
		core_run(commands[i]);
		uint64_t before = peak_kib();
		_cleanup_(closep) int in = core_fixture_open(i ? "z" : "core"), out = out_file();
		assert_int_equal(core_copy(in, out, UINT64_MAX, NULL, NULL, &copied), 0);
		assert_true(copied.written_bytes > 1024 * MIB);
		assert_true(copied.data_bytes <= 8192);
		assert_int_equal(fstat(out, &st), 0);
		assert_true((uint64_t)st.st_blocks * 512 <= 16384);
		assert_true(peak_kib() - before < 16 * 1024);
		core_run("rm -f z out");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
		TEST(states),
		TEST(sizes_are_told),
		TEST(what_is_no_file_is_never_opened),
		TEST(the_inaccessible_ones),
		TEST(access_lists),
		TEST(which_rule_withheld_it),
		TEST(a_real_auxiliary_vector),
		TEST(whose_cores_are_roots),
		TEST(copies_are_equal_and_sparse),
		TEST(sizes_before_copying),
		TEST(bad_input_leaves_an_empty_file),
		TEST(caps_and_progress),
		TEST(targets_that_will_not_do),
		TEST(a_full_disk),
		TEST(a_gibibyte_takes_no_memory),
	};

	return cmocka_run_group_tests_name("core-file", tests, NULL, NULL);
}
