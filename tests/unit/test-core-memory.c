/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/unwind: memory of made-up cores of every class and byte order, threads and modules of
 * them. */
#include "coredump/unwind/core-memory.h"

#include "coredump/unwind/core-threads.h"
#include "coredump/unwind/elf-header.h"
#include "coredump/unwind/scan.h"
#include "tests/unit/core-fixture.h"
#include <signal.h>

/* Two that adjoin, a gap, one of which only the beginning was dumped, one that was not dumped. */
static const CoreLoad loads[] = {
	{0x10000, 0x1000, 0x1000, PF_R},
	{0x11000, 0x800, 0x800, PF_R | PF_X},
	{0x20000, 0x2000, 0x1000, PF_R | PF_W},
	{0x30000, 0x1000, 0, PF_R | PF_X},
};

static CoreMemory open_core(const char *name, int *fd)
{
	CoreMemory memory;

	*fd = core_fixture_open(name);
	assert_int_equal(core_memory_open(*fd, &memory), 0);
	return memory;
}

static CoreSpec spec_with(const CoreLoad *of, size_t n)
{
	CoreSpec spec = core_spec;

	spec.loads = of;
	spec.n_loads = n;
	spec.machine = EM_X86_64;
	return spec;
}

static void expect(const CoreMemory *memory, uint64_t address, size_t length, ssize_t there)
{
	unsigned char data[16384];

	assert_int_equal(core_memory_read(memory, address, data, length), there);
	for (ssize_t i = 0; i < there; i++)
		assert_int_equal(data[i], core_byte(address + (uint64_t)i));
}

static void every_class_and_byte_order(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		CoreSpec spec = spec_with(loads, ELEMENTSOF(loads));
		uint64_t word;
		int fd;
		spec.is_64 = i & 1;
		spec.big_endian = i & 2;
		core_write_spec("core", &spec);
		CoreMemory memory = open_core("core", &fd);
		assert_int_equal(memory.n_loads, 4);
		expect(&memory, 0x10000, 0x1000, 0x1000);
		expect(&memory, 0x10ff8, 16, 16);	  /* from one to the next */
		expect(&memory, 0x10000, 0x4000, 0x1800); /* up to the gap */
		expect(&memory, 0x11fff, 1, 0);
		expect(&memory, 0x20f00, 0x200, 0x100); /* up to what was not dumped */
		expect(&memory, 0x21000, 8, 0);
		expect(&memory, 0x30000, 8, 0);
		expect(&memory, 0, 8, 0);
		expect(&memory, UINT64_MAX, 8, 0);
		assert_true(core_memory_word(&memory, 0x10ffe, &word));
		uint64_t wanted = 0;
		for (size_t j = 0, size = spec.is_64 ? 8 : 4; j < size; j++)
			wanted = wanted << 8 |
				 core_byte(0x10ffe + (spec.big_endian ? j : size - 1 - j));
		assert_int_equal(word, wanted);
		assert_false(core_memory_word(&memory, 0x117fe, &word));
		assert_ptr_equal(core_memory_find(&memory, 0x30fff), &memory.loads[3]);
		assert_int_equal(core_memory_find(&memory, 0x11000)->flags, PF_R | PF_X);
		assert_null(core_memory_find(&memory, 0x11800));
		assert_null(core_memory_find(&memory, 0xffff));
		core_memory_done(&memory);
		(void)close(fd);
	}
}

/* In any order, overlapping, reaching over the last address: each byte is of one mapping. */
static void mappings_of_a_forger(void **state)
{
	static const CoreLoad forged[] = {
		{UINT64_MAX - 0xfff, 0x10000, 0x800, PF_R},
		{0x20000, 0x1000, 0x1000, PF_R},
		{0x10000, UINT64_MAX, 0x2000, PF_R},
		{0x20800, 0x1000, 0x1000, PF_R},
		{0x40000, 0, 0x100, PF_R},
	};
	CoreSpec spec = spec_with(forged, ELEMENTSOF(forged));
	int fd;

	(void)state;
	core_write_spec("core", &spec);
	CoreMemory memory = open_core("core", &fd);
	assert_int_equal(memory.n_loads, 4);
	expect(&memory, 0x10000, 0x3000, 0x2000);
	expect(&memory, 0x20000, 0x1800, 0x1800);
	expect(&memory, UINT64_MAX - 0xfff, 0x1000, 0x800);
	assert_null(core_memory_find(&memory, 0x40000));
	core_memory_done(&memory);
	(void)close(fd);
}

