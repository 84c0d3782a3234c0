/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/unwind: what is kept of compressed cores, made up and real. */
#include "coredump/unwind/core-image.h"

#include "coredump/unwind/core-memory.h"
#include "coredump/unwind/core-threads.h"
#include "coredump/unwind/scan.h"
#include "tests/unit/core-fixture.h"

/* Two stacks with a guard below each, and something that nobody asks for. */
static const CoreLoad loads[] = {
	{0x100000, 0x3000, 0x3000, PF_R | PF_W},
	{0x200000, 0x1000, 0, 0},
	{0x201000, 0x4000, 0x4000, PF_R | PF_W},
	{0x300000, 0x1000, 0, 0},
	{0x301000, 0x3000, 0x3000, PF_R | PF_W},
};

static CoreSpec stacks(uint64_t first, uint64_t second)
{
	CoreSpec spec = core_spec;

	spec.machine = EM_X86_64;
	spec.loads = loads;
	spec.n_loads = ELEMENTSOF(loads);
	memcpy(spec.threads, (uint32_t[]){2, 1}, 2 * sizeof *spec.threads);
	memcpy(spec.sp, (uint64_t[]){first, second}, 2 * sizeof *spec.sp);
	return spec;
}

static void write_wrapped(const char *name, const CoreBytes *core, size_t length)
{
	static unsigned char data[sizeof core->data * 2];
	_cleanup_(closep) int fd =
		open(fixture_at(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	length = MIN_OF(core_wrap(data, core->data, core->length), length);
	assert_int_equal(write_all(fd, data, length), 0);
}

static int make(const char *name, int image, CoreImage *ret)
{
	_cleanup_(closep) int fd = core_fixture_open(name);
	CoreElf elf;
	int r;

	r = core_elf_open(fd, &elf);
	if (r == 0)
		r = core_image_make(&elf, image, 0, ret);
	core_elf_done(&elf);
	return r;
}

static int new_image(void)
{
	int fd = open(fixture_at("image"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static CoreMemory image_of(const CoreSpec *spec, int image, CoreImage *ret)
{
	static CoreBytes core;
	CoreMemory memory;

	core_make(&core, spec);
	write_wrapped("core.lz4", &core, SIZE_MAX);
	assert_int_equal(make("core.lz4", image, ret), 0);
	assert_int_equal(ret->core_bytes, core.length);
	assert_false(ret->damaged);
	assert_int_equal(core_memory_open(image, &memory), 0);
	return memory;
}

static void expect(const CoreMemory *memory, uint64_t address, size_t length, ssize_t there)
{
	unsigned char data[16384];

	assert_int_equal(core_memory_read(memory, address, data, length), there);
	for (ssize_t i = 0; i < there; i++)
		assert_int_equal(data[i], core_byte(address + (uint64_t)i));
}

/* From the page below the stack pointer's to the end of the mapping; nothing else is even there. */
static void stacks_are_kept(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		_cleanup_(closep) int fd = new_image();
		CoreSpec spec = stacks(0x203010, 0x301ff0);
		CoreImage image;
		spec.is_64 = i & 1;
		spec.big_endian = i & 2;
		spec.machine = spec.is_64 ? EM_X86_64 : EM_386;
		CoreMemory memory = image_of(&spec, fd, &image);
		expect(&memory, 0x202000, 0x4000, 0x3000);
		expect(&memory, 0x201ff8, 8, 0);
		expect(&memory, 0x301000, 0x4000, 0x3000);
		expect(&memory, 0x100000, 8, 0);
		/* what was dropped is still known to have been mapped */
		assert_int_equal(core_memory_find(&memory, 0x100010)->flags, PF_R | PF_W);
		assert_non_null(core_memory_find(&memory, 0x201000));
		assert_non_null(core_memory_find(&memory, 0x200000));
		assert_null(core_memory_find(&memory, 0x205000));
		assert_false(image.notes_missing);
		assert_false(image.stacks_unknown);
		core_memory_done(&memory);
	}
}

static void the_same_is_said_of_it(void **state)
{
	_cleanup_(closep) int fd = new_image();
	_cleanup_(trace_donep) Trace trace = {};
	CoreSpec spec = stacks(0x203010, 0x302000);
	CoreImage image;

	(void)state;
	CoreMemory memory = image_of(&spec, fd, &image);
	assert_int_equal(scan_core(&memory, 0, &trace), 0);
	assert_int_equal(trace.n_threads, 2);
	assert_int_equal(trace.threads[0].tid, 2);
	assert_int_equal(trace.signal, 11);
	assert_string_equal(trace.machine, "x86_64");
	core_memory_done(&memory);
}

/* The stack pointer of an overflow lies in the guard, or beyond all mappings. */
static void a_stack_that_has_overflown(void **state)
{
	static const uint64_t below[] = {0x200ff8, 0x200000, 0x1ff000};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(below); i++) {
		_cleanup_(closep) int fd = new_image();
		CoreSpec spec = stacks(below[i], 0x301000);
		CoreImage image;
		CoreMemory memory = image_of(&spec, fd, &image);
		expect(&memory, 0x201000, 0x4000, 0x4000);
		expect(&memory, 0x301000, 0x3000, 0x3000);
		core_memory_done(&memory);
	}
}

/* Nowhere near a mapping; at its last byte; two threads on one stack. */
static void stack_pointers_of_a_forger(void **state)
{
	static const uint64_t rows[][2] = {{1, UINT64_MAX}, {0, 0}, {0x8000000, 0x204fff},
		{0x203000, 0x201008}, {0x201000, 0x201000}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(closep) int fd = new_image();
		CoreSpec spec = stacks(rows[i][0], rows[i][1]);
		CoreImage image;
		CoreMemory memory = image_of(&spec, fd, &image);
		bool second = rows[i][1] > 0x200000 && rows[i][1] < 0x300000;
		expect(&memory, 0x204ff8, 16, second ? 8 : 0);
		core_memory_done(&memory);
	}
}

static void a_machine_that_nobody_knows(void **state)
{
	_cleanup_(closep) int fd = new_image();
	CoreSpec spec = stacks(0x203010, 0x301ff0);
	CoreImage image;

	(void)state;
	spec.machine = 0x1234;
	CoreMemory memory = image_of(&spec, fd, &image);
	assert_true(image.stacks_unknown);
	expect(&memory, 0x204000, 8, 0);
	core_memory_done(&memory);
}

/* What came of a core is kept, whatever byte it ends at. */
static void cut_anywhere(void **state)
{
	static CoreBytes core;
	CoreSpec spec = stacks(0x201010, 0x301ff0);
	bool seen_part = false;

	(void)state;
	core_make(&core, &spec);
	for (size_t length = 0; length < core_wrap_size(core.length); length += 37) {
		_cleanup_(closep) int fd = new_image();
		CoreImage image;
		CoreMemory memory;
		unsigned char data[0x4000];
		write_wrapped("core.lz4", &core, length);
		int r = make("core.lz4", fd, &image);
		assert_true(r == 0 || r == -EBADMSG);
		if (r < 0)
			continue;
		assert_true(image.core_bytes <= core.length);
		assert_int_equal(core_memory_open(fd, &memory), 0);
		ssize_t n = core_memory_read(&memory, 0x201000, data, sizeof data);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(data[i], core_byte(0x201000 + (uint64_t)i));
		seen_part |= image.damaged;
		core_memory_done(&memory);
	}
	assert_true(seen_part);
}

/* More mappings than the ELF header can count. */
static void seventy_thousand_mappings(void **state)
{
	enum { N = 70000, HEAD = 64, SIZE = 56 };
	size_t length = HEAD + (N + 1) * SIZE + 64;
	_cleanup_(freep) unsigned char *data = calloc(1, length),
				       *wrapped = malloc(core_wrap_size(length));
	_cleanup_(closep) int fd = new_image();
	CoreElf elf = {.is_64 = true};
	CoreImage image;
	CoreMemory memory;

	(void)state;
	memcpy(data, ELFMAG "\2\1\1", 7);
	const uint64_t head[][3] = {{16, 2, ET_CORE}, {18, 2, EM_X86_64}, {32, 8, HEAD},
		{40, 8, length - 64}, {54, 2, SIZE}, {56, 2, PN_XNUM}};
	for (size_t i = 0; i < ELEMENTSOF(head); i++)
		core_elf_put_number(&elf, data + head[i][0], head[i][1], head[i][2]);
	for (uint64_t i = 0; i <= N; i++) {
		unsigned char *at = data + HEAD + i * SIZE;
		core_elf_put_number(&elf, at, 4, i ? PT_LOAD : PT_NOTE);
		core_elf_put_number(&elf, at + 16, 8, i * 0x10000);
		core_elf_put_number(&elf, at + 40, 8, i ? 0x1000 : 0);
	}
	core_elf_put_number(&elf, data + length - 64 + offsetof(Elf64_Shdr, sh_info), 4, N + 1);
	_cleanup_(closep) int core =
		open(fixture_at("many.lz4"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write_all(core, wrapped, core_wrap(wrapped, data, length)), 0);
	assert_int_equal(make("many.lz4", fd, &image), 0);
	assert_true(image.notes_missing);
	assert_int_equal(core_memory_open(fd, &memory), 0);
	assert_int_equal(memory.n_loads, N);
	assert_non_null(core_memory_find(&memory, (uint64_t)N * 0x10000));
	core_memory_done(&memory);
}

/* ---- a real one -------------------------------------------------------------------------------
 */

static void compare_stack(const CoreMemory *whole, const CoreMemory *kept, uint64_t sp)
{
	const CoreSegment *load = core_memory_find(whole, sp);

	assert_non_null(load);
	for (uint64_t address = sp & ~(uint64_t)7; address < load->address + load->file_bytes;
		address += 8) {
		uint64_t a, b;
		assert_true(core_memory_word(whole, address, &a));
		assert_true(core_memory_word(kept, address, &b));
		assert_int_equal(a, b);
	}
}

static void a_real_core(const char *how, const char *compress, uint64_t max_percent)
{
	char command[256];
	_cleanup_(trace_donep) Trace plain = {}, packed = {};
	CoreThreads threads;
	CoreImage image;
	CoreMemory kept;
	int fd;

	assert_int_equal(make_directories(fixture_at("cwd")), 0);
	(void)core_crash("cwd", how, RLIM_INFINITY);
	(void)snprintf(command, sizeof command, compress, "cwd/core");
	core_run(command);
	_cleanup_(closep) int image_fd = new_image();
	assert_int_equal(make("packed", image_fd, &image), 0);
	assert_false(image.damaged);
	CoreMemory whole;
	fd = core_fixture_open("cwd/core");
	assert_int_equal(core_memory_open(fd, &whole), 0);
	assert_int_equal(core_memory_open(image_fd, &kept), 0);
	assert_true(image.written_bytes * 100 < image.core_bytes * max_percent);
	assert_int_equal(core_threads_read(&whole.elf, &threads), 0);
	for (size_t i = 0; i < threads.n; i++)
		compare_stack(&whole, &kept, threads.thread[i].sp);
	assert_int_equal(scan_core(&whole, 0, &plain), 0);
	assert_int_equal(scan_core(&kept, 0, &packed), 0);
	assert_int_equal(plain.n_threads, packed.n_threads);
	assert_true(plain.n_modules >= 3 && plain.n_modules == packed.n_modules);
	for (size_t i = 0; i < plain.n_modules; i++) {
		assert_string_equal(plain.modules[i].path, packed.modules[i].path);
		assert_string_equal(plain.modules[i].build_id, packed.modules[i].build_id);
		assert_true(strlen(plain.modules[i].build_id) == 40);
		assert_int_equal(plain.modules[i].bias, packed.modules[i].bias);
	}
	core_threads_done(&threads);
	core_memory_done(&whole);
	core_memory_done(&kept);
	(void)close(fd);
	assert_int_equal(unlink(fixture_at("cwd/core")), 0);
}

static void real_cores(void **state)
{
	(void)state;
	assert_true(core_kernel_writes());
	core_build_crasher();
	a_real_core("thread", "zstd -qf %s -o packed", 5);
	a_real_core("thread", "lz4 -qf %s packed </dev/null", 5);
	a_real_core("segv", "xz -c %s >packed", 100);
	a_real_core("big", "zstd -qf %s -o packed", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_are_kept),
		cmocka_unit_test(the_same_is_said_of_it),
		cmocka_unit_test(a_stack_that_has_overflown),
		cmocka_unit_test(stack_pointers_of_a_forger),
		cmocka_unit_test(a_machine_that_nobody_knows),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(seventy_thousand_mappings),
		cmocka_unit_test(real_cores),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
