/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unwinder on damaged cores: of this process itself, at some depth, with the files that it
 * runs. Registers, stack, notes and headers are changed as the input says, in steps of eight bytes;
 * so an input means the same wherever things lie this time. With a fuzzer: clang -fsanitize=fuzzer
 * -DVIGIL_LIBFUZZER. */
#include "coredump/unwind/scan.h"
#include "coredump/unwind/walk.h"
#include "tests/fuzz/fuzz.h"
#include <elf.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <ucontext.h>

#define PAGE	    ((size_t)4096)
#define STACK_BYTES (4 * PAGE)
#define CORE_MAX    (64 * PAGE)
#define MAPS_MAX    40
#define NOTES_AT    PAGE /* headers before it, the stack's bytes on the page after the notes */
#define NOTES_BYTES (3 * PAGE)
#define STACK_AT    (NOTES_AT + NOTES_BYTES)
#define STEP	    8

typedef struct Map {
	uint64_t start, end, offset;
	char flags[5], path[256];
} Map;

static uint8_t core[CORE_MAX], changed[CORE_MAX];
static size_t core_length, notes_length;
static uint64_t stack_start;
static Map maps[MAPS_MAX];
static size_t n_maps;

static void read_maps(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/maps", "re");
	char line[512];

	fuzz_check(file, "/proc/self/maps");
	while (n_maps < MAPS_MAX && fgets(line, sizeof line, file)) {
		Map *map = &maps[n_maps];
		unsigned long start, end, offset;
		if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %255[^\n]", &start, &end, map->flags,
			    &offset, map->path) != 5 ||
			map->path[0] != '/')
			continue;
		map->start = start;
		map->end = end;
		map->offset = offset;
		n_maps++;
	}
}

static void read_own_memory(uint64_t address, uint8_t *into, size_t length)
{
	_cleanup_(closep) int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	fuzz_check(fd >= 0 && pread(fd, into, length, (off_t)address) > 0, "own memory");
}

static void add_note(uint32_t type, const void *data, size_t length)
{
	const Elf64_Nhdr header = {5, (uint32_t)length, type};
	uint8_t *at = core + NOTES_AT + notes_length;

	fuzz_check(notes_length + sizeof header + 8 + length + 4 <= NOTES_BYTES, "room for notes");
	memcpy(at, &header, sizeof header);
	memcpy(at + sizeof header, "CORE", 5);
	memcpy(at + sizeof header + 8, data, length);
	notes_length += sizeof header + 8 + (length + 3) / 4 * 4;
}

static void add_files(void)
{
	static uint8_t data[NOTES_BYTES];
	uint64_t *word = (uint64_t *)data;
	size_t n = 2 + 3 * n_maps;
	char *name = (char *)(word + n);

	word[0] = n_maps;
	word[1] = 1;
	for (size_t i = 0; i < n_maps; i++) {
		word[2 + 3 * i] = maps[i].start;
		word[3 + 3 * i] = maps[i].end;
		word[4 + 3 * i] = maps[i].offset;
		name = stpcpy(name, maps[i].path) + 1;
		fuzz_check(name < (char *)data + sizeof data - sizeof maps[0].path, "names");
	}
	add_note(NT_FILE, data, (size_t)(name - (char *)data));
}

static void fill_registers(const ucontext_t *context, struct elf_prstatus *ret)
{
	uint64_t *to = (uint64_t *)&ret->pr_reg;

#if defined(__x86_64__)
	/* where user_regs_struct has r15, r14 … rip, eflags, rsp */
	static const int order[] = {REG_R15, REG_R14, REG_R13, REG_R12, REG_RBP, REG_RBX, REG_R11,
		REG_R10, REG_R9, REG_R8, REG_RAX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, -1, REG_RIP,
		-1, REG_EFL, REG_RSP};
	for (size_t i = 0; i < ELEMENTSOF(order); i++)
		if (order[i] >= 0)
			to[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
	stack_start = to[19] / PAGE * PAGE;
#elif defined(__aarch64__)
	memcpy(to, context->uc_mcontext.regs, 31 * sizeof *to);
	to[31] = context->uc_mcontext.sp;
	to[32] = context->uc_mcontext.pc;
	stack_start = to[31] / PAGE * PAGE;
#else
	(void)context;
	stack_start = (uint64_t)(uintptr_t)to / PAGE * PAGE;
#endif
}

static void add_segment(size_t i, const Elf64_Phdr *segment)
{
	memcpy(core + sizeof(Elf64_Ehdr) + i * sizeof *segment, segment, sizeof *segment);
}

static void add_header(void)
{
	const Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
#if defined(__aarch64__)
		.e_machine = EM_AARCH64,
#else
		.e_machine = EM_X86_64,
#endif
		.e_version = EV_CURRENT,
		.e_phoff = sizeof header,
		.e_ehsize = sizeof header,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)(2 + n_maps)
	};

	memcpy(core, &header, sizeof header);
}

