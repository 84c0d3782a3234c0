/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/core-notes: who crashed, out of cores made up and real, whole, cut, compressed. */
#include "coredump/core-notes.h"

#include "coredump/core-elf.h"
#include "tests/unit/core-fixture.h"
#include <signal.h>
#include <sys/xattr.h>

#define BOOT "0123456789abcdef0123456789abcdef"

static int read_core(const char *name, Crash *crash)
{
	_cleanup_(closep) int fd = core_fixture_open(name);

	return crash_from_core(fd, name, name, crash);
}

static void every_class_and_byte_order(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		CoreSpec spec = core_spec;
		spec.is_64 = i < 2;
		spec.big_endian = i & 1;
		spec.wide_ids = i >= 4;
		spec.note_type_junk = (uint32_t)i * 7;
		core_write_spec("core", &spec);
		assert_int_equal(read_core("core", &crash), 0);
		assert_int_equal(crash.pid, 4242);
		assert_int_equal(crash.uid, 1000);
		assert_int_equal(crash.gid, 1001);
		assert_int_equal(crash.signal, SIGSEGV);
		assert_string_equal(crash.comm, "soffice.bin");
		assert_string_equal(crash.cmdline, "/usr/lib/soffice.bin --writer");
		assert_string_equal(crash.exe, "/usr/lib/libreoffice/soffice.bin");
		assert_string_equal(crash.core_file, "core");
		assert_int_equal(crash.trust, CRASH_UNVERIFIED);
		assert_int_equal(strlen(crash.hash), 40);
		assert_true(crash.when_realtime > 0);
		assert_false(crash.truncated);
	}
}

static void ids_that_16_bits_do_not_hold(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	CoreSpec spec = core_spec;

	(void)state;
	spec.is_64 = false;
	spec.uid = spec.auxv_uid = 100000;
	core_write_spec("core", &spec);
	assert_int_equal(read_core("core", &crash), 0);
	assert_int_equal(crash.uid, 100000);
}

/* A thread that crashes puts its own tid into NT_PRPSINFO; the process is the lowest. */
static void the_process_of_a_thread(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	CoreSpec spec = core_spec;

	(void)state;
	spec.pid = 4250;
	memcpy(spec.threads, (uint32_t[4]){4250, 4244, 4242, 4249}, sizeof spec.threads);
	core_write_spec("core", &spec);
	assert_int_equal(read_core("core", &crash), 0);
	assert_int_equal(crash.pid, 4242);
}

static void a_name_of_systemd_is_its_journal_entry(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT, entry = CRASH_INIT;
	const char *name = "core.web\\x2econtent.1000." BOOT ".77.1700000000123456";
	static const char *const fields[] = {"COREDUMP_PID=77", "_BOOT_ID=" BOOT,
		"COREDUMP_TIMESTAMP=1700000000123456", "_MACHINE_ID=" BOOT};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(fields); i++)
		assert_int_equal(crash_take_data(&entry, fields[i], strlen(fields[i])), 1);
	assert_int_equal(crash_identify(&entry, 1700000009000000), 0);
	core_write_spec(name, &core_spec);
	strcpy(crash.machine_id, BOOT);
	assert_int_equal(read_core(name, &crash), 0);
	assert_string_equal(crash.hash, entry.hash);
	assert_string_equal(crash.comm, "web.content");
	assert_int_equal(crash.pid, 77); /* the name's, not the notes' */
	assert_int_equal(crash.signal, SIGSEGV);
}

static void attributes_come_before_notes(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	const char *path;

	(void)state;
	core_write_spec("odd-name", &core_spec);
	path = fixture_at("odd-name");
	if (setxattr(path, "user.coredump.pid", "99", 2, 0) < 0) {
		print_message("no user attributes on %s\n", fixture_path);
		skip();
	}
	assert_int_equal(setxattr(path, "user.coredump.timestamp", "1700000000000000", 16, 0), 0);
	assert_int_equal(setxattr(path, "user.coredump.hostname", "far\nhost", 8, 0), 0);
	assert_int_equal(setxattr(path, "user.coredump.uid", "-1junk", 6, 0), 0);
	assert_int_equal(read_core("odd-name", &crash), 0);
	assert_int_equal(crash.pid, 99);
	assert_int_equal(crash.uid, 1000);
	assert_true(crash.when_realtime == 1700000000000000);
	assert_string_equal(crash.hostname, "far\nhost");
}

