/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/core-store, core-limits, core-pin: what cores cost, what goes, what is kept. */
#include "coredump/core-limits.h"
#include "coredump/core-pin.h"
#include "coredump/core-store.h"

#include "tests/unit/core-fixture.h"
#include <time.h>

#define BOOT "0123456789abcdef0123456789abcdef"
#define HASH "0123456789012345678901234567890123456789"
#define GIB  ((uint64_t)1024 * 1024 * 1024)
#define DAY  ((usec_t)86400 * USEC_PER_SEC)

/* ---- names ----------------------------------------------------------------------------------- */

static void names(void **state)
{
	static const char *const bad[] = {"", "core", "core.", "core.a", "core.a.1000." BOOT ".1",
		"core..1000." BOOT ".1.1700000000000000", "core.a.1000." BOOT ".0.1700000000000000",
		"core.a.-1." BOOT ".1.1700000000000000", "core.a.4294967295." BOOT ".1.17000000",
		"core.a.1000.0123.1.1700000000000000", "core.a.1000." BOOT ".1.0",
		"core.a.1000." BOOT ".1.1700000000000000.gz",
		"core.a.1000." BOOT ".1.1700000000000000.zst.zst",
		"core.a.1000." BOOT "g.1.1700000000000000",
		"Core.a.1000." BOOT ".1.1700000000000000",
		"core.a.1000." BOOT ".99999999999.1700000000000000", ".#core.a.1000." BOOT ".1.17"};
	CoreName name;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		if (core_name_parse(bad[i], &name))
			fail_msg("taken: %s", bad[i]);
	char longest[512];
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_false(core_name_parse(longest, &name));
	assert_true(
		core_name_parse("core.a\\x20b\\x2ec.1000." BOOT ".12.1700000000000001.lz4", &name));
	assert_string_equal(name.comm, "a b.c");
	assert_int_equal(name.uid, 1000);
	assert_int_equal(name.pid, 12);
	assert_string_equal(name.boot_id, BOOT);
	assert_true(name.when_realtime == 1700000000000001);
	assert_int_equal(name.compression, CORE_LZ4);
	assert_true(
		core_name_parse("core.a.0." BOOT ".12.1700000000", &name)); /* seconds, of old */
	assert_true(name.when_realtime == 1700000000000000);
}

/* ---- the folder ------------------------------------------------------------------------------ */

