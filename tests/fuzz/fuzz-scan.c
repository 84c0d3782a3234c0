/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sandboxed program reads before any file of a package: notes, threads, modules and memory
 * of a core, and the image that is made of a compressed one. The input is a plain core; compressed,
 * it is the same core in stored blocks. What the two ways say must agree. */
#include "coredump/unwind/core-image.h"
#include "coredump/unwind/core-memory.h"
#include "coredump/unwind/core-threads.h"
#include "coredump/unwind/scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/core-bytes.h"
#include <sys/mman.h>

static int memory_file(const void *data, size_t size)
{
	int fd = memfd_create("core", MFD_CLOEXEC);

	fuzz_check(fd >= 0 && write_all(fd, data, size) == 0, "no memory file");
	return fd;
}

static void check_trace(const Trace *trace)
{
	_cleanup_(trace_donep) Trace again = {};
	_cleanup_(json_decrefp) json_t *json = trace_to_json(trace);

	fuzz_check(json && trace_from_json(json, &again) == 0, "its own JSON is refused");
	fuzz_check(again.n_threads == trace->n_threads && again.n_modules == trace->n_modules,
		"its JSON tells less");
	for (size_t i = 0; i < trace->n_modules; i++)
		fuzz_check(
			trace->modules[i].path && trace->modules[i].start < trace->modules[i].end,
			"a module that is none");
	for (size_t i = 1; i < trace->n_modules; i++)
		fuzz_check(trace->modules[i - 1].start <= trace->modules[i].start, "out of order");
	fuzz_check(trace->n_threads == 0 || trace->threads[0].crashed, "nobody crashed");
}

/* What the image holds is what the core holds. */
static void check_memory(const CoreMemory *core, const CoreMemory *image)
{
	unsigned char a[512], b[512];

	for (size_t i = 0; i < MIN_OF(image->n_loads, (size_t)64); i++) {
		uint64_t at = image->loads[i].address;
		ssize_t n = core_memory_read(image, at, b, sizeof b);
		fuzz_check(n >= 0 && n <= (ssize_t)sizeof b, "an impossible length");
		fuzz_check(
			core_memory_read(core, at, a, (size_t)n) == n, "more than the core holds");
		fuzz_check(memcmp(a, b, (size_t)n) == 0, "other memory than the core's");
	}
}

static bool is_cut(CoreMemory *core)
{
	uint64_t extent;

	return core_elf_extent(&core->elf, &extent) < 0 || extent > core->elf.file_size;
}

static void check_image(CoreMemory *core, const Trace *plain, int compressed)
{
	_cleanup_(trace_donep) Trace trace = {};
	_cleanup_(closep) int out = memory_file("", 0);
	CoreMemory memory = {};
	CoreImage image;
	CoreElf elf;
	int r;

	r = core_elf_open(compressed, &elf);
	if (r == 0)
		r = core_image_make(&elf, out, 0, &image);
	core_elf_done(&elf);
	fuzz_check(r == 0, "no image of a core that can be read");
	fuzz_check(core_memory_open(out, &memory) == 0, "an image that is no core");
	fuzz_check(scan_core(&memory, 0, &trace) == 0, "an image that cannot be read");
	if (!is_cut(core)) /* the note that a core ends in is dropped, and read as far as it goes */
		fuzz_check(trace.n_threads == plain->n_threads && trace.signal == plain->signal,
			"other threads than the core's");
	fuzz_check(is_cut(core) || image.notes_missing == (trace.n_threads == 0), "missing notes");
	check_memory(core, &memory);
	core_memory_done(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(closep) int plain = memory_file(data, size);
	_cleanup_(freep) unsigned char *wrapped = malloc(core_wrap_size(size));
	_cleanup_(trace_donep) Trace trace = {};
	CoreMemory memory;
	int r;

	fuzz_check(wrapped, "memory");
	r = core_memory_open(plain, &memory);
	fuzz_check(r == 0 || r == -EBADMSG, "an error that is none of the promised");
	if (r == 0) {
		_cleanup_(closep) int compressed =
			memory_file(wrapped, core_wrap(wrapped, data, size));
		fuzz_check(scan_core(&memory, 0, &trace) == 0, "an error of the scan");
		check_trace(&trace);
		check_image(&memory, &trace, compressed);
	}
	core_memory_done(&memory);
	return 0;
}

#ifndef VIGIL_LIBFUZZER
/* The header of a library with a build id, where NT_FILE says that the program is mapped. */
static void put_program(CoreBytes *core, size_t at)
{
	static const unsigned char note[] = "\4\0\0\0\10\0\0\0\3\0\0\0GNU\0build-id";
	CoreSpec spec = *core->spec;
	static CoreBytes program;
	static const CoreLoad text = {0, 0x1000, 0x1000, PF_R | PF_X}, notes = {160, 24, 24, PF_R};
	size_t head = spec.is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t word = spec.is_64 ? 8 : 4;

	memset(&program, 0, sizeof program);
	program.spec = &spec;
	memcpy(program.data, core->data, head);
	core_put(&program, 16, ET_DYN, 2);
	core_put(&program, 24 + word, head, word);
	core_put(&program, 24 + 3 * word + 8, 2, 2);
	core_put_segment(&program, 0, PT_LOAD, 0, &text);
	core_put_segment(&program, 1, PT_NOTE, spec.is_64 ? 192 : 160, &notes);
	memcpy(program.data + (spec.is_64 ? 192 : 160), note, 24);
	memcpy(core->data + at, program.data, 256);
}

/* A core of two threads with some bytes changed, where the structure is, or cut. */
static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	static CoreBytes core;
	static const uint8_t values[] = {0, 1, 4, 5, 0x10, 0x7f, 0x80, 0xff};
	static const CoreLoad loads[] = {{0x20000, 0x1000, 0x100, PF_R | PF_X},
		{0x21000, 0x1000, 0, PF_R}, {0x30000, 0x400, 0x400, PF_R | PF_W}};
	CoreSpec spec = core_spec;

	spec.is_64 = fuzz_random(state) & 1;
	spec.big_endian = fuzz_random(state) & 1;
	spec.machine = spec.is_64 ? EM_X86_64 : EM_386;
	spec.threads[1] = (uint32_t)fuzz_random(state);
	spec.sp[0] = 0x30000 + fuzz_random(state) % 0x500;
	spec.sp[1] = fuzz_random(state) & 1 ? 0x30100 : fuzz_random(state);
	spec.loads = loads;
	spec.n_loads = ELEMENTSOF(loads);
	core_make(&core, &spec);
	put_program(&core, core.length - 0x500);
	for (uint64_t n = fuzz_random(state) % 12; n > 0; n--) {
		size_t at = fuzz_random(state) % (fuzz_random(state) & 1 ? 300 : core.length);
		core.data[at] = fuzz_random(state) & 1 ? values[fuzz_random(state) % sizeof values]
						       : (uint8_t)fuzz_random(state);
	}
	size_t length =
		fuzz_random(state) % 4 == 0 ? fuzz_random(state) % core.length : core.length;
	memcpy(data, core.data, MIN_OF(length, size));
	return MIN_OF(length, size);
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, 16384);
}
#endif