static void what_is_no_core(void **state)
{
	static const char *const texts[] = {"", "x", "\177ELF", "#!/bin/sh\n", "\x28\xb5\x2f\xfd",
		"\x04\x22\x4d\x18zzzzzzzzzzzzzzz",
		"\xfd"
		"7zXZ"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		fixture_file("no-core", texts[i]);
		assert_int_equal(read_core("no-core", &crash), -EBADMSG);
	}
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	_cleanup_(closep) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(crash_from_core(fd, "exe", "exe", &crash), -EBADMSG); /* no ET_CORE */
}

/* Cut anywhere: it tells what is left or nothing, and never more than that. */
static void cut_at_every_byte(void **state)
{
	static CoreBytes core;
	CoreSpec spec = core_spec;
	unsigned told = 0;

	(void)state;
	spec.load_bytes = 4096;
	for (int big = 0; big < 2; big++) {
		spec.is_64 = spec.big_endian = big;
		core_make(&core, &spec);
		for (size_t length = core.length; length-- > 0;) {
			_cleanup_(crash_donep) Crash crash = CRASH_INIT;
			_cleanup_(closep) int fd = memfd_create("core", MFD_CLOEXEC);
			assert_int_equal(write_all(fd, core.data, length), 0);
			int r = crash_from_core(fd, "core", "core", &crash);
			assert_true(r == 0 || r == -EBADMSG);
			if (r == 0) {
				told++;
				assert_int_equal(crash.pid, 4242);
				assert_true(crash.truncated);
			}
		}
	}
	assert_true(told > 100);
}

static void compressed_ones_tell_the_same(void **state)
{
	static const char *const commands[] = {"zstd -q -f core -o z.zst", "lz4 -q -f core z.lz4",
		"xz -k -c core > z.xz", "xz -k -c --block-size=65536 core > z.xz"};
	static const char *const names[] = {"z.zst", "z.lz4", "z.xz", "z.xz"};
	CoreSpec spec = core_spec;

	(void)state;
	spec.load_bytes = (uint64_t)40 * 1024 * 1024; /* beyond what is kept of a compressed one */
	core_write_spec("core", &spec);
	for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		core_run(commands[i]);
		assert_int_equal(read_core(names[i], &crash), 0);
		assert_int_equal(crash.pid, 4242);
		assert_string_equal(crash.exe, "/usr/lib/libreoffice/soffice.bin");
		assert_false(crash.truncated);
	}
	/* Half a compressed core still says whose it is. */
	core_run("head -c 700 z.zst > half.zst");
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	int r = read_core("half.zst", &crash);
	assert_true(r == 0 || r == -EBADMSG);
}

static void lies_about_sizes(void **state)
{
	static CoreBytes core;
	/* e_phoff, e_phnum, p_offset and p_filesz of the notes, n_descsz, NT_FILE's count. */
	static const size_t at[] = {32, 56, 64 + 8, 64 + 32, 64 + 112 + 4};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(at); i++)
		for (int fill = 0; fill < 3; fill++) {
			_cleanup_(crash_donep) Crash crash = CRASH_INIT;
			_cleanup_(closep) int fd = memfd_create("core", MFD_CLOEXEC);
			core_make(&core, &core_spec);
			memset(core.data + at[i],
				fill == 0   ? 0xff
				: fill == 1 ? 0x7f
					    : 0x80,
				i == 1	 ? 2
				: i == 4 ? 4
					 : 8);
			assert_int_equal(write_all(fd, core.data, core.length), 0);
			int r = crash_from_core(fd, "core", "core", &crash);
			assert_true(r == 0 || r == -EBADMSG);
		}
}