/* A function of its own with callers above: there is a stack to walk. */
__attribute__((noinline)) static int make_core(int depth)
{
	struct elf_prstatus status = {.pr_cursig = 11, .pr_pid = 100};
	ucontext_t context;

	if (depth > 0)
		return make_core(depth - 1) + 1;
	fuzz_check(getcontext(&context) == 0, "registers");
	fill_registers(&context, &status);
	read_maps();
	add_note(NT_PRSTATUS, &status, sizeof status);
	status.pr_pid = 101;
	add_note(NT_PRSTATUS, &status, sizeof status);
	add_files();
	add_segment(0,
		&(Elf64_Phdr){.p_type = PT_NOTE, .p_offset = NOTES_AT, .p_filesz = notes_length});
	core_length = STACK_AT;
	read_own_memory(stack_start, core + core_length, STACK_BYTES);
	add_segment(1, &(Elf64_Phdr){.p_type = PT_LOAD,
			       .p_flags = PF_R | PF_W,
			       .p_offset = core_length,
			       .p_vaddr = stack_start,
			       .p_filesz = STACK_BYTES,
			       .p_memsz = STACK_BYTES});
	core_length += STACK_BYTES;
	for (size_t i = 0; i < n_maps; i++) {
		bool headers = maps[i].offset == 0 && core_length + PAGE <= sizeof core;
		if (headers)
			read_own_memory(maps[i].start, core + core_length, PAGE);
		add_segment(2 + i, &(Elf64_Phdr){.p_type = PT_LOAD,
					   .p_flags = PF_R | (maps[i].flags[2] == 'x' ? PF_X : 0),
					   .p_offset = core_length,
					   .p_vaddr = maps[i].start,
					   .p_filesz = headers ? PAGE : 0,
					   .p_memsz = maps[i].end - maps[i].start});
		core_length += headers ? PAGE : 0;
	}
	add_header();
	return 0;
}

/* Where (two bytes and in which part), how, with what. */
static void change(const uint8_t *step)
{
	static const size_t starts[] = {0, NOTES_AT, NOTES_AT, STACK_AT, STACK_AT, STACK_AT};
	static const size_t lengths[] = {
		64 + 56 * 6, 112 + 27 * 8, NOTES_BYTES, STACK_BYTES, STACK_BYTES, STACK_BYTES};
	size_t part = step[0] % ELEMENTSOF(starts);
	size_t at = starts[part] + ((size_t)step[1] << 8 | step[2]) % lengths[part];
	uint64_t value = (uint64_t)step[4] << 8 | step[5];

	if (step[3] % 4 == 0) { /* a byte */
		changed[at] = step[4];
		return;
	}
	at = at / 8 * 8;
	if (step[3] % 4 == 1) /* something into the stack */
		value = stack_start + value % (2 * STACK_BYTES);
	else if (step[3] % 4 == 2) /* something into code, or near */
		value += maps[step[6] % n_maps].start;
	else
		value = step[6] & 1 ? value : ~value;
	memcpy(changed + at, &value, sizeof value);
}

static void fill_plan(const Trace *trace, Plan *plan)
{
	plan->module = calloc(TRACE_MODULES_MAX, sizeof *plan->module);
	fuzz_check(plan->module, "memory");
	plan->n_modules = TRACE_MODULES_MAX;
	for (size_t i = 0; i < trace->n_modules; i++)
		for (size_t j = 0; j < n_maps; j++)
			if (!plan->module[i].file && streq(trace->modules[i].path, maps[j].path))
				plan->module[i].file = strdup(maps[j].path);
}

static void check_trace(const Trace *trace, bool late)
{
	_cleanup_(json_decrefp) json_t *root = trace_to_json(trace);
	_cleanup_(trace_donep) Trace again = {};

	fuzz_check(root && trace_from_json(root, &again) == 0, "a trace that its reader refuses");
	for (size_t i = 0; i < trace->n_threads; i++) {
		const TraceThread *thread = &trace->threads[i];
		fuzz_check(thread->n_frames <= TRACE_FRAMES_MAX, "too many frames");
		fuzz_check(thread->complete == !thread->error, "neither complete nor why");
		fuzz_check(thread->cycle_at + thread->cycle_length <= thread->n_frames, "a cycle");
		fuzz_check(thread->left_at <= thread->n_frames, "what was left out");
		for (size_t j = 0; late && j < thread->n_frames; j++)
			fuzz_check(
				!thread->frames[j].function && trace->partial, "names after time");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(closep) int fd = memfd_create("core", MFD_CLOEXEC);
	_cleanup_(trace_donep) Trace trace = {};
	_cleanup_(plan_donep) Plan plan = {};
	const WalkLimits limits = {
		.cpu_usec = size % 64 ? 10 * USEC_PER_SEC : 0, .json_bytes = 1024 * 1024};
	CoreMemory memory;
	int r;

	if (core_length == 0)
		(void)make_core(6);
	memcpy(changed, core, core_length);
	for (size_t at = 0; at + STEP <= size; at += STEP)
		change(data + at);
	fuzz_check(fd >= 0 && write_all(fd, changed, core_length) == 0, "no memory file");
	r = core_memory_open(fd, &memory);
	if (r >= 0)
		r = scan_core(&memory, 0, &trace);
	if (r >= 0) {
		fill_plan(&trace, &plan);
		r = walk(&memory, &plan, &limits, &trace);
	}
	fuzz_check(r >= 0 || r == -EBADMSG || r == -EIO, "an error that is none of the promised");
	core_memory_done(&memory);
	if (r >= 0)
		check_trace(&trace, !limits.cpu_usec);
	return 0;
}

#ifndef VIGIL_LIBFUZZER
static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	size_t length = fuzz_random(state) % 12 * STEP;

	length = MIN_OF(length, size);
	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)fuzz_random(state);
	return length;
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, 256);
}
#endif