static void a_core_that_ends_early(void **state)
{
	CoreSpec spec = spec_with(loads, ELEMENTSOF(loads));
	static CoreBytes core;

	(void)state;
	core_make(&core, &spec);
	for (size_t length = 0; length <= core.length; length += 61) {
		CoreMemory memory;
		unsigned char data[0x1800];
		core_write("core", &core);
		assert_int_equal(truncate(fixture_at("core"), (off_t)length), 0);
		_cleanup_(closep) int fd = core_fixture_open("core");
		int r = core_memory_open(fd, &memory);
		assert_true(r == 0 || r == -EBADMSG);
		if (r == 0) {
			ssize_t n = core_memory_read(&memory, 0x10000, data, sizeof data);
			assert_in_range(n, 0, (ssize_t)sizeof data);
			for (ssize_t i = 0; i < n; i++)
				assert_int_equal(data[i], core_byte(0x10000 + (uint64_t)i));
		}
		core_memory_done(&memory);
	}
}

static void no_plain_core(void **state)
{
	CoreMemory memory;

	(void)state;
	fixture_file("text", "not a core");
	_cleanup_(closep) int fd = core_fixture_open("text");
	assert_int_equal(core_memory_open(fd, &memory), -EBADMSG);
	core_memory_done(&memory);
	CoreSpec spec = core_spec;
	core_write_spec("core", &spec);
	core_run("zstd -q core");
	_cleanup_(closep) int compressed = core_fixture_open("core.zst");
	assert_int_equal(core_memory_open(compressed, &memory), -EBADMSG);
	core_memory_done(&memory);
}

static void threads_in_the_order_of_the_notes(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		CoreSpec spec = core_spec;
		CoreThreads threads;
		char name[16];
		int fd;
		spec.is_64 = i;
		spec.machine = i ? EM_X86_64 : EM_386;
		memcpy(spec.threads, (uint32_t[]){12, 10, 11}, 3 * sizeof *spec.threads);
		memcpy(spec.sp, (uint64_t[]){0x7000, 0x8000, 0x9000}, 3 * sizeof *spec.sp);
		core_write_spec("core", &spec);
		CoreMemory memory = open_core("core", &fd);
		assert_int_equal(core_threads_read(&memory.elf, &threads), 0);
		assert_int_equal(threads.n, 3);
		for (size_t j = 0; j < 3; j++) {
			assert_int_equal(threads.thread[j].tid, spec.threads[j]);
			assert_int_equal(threads.thread[j].sp, spec.sp[j]);
			assert_int_equal(threads.thread[j].signal, SIGSEGV);
			assert_int_equal(threads.thread[j].regs_bytes, i ? 27 * 8 : 17 * 4);
		}
		assert_string_equal(core_machine_name(&memory.elf, name), i ? "x86_64" : "i386");
		core_threads_done(&threads);
		core_memory_done(&memory);
		(void)close(fd);
	}
}

static void a_machine_that_nobody_knows(void **state)
{
	_cleanup_(trace_donep) Trace trace = {};
	CoreSpec spec = core_spec;
	int fd;

	(void)state;
	spec.machine = 0x1234;
	spec.sp[0] = 0x7000;
	core_write_spec("core", &spec);
	CoreMemory memory = open_core("core", &fd);
	assert_int_equal(scan_core(&memory, 0, &trace), 0);
	assert_string_equal(trace.machine, "em-4660");
	assert_int_equal(trace.n_threads, 1);
	assert_int_equal(trace.threads[0].tid, 4242);
	core_memory_done(&memory);
	(void)close(fd);
}

