/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads NT_PRSTATUS of any machine: the layout before pr_reg depends on the class alone. */
#include "coredump/unwind/core-threads.h"

#include <elf.h>
#include <stdio.h>

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif
#define STATUS_MAX ((size_t)1024)

/* clang-format off */
static const CoreMachine machines[] = {
	{EM_X86_64,    true,  "x86_64",      16, 19, 21},
	{EM_X86_64,    false, "x32",         -1, -1, -1},
	{EM_386,       false, "i386",        12, 15, -1},
	{EM_AARCH64,   true,  "aarch64",     32, 31, -1},
	{EM_ARM,       false, "arm",         15, 13, -1},
	{EM_PPC64,     true,  "ppc64",       32,  1, 13},
	{EM_PPC,       false, "ppc",         32,  1,  2},
	{EM_S390,      true,  "s390x",        1, 17, -1},
	{EM_RISCV,     true,  "riscv64",      0,  2,  4},
	{EM_RISCV,     false, "riscv32",      0,  2,  4},
	{EM_MIPS,      true,  "mips64",      34, 29, -1},
	{EM_MIPS,      false, "mips",        40, 35, -1},
	{EM_LOONGARCH, true,  "loongarch64", 33,  3,  2},
};
/* clang-format on */

const CoreMachine *core_machine(const CoreElf *elf)
{
	for (size_t i = 0; i < ELEMENTSOF(machines); i++)
		if (machines[i].machine == elf->machine && machines[i].is_64 == elf->is_64)
			return &machines[i];
	return NULL;
}

const char *core_machine_name(const CoreElf *elf, char buf[static 16])
{
	const CoreMachine *machine = core_machine(elf);

	if (machine)
		(void)snprintf(buf, 16, "%s", machine->name);
	else
		(void)snprintf(buf, 16, "em-%u", (unsigned)elf->machine);
	return buf;
}

static uint64_t register_word(
	const CoreElf *elf, const unsigned char *regs, size_t length, int index)
{
	size_t word = core_elf_word(elf);

	if (index < 0 || ((size_t)index + 1) * word > length)
		return 0;
	return core_elf_number(elf, regs + (size_t)index * word, word);
}

/* struct elf_prstatus: siginfo of three ints, the signal as a short, two words of signal sets, four
 * pids, four times of two words each, then the registers and, an int (padded), pr_fpvalid. */
static bool parse_status(CoreElf *elf, const CoreNote *note, const unsigned char *data,
	size_t length, CoreThread *ret)
{
	size_t word = core_elf_word(elf), pids = 16 + 2 * word, regs = pids + 16 + 8 * word;

	if (length < pids + 4)
		return false;
	*ret = (CoreThread){
		.tid = MAX_OF((pid_t)core_elf_number(elf, data + pids, 4), 0),
		.signal = (int)core_elf_number(elf, data + 12, 2) & 0xff,
		.regs_at = note->at + regs,
		.regs_bytes = length > regs + word ? length - regs - word : 0,
	};
	ret->tid = MAX_OF(ret->tid, 0);
	const CoreMachine *machine = core_machine(elf);
	if (!machine)
		return true;
	ret->pc = register_word(elf, data + regs, ret->regs_bytes, machine->pc);
	ret->sp = register_word(elf, data + regs, ret->regs_bytes, machine->sp);
	ret->thread_pointer =
		register_word(elf, data + regs, ret->regs_bytes, machine->thread_pointer);
	return true;
}

static int add_thread(CoreThreads *threads, const CoreThread *thread)
{
	if (threads->n == CORE_THREADS_MAX) {
		threads->n_left++;
		return 0;
	}
	if ((threads->n & (threads->n - 1)) == 0) { /* full: doubles at powers of two */
		size_t room = threads->n ? threads->n * 2 : 1;
		CoreThread *grown = realloc(threads->thread, room * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		threads->thread = grown;
	}
	threads->thread[threads->n++] = *thread;
	return 0;
}

int core_threads_read(CoreElf *elf, CoreThreads *ret)
{
	_cleanup_(core_threads_donep) CoreThreads threads = {};
	unsigned char data[STATUS_MAX];
	CoreNotes notes = {.elf = elf};
	CoreThread thread;
	CoreNote note;
	int r;

	while ((r = core_notes_next(&notes, &note)) > 0) {
		if (!note.core || note.type != NT_PRSTATUS)
			continue;
		ssize_t n = core_note_read(elf, &note, sizeof data, data);
		if (n >= 0 && parse_status(elf, &note, data, (size_t)n, &thread))
			n = add_thread(&threads, &thread);
		if (n < 0)
			return (int)n;
	}
	if (r < 0)
		return r;
	*ret = threads;
	threads = (CoreThreads){};
	return 0;
}

void core_threads_done(CoreThreads *threads)
{
	free(threads->thread);
	*threads = (CoreThreads){};
}