/* program, uid, pid, days old, KiB */
static void add_core(const char *comm, unsigned uid, unsigned pid, unsigned days, unsigned kib)
{
	static char block[1024];
	char name[256];
	usec_t when = 1700000000 * USEC_PER_SEC - days * DAY;
	struct timespec times[2] = {{0}, {(time_t)(when / USEC_PER_SEC), 0}};

	(void)snprintf(name, sizeof name, "cores/core.%s.%u." BOOT ".%u.%llu.zst", comm, uid, pid,
		(unsigned long long)when);
	_cleanup_(closep) int fd =
		open(fixture_at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	memset(block, 'x', sizeof block);
	for (unsigned i = 0; i < kib; i++)
		assert_int_equal(write_all(fd, block, sizeof block), 0);
	times[0] = times[1];
	assert_int_equal(futimens(fd, times), 0);
}

static void fill(void)
{
	add_core("editor", 1000, 1, 9, 64);
	add_core("editor", 1000, 2, 5, 64);
	add_core("editor", 1000, 3, 1, 64);
	add_core("editor", 1001, 4, 2, 64);
	add_core("browser", 1000, 5, 8, 512);
	add_core("daemon", 0, 6, 3, 32);
}

static void read_store(CoreStore *store)
{
	_cleanup_(closep) int root = fixture_open(), dir = core_store_open(root, "/cores");

	assert_true(dir >= 0);
	assert_int_equal(core_store_read(dir, BOOT, store), 0);
}

static const StoredCore *core_of(const CoreStore *store, pid_t pid)
{
	for (size_t i = 0; i < store->n_cores; i++)
		if (store->cores[i].parsed.pid == pid)
			return &store->cores[i];
	return NULL;
}

static void what_cores_cost(void **state)
{
	CoreStore store;
	CoreProgram *programs;
	size_t n;

	(void)state;
	fill();
	fixture_file("cores/.#core.editor.1000." BOOT ".9.1700000000000000aXz", "unfinished");
	fixture_file("cores/readme", "hello");
	fixture_link("cores/core.link.1000." BOOT ".8.1700000000000000", "/etc/passwd");
	read_store(&store);
	assert_int_equal(store.n_cores, 6);
	assert_int_equal(store.n_others, 3);
	assert_true(store.size_bytes == (uint64_t)(4 * 64 + 512 + 32) * 1024);
	assert_true(store.disk_bytes >= store.size_bytes);
	assert_true(store.deletable);
	assert_int_equal(store.cores[0].parsed.pid, 1); /* oldest first */
	assert_int_equal(store.cores[5].parsed.pid, 3);
	assert_int_equal(core_store_programs(&store, &programs, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(programs[0].comm, "browser");
	assert_string_equal(programs[1].comm, "editor");
	assert_int_equal(programs[1].n_cores, 4);
	assert_true(programs[1].uid == CRASH_UID_UNKNOWN);
	assert_true(programs[0].uid == 1000);
	free(programs);
	core_store_done(&store);
}

static void a_core_knows_its_crash(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	CoreStore store;

	(void)state;
	fill();
	read_store(&store);
	strcpy(crash.machine_id, BOOT);
	strcpy(crash.boot_id, BOOT);
	crash.pid = 3;
	crash.when_realtime = 1700000000 * USEC_PER_SEC - DAY;
	assert_int_equal(crash_identify(&crash, 0), 0);
	assert_string_equal(core_of(&store, 3)->hash, crash.hash);
	core_store_done(&store);
	_cleanup_(closep) int root = fixture_open(), dir = core_store_open(root, "/cores");
	assert_int_equal(core_store_read(dir, NULL, &store), 0);
	assert_string_equal(core_of(&store, 3)->hash, "");
	core_store_done(&store);
}

static void folders_that_are_none(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	CoreStore store;
	CoreProgram *programs;
	size_t n;

	(void)state;
	assert_int_equal(core_store_open(root, "/cores"), -ENOENT);
	fixture_file("file", "");
	assert_int_equal(core_store_open(root, "/file"), -ENOTDIR);
	assert_int_equal(mkdir(fixture_at("cores"), 0755), 0);
	fixture_link("link", "/cores");
	assert_true(core_store_open(root, "/link") < 0);
	read_store(&store);
	assert_int_equal(store.n_cores, 0);
	assert_int_equal(core_store_programs(&store, &programs, &n), 0);
	assert_int_equal(n, 0);
	free(programs);
	core_store_done(&store);
}

/* ---- what goes ------------------------------------------------------------------------------- */

static bool keep_pid(const StoredCore *core, void *userdata)
{
	return core->parsed.pid == *(const pid_t *)userdata;
}

/* The pids that go, in order, as "125". */
static void check_choice(const CoreVacuum *vacuum, const char *expected)
{
	char pids[16] = "";
	bool chosen[16];
	CoreStore store;
	size_t n = 0;

	read_store(&store);
	size_t told = core_vacuum_choose(&store, vacuum, chosen);
	for (pid_t pid = 1; pid < 10; pid++)
		for (size_t i = 0; i < store.n_cores; i++)
			if (chosen[i] && store.cores[i].parsed.pid == pid)
				pids[n++] = (char)('0' + pid);
	core_store_done(&store);
	assert_string_equal(pids, expected);
	assert_int_equal(told, n);
}

static void choices(void **state)
{
	const usec_t now = 1700000000 * USEC_PER_SEC;
	pid_t pinned = 1;
	CoreVacuum v = {.uid = CRASH_UID_UNKNOWN};

	(void)state;
	fill();
	check_choice(&v, "");
	v.none_stays = true;
	check_choice(&v, "123456");
	v = (CoreVacuum){.uid = CRASH_UID_UNKNOWN, .older_than_realtime = now - 4 * DAY};
	check_choice(&v, "125");
	v.keep = keep_pid;
	v.userdata = &pinned;
	check_choice(&v, "25");
	v = (CoreVacuum){.uid = CRASH_UID_UNKNOWN, .max_per_program = 1};
	check_choice(&v, "12"); /* 4 is another user's editor */
	v.uid = 1001;
	check_choice(&v, "");
	v = (CoreVacuum){.uid = CRASH_UID_UNKNOWN, .max_bytes = (uint64_t)300 * 1024};
	check_choice(&v, "15"); /* oldest first until the rest fits */
	v.keep = keep_pid;
	v.userdata = &pinned;
	check_choice(&v, "5");
	v.max_bytes = 1;
	check_choice(&v, "23456");
	v = (CoreVacuum){.uid = 1000, .max_bytes = (uint64_t)100 * 1024};
	check_choice(&v, "125");
	v = (CoreVacuum){.uid = CRASH_UID_UNKNOWN,
		.older_than_realtime = now - 7 * DAY,
		.max_per_program = 2,
		.max_bytes = GIB};
	check_choice(&v, "15");
}

static void deleting_what_was_looked_at(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	CoreStore store;

	(void)state;
	fill();
	_cleanup_(closep) int dir = core_store_open(root, "/cores");
	read_store(&store);
	const StoredCore *core = core_of(&store, 2), *other = core_of(&store, 3);
	assert_int_equal(core_store_delete(dir, core), 0);
	assert_int_equal(core_store_delete(dir, core), -ENOENT);
	/* Another file with the name of the one that was looked at. */
	assert_int_equal(renameat(dir, core_of(&store, 1)->name, dir, other->name), 0);
	assert_int_equal(core_store_delete(dir, other), -ESTALE);
	assert_int_equal(faccessat(dir, other->name, F_OK, 0), 0);
	core_store_done(&store);
}

static void not_in_a_folder_of_roots(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	uid_t uid = geteuid();
	CoreStore store;

	(void)state;
	fill();
	assert_int_equal(chmod(fixture_path, 0755), 0);
	assert_int_equal(chmod(fixture_at("cores"), uid == 0 ? 0755 : 0555), 0);
	_cleanup_(closep) int dir = core_store_open(root, "/cores");
	if (uid == 0)
		assert_int_equal(seteuid(4711), 0);
	int r = core_store_read(dir, "", &store);
	int gone = r < 0 ? r : core_store_delete(dir, &store.cores[0]);
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(chmod(fixture_at("cores"), 0755), 0);
	assert_int_equal(r, 0);
	assert_false(store.deletable);
	assert_int_equal(gone, -EACCES);
	assert_int_equal(store.n_cores, 6);
	core_store_done(&store);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void core_sizes(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} rows[] = {{"0", 0, 0}, {"512", 0, 512}, {"1K", 0, 1024}, {"1.5M", 0, 1572864},
		{"2G", 0, 2 * GIB}, {"1T", 0, 1024 * GIB}, {"3B", 0, 3},
		{"infinity", 0, UINT64_MAX}, {"", -EINVAL, 0}, {"x", -EINVAL, 0},
		{"1KB", -EINVAL, 0}, {"-1", -EINVAL, 0}, {"1 G", -EINVAL, 0},
		{"99999999E", -ERANGE, 0}, {"99999999999999999999", -ERANGE, 0}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		uint64_t value = 0;
		int r = parse_core_size(rows[i].text, &value);
		if (r != rows[i].r || (r == 0 && value != rows[i].value))
			fail_msg("'%s': %d, %llu", rows[i].text, r, (unsigned long long)value);
	}
}

static void built_in_bounds(void **state)
{
	CoreLimits limits = {};

	(void)state;
	core_limits_clamp(&limits, 900 * GIB, 100 * GIB);
	assert_true(limits.max_use == 4 * GIB); /* not 90 */
	assert_true(limits.keep_free == 4 * GIB);
	core_limits_clamp(&limits, 10 * GIB, GIB);
	assert_true(limits.max_use == GIB);
	assert_true(limits.keep_free == GIB / 2 * 3);
	assert_true(core_limits_left(&limits, 0) == 0);
	core_limits_clamp(&limits, 10 * GIB, 5 * GIB);
	assert_true(core_limits_left(&limits, GIB / 4) == GIB / 4 * 3);
	assert_true(core_limits_left(&limits, 2 * GIB) == 0);
	core_limits_clamp(&limits, 4096, 0);
	assert_true(limits.max_use == 1024 * 1024);
	core_limits_clamp(&limits, 0, 0);
	assert_true(limits.max_use == 1024 * 1024);
	assert_true(limits.keep_free == 1024 * 1024);
	limits = (CoreLimits){.max_use = 0, .max_use_set = true, .keep_free_set = true};
	core_limits_clamp(&limits, 900 * GIB, GIB);
	assert_true(limits.max_use == 0 && limits.keep_free == 0);
	assert_true(core_limits_left(&limits, 500 * GIB) == UINT64_MAX);
}

static void configuration_as_systemd_reads_it(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	CoreLimits limits;

	(void)state;
	core_limits_read(root, &limits);
	assert_int_equal(limits.storage, CORE_STORAGE_EXTERNAL);
	assert_true(limits.compress);
	assert_false(limits.configured);
	assert_true(limits.max_age_usec == 0);
	fixture_file("usr/lib/systemd/coredump.conf", "[Coredump]\nStorage=none\nMaxUse=1G\n");
	core_limits_read(root, &limits);
	assert_int_equal(limits.storage, CORE_STORAGE_NONE);
	/* A main file in /etc replaces the vendor's whole. */
	fixture_file("etc/systemd/coredump.conf",
		"# Storage=none\n[Other]\nStorage=none\n[Coredump]\n  KeepFree = 10G \n;MaxUse=3G\n"
		"Compress=no\nProcessSizeMax=infinity\nJournalSizeMax=5G\nMaxUse=nonsense\n");
	core_limits_read(root, &limits);
	assert_int_equal(limits.storage, CORE_STORAGE_EXTERNAL);
	assert_true(limits.keep_free == 10 * GIB && limits.keep_free_set);
	assert_false(limits.max_use_set);
	assert_false(limits.compress);
	assert_true(limits.process_size_max == UINT64_MAX);
	assert_true(limits.journal_size_max == (uint64_t)767 * 1024 * 1024);
	assert_true(limits.configured);
	/* Drop-ins sort by name over all folders; the same name counts where it ranks higher. */
	fixture_file("usr/lib/systemd/coredump.conf.d/50-a.conf", "[Coredump]\nMaxUse=5G\n");
	fixture_file("run/systemd/coredump.conf.d/40-b.conf", "[Coredump]\nMaxUse=6G\n");
	fixture_file("run/systemd/coredump.conf.d/60-c.txt", "[Coredump]\nMaxUse=9G\n");
	core_limits_read(root, &limits);
	assert_true(limits.max_use == 5 * GIB);
	fixture_file("etc/systemd/coredump.conf.d/50-a.conf", "[Coredump]\nMaxUse=7G\n");
	core_limits_read(root, &limits);
	assert_true(limits.max_use == 7 * GIB);
	assert_int_equal(unlink(fixture_at("etc/systemd/coredump.conf.d/50-a.conf")), 0);
	fixture_link("etc/systemd/coredump.conf.d/50-a.conf", "/dev/null"); /* masked */
	core_limits_read(root, &limits);
	assert_true(limits.max_use == 6 * GIB);
	/* A link means the root it lies in. */
	fixture_file("usr/share/vendor.conf", "[Coredump]\nMaxUse=8G\n");
	fixture_link("usr/local/lib/systemd/coredump.conf.d/90-z.conf", "/usr/share/vendor.conf");
	core_limits_read(root, &limits);
	assert_true(limits.max_use == 8 * GIB);
}

static void how_long_cores_stay(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	CoreLimits limits;

	(void)state;
	fixture_file("usr/lib/tmpfiles.d/systemd.conf",
		"# d /var/lib/systemd/coredump 0755 root root 1d\nd /var/lib/other 0755 - - 9d\n"
		"d /var/lib/systemd/coredump 0755 root root 2w\n");
	core_limits_read(root, &limits);
	assert_true(limits.max_age_usec == 14 * DAY);
	fixture_file("etc/tmpfiles.d/a.conf", "d\t/var/lib/systemd/coredump - - - 3d\n");
	core_limits_read(root, &limits);
	assert_true(limits.max_age_usec == 3 * DAY);
	fixture_file("etc/tmpfiles.d/a.conf", "d /var/lib/systemd/coredump - - - -\n");
	core_limits_read(root, &limits);
	assert_true(limits.max_age_usec == 0);
}

/* ---- pins ------------------------------------------------------------------------------------ */

static int pins(void)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/state/cores", fixture_path);
	int fd = core_pins_open(path, true);
	assert_true(fd >= 0);
	return fd;
}

static int stop(uint64_t done, void *userdata)
{
	(void)done;
	(void)userdata;
	return -ECANCELED;
}

static void pins_are_whole_or_not_there(void **state)
{
	CoreSpec spec = core_spec;
	uint64_t bytes;
	struct stat st;
	size_t n;

	(void)state;
	spec.load_bytes = (uint64_t)8 * 1024 * 1024;
	core_write_spec("core", &spec);
	core_run(
		"head -c 3000000 /dev/urandom | dd of=core bs=64k seek=16 conv=notrunc status=none "
		"&& zstd -q core -o core.zst && echo no core > text");
	_cleanup_(closep) int dir = pins(), in = core_fixture_open("core");
	_cleanup_(closep) int packed = core_fixture_open("core.zst"),
			      text = core_fixture_open("text");
	assert_int_equal(core_pin_get(dir, HASH, NULL), -ENOENT);
	assert_int_equal(core_pin(dir, in, HASH, CORE_PINS_MAX, stop, NULL), -ECANCELED);
	assert_int_equal(core_pin(dir, text, HASH, CORE_PINS_MAX, NULL, NULL), -EBADMSG);
	assert_int_equal(core_pin(dir, in, HASH, 1024 * 1024, NULL, NULL), -EDQUOT);
	assert_int_equal(core_pins_usage(dir, &bytes, &n), 0);
	assert_int_equal(n, 0);
	assert_true(bytes == 0);
	assert_int_equal(core_pin(dir, in, HASH, CORE_PINS_MAX, NULL, NULL), 0);
	assert_int_equal(core_pin(dir, packed, HASH, CORE_PINS_MAX, NULL, NULL), -EEXIST);
	_cleanup_(freep) char *name = NULL;
	_cleanup_(closep) int pinned = core_pin_get(dir, HASH, &name);
	assert_true(pinned >= 0);
	assert_string_equal(name, HASH ".core");
	assert_int_equal(fstat(pinned, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(st.st_blocks * 512 < 4 * 1024 * 1024); /* sparse */
	core_run("cmp -s core state/cores/" HASH ".core");
	assert_int_equal(core_unpin(dir, HASH), 0);
	assert_int_equal(core_unpin(dir, HASH), -ENOENT);
	assert_int_equal(core_pin(dir, packed, HASH, CORE_PINS_MAX, NULL, NULL), 0);
	core_run("cmp -s core.zst state/cores/" HASH ".core.zst"); /* compressed as it was */
	assert_int_equal(core_pins_usage(dir, &bytes, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(core_pin(dir, in, "1" HASH, CORE_PINS_MAX, NULL, NULL), -EINVAL);
	assert_int_equal(core_pin(dir, in, "../../../etc/x", CORE_PINS_MAX, NULL, NULL), -EINVAL);
}

static void the_core_may_vanish_meanwhile(void **state)
{
	(void)state;
	core_write_spec("core", &core_spec);
	core_run("cp core copy");
	_cleanup_(closep) int dir = pins(), in = core_fixture_open("core");
	core_run("rm core");
	assert_int_equal(core_pin(dir, in, HASH, CORE_PINS_MAX, NULL, NULL), 0);
	core_run("cmp -s copy state/cores/" HASH ".core");
}

static void folders_of_others_are_refused(void **state)
{
	char path[128];

	(void)state;
	(void)safe_close(pins());
	(void)snprintf(path, sizeof path, "%s/state/cores", fixture_path);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(core_pins_open(path, false), -EPERM);
	assert_int_equal(chmod(path, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 4711, 4711), 0);
		assert_int_equal(core_pins_open(path, false), -EPERM);
	}
	(void)snprintf(path, sizeof path, "%s/nowhere", fixture_path);
	assert_int_equal(core_pins_open(path, false), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
		TEST(names),
		TEST(what_cores_cost),
		TEST(a_core_knows_its_crash),
		TEST(folders_that_are_none),
		TEST(choices),
		TEST(deleting_what_was_looked_at),
		TEST(not_in_a_folder_of_roots),
		TEST(core_sizes),
		TEST(built_in_bounds),
		TEST(configuration_as_systemd_reads_it),
		TEST(how_long_cores_stay),
		TEST(pins_are_whole_or_not_there),
		TEST(the_core_may_vanish_meanwhile),
		TEST(folders_of_others_are_refused),
	};

	return cmocka_run_group_tests_name("core-store", tests, NULL, NULL);
}