/* Who crashed comes first, by the notes or by who knows better; the name is of the notes' first. */
static void the_crashed_thread_first(void **state)
{
	static const struct {
		pid_t asked;
		pid_t order[3];
		bool named;
	} rows[] = {{0, {12, 10, 11}, true}, {12, {12, 10, 11}, true}, {10, {10, 12, 11}, false},
		{11, {11, 12, 10}, false}, {99, {12, 10, 11}, true}};
	CoreSpec spec = core_spec;

	(void)state;
	memcpy(spec.threads, (uint32_t[]){12, 10, 11}, 3 * sizeof *spec.threads);
	core_write_spec("core", &spec);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(trace_donep) Trace trace = {};
		int fd;
		CoreMemory memory = open_core("core", &fd);
		assert_int_equal(scan_core(&memory, rows[i].asked, &trace), 0);
		assert_int_equal(trace.n_threads, 3);
		for (size_t j = 0; j < 3; j++) {
			assert_int_equal(trace.threads[j].tid, rows[i].order[j]);
			assert_int_equal(trace.threads[j].crashed, j == 0);
		}
		assert_int_equal(trace.threads[0].name != NULL, rows[i].named);
		if (rows[i].named)
			assert_string_equal(trace.threads[0].name, "soffice.bin");
		assert_int_equal(trace.signal, SIGSEGV);
		core_memory_done(&memory);
		(void)close(fd);
	}
}

/* Where something could be executed, there is a module; of another file nothing is. */
static void modules_by_their_mappings(void **state)
{
	static const CoreLoad code[] = {
		{0x10000, 0x1000, 0, PF_R}, {0x20000, 0x1000, 0x1000, PF_R | PF_X}};
	_cleanup_(trace_donep) Trace trace = {};
	CoreSpec spec = spec_with(code, ELEMENTSOF(code));
	int fd;

	(void)state;
	core_write_spec("core", &spec);
	CoreMemory memory = open_core("core", &fd);
	assert_int_equal(scan_core(&memory, 0, &trace), 0);
	assert_int_equal(trace.n_modules, 1);
	assert_string_equal(trace.modules[0].path, "/usr/lib/libreoffice/soffice.bin");
	assert_int_equal(trace.modules[0].start, 0x20000);
	assert_int_equal(trace.modules[0].end, 0x21000);
	assert_int_equal(trace.modules[0].bias, 0x20000);
	assert_string_equal(trace.modules[0].build_id, "");
	assert_true(trace.modules[0].is_executable_file);
	core_memory_done(&memory);
	(void)close(fd);
}

static void build_ids(void **state)
{
	static const CoreElf core = {.is_64 = true};
	unsigned char notes[64] = {};
	size_t length = 0;

	(void)state;
	/* a note of somebody else first */
	memcpy(notes, "\4\0\0\0\3\0\0\0\1\0\0\0XYZ\0abc\0", 20);
	memcpy(notes + 20, "\4\0\0\0\10\0\0\0\3\0\0\0GNU\0\1\2\3\4\5\6\7\10", 24);
	assert_ptr_equal(elf_build_id(&core, notes, 44, &length), notes + 36);
	assert_int_equal(length, 8);
	for (size_t n = 0; n < 44; n++)
		assert_null(elf_build_id(&core, notes, n, &length));
	notes[24] = 0xff; /* longer than what is there */
	assert_null(elf_build_id(&core, notes, sizeof notes, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_and_byte_order),
		cmocka_unit_test(mappings_of_a_forger),
		cmocka_unit_test(a_core_that_ends_early),
		cmocka_unit_test(no_plain_core),
		cmocka_unit_test(threads_in_the_order_of_the_notes),
		cmocka_unit_test(a_machine_that_nobody_knows),
		cmocka_unit_test(the_crashed_thread_first),
		cmocka_unit_test(modules_by_their_mappings),
		cmocka_unit_test(build_ids),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