static void check_real(const Crash *crash, pid_t pid, int signal)
{
	char exe[128];

	(void)snprintf(exe, sizeof exe, "%s/crasher", fixture_path);
	assert_int_equal(crash->pid, pid);
	assert_int_equal(crash->uid, getuid());
	assert_int_equal(crash->gid, getgid());
	assert_int_equal(crash->signal, signal);
	assert_string_equal(crash->comm, "crasher");
	assert_string_equal(crash->exe, exe);
}

static void real_cores(void **state)
{
	static const struct {
		const char *how;
		int signal;
	} rows[] = {{"segv", SIGSEGV}, {"abort", SIGABRT}, {"thread", SIGSEGV}};

	(void)state;
	if (!core_kernel_writes()) {
		print_message("kernel.core_pattern is not 'core': no real core can be had here\n");
		skip();
	}
	core_build_crasher();
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT, packed = CRASH_INIT;
		pid_t pid = core_crash(".", rows[i].how, RLIM_INFINITY);
		assert_int_equal(read_core("core", &crash), 0);
		check_real(&crash, pid, rows[i].signal);
		assert_false(crash.truncated);
		char cmdline[64];
		(void)snprintf(cmdline, sizeof cmdline, "crasher %s with space", rows[i].how);
		assert_string_equal(crash.cmdline, cmdline);
		core_run("zstd -q -f core -o core.zst");
		assert_int_equal(read_core("core.zst", &packed), 0);
		check_real(&packed, pid, rows[i].signal);
		core_run("rm core");
	}
}

static void real_cores_cut_at_every_page(void **state)
{
	static char page[4096];
	unsigned told = 0;

	(void)state;
	if (!core_kernel_writes()) {
		print_message("kernel.core_pattern is not 'core': no real core can be had here\n");
		skip();
	}
	core_build_crasher();
	pid_t pid = core_crash(".", "thread", RLIM_INFINITY);
	_cleanup_(closep) int whole = core_fixture_open("core");
	for (size_t length = 0; length < (size_t)64 * 1024; length += sizeof page) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		_cleanup_(closep) int fd = memfd_create("core", MFD_CLOEXEC);
		for (size_t at = 0; at < length; at += sizeof page) {
			assert_int_equal(pread(whole, page, sizeof page, (off_t)at), sizeof page);
			assert_int_equal(write_all(fd, page, sizeof page), 0);
		}
		int r = crash_from_core(fd, "core", "core", &crash);
		assert_true(r == 0 || r == -EBADMSG);
		if (r < 0)
			continue;
		told++;
		assert_true(crash.truncated);
		/* The main thread may be cut off; then it is the other's, whose number came next
		 * but for those of other programs that started meanwhile. */
		assert_in_range(crash.pid, pid, pid + 1000);
	}
	assert_true(told >= 12);
	/* What the kernel cuts, by RLIMIT_CORE. */
	core_run("rm core");
	pid = core_crash(".", "big", (rlim_t)1024 * 1024);
	_cleanup_(crash_donep) Crash cut = CRASH_INIT;
	assert_int_equal(read_core("core", &cut), 0);
	check_real(&cut, pid, SIGABRT);
	assert_true(cut.truncated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
		TEST(every_class_and_byte_order),
		TEST(ids_that_16_bits_do_not_hold),
		TEST(the_process_of_a_thread),
		TEST(a_name_of_systemd_is_its_journal_entry),
		TEST(attributes_come_before_notes),
		TEST(what_is_no_core),
		TEST(cut_at_every_byte),
		TEST(compressed_ones_tell_the_same),
		TEST(lies_about_sizes),
		TEST(real_cores),
		TEST(real_cores_cut_at_every_page),
	};

	return cmocka_run_group_tests_name("core-notes", tests, NULL, NULL);
}
