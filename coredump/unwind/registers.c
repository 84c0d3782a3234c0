/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One table a machine: a word of pr_reg, its name, its DWARF number. */
#include "coredump/unwind/registers.h"

#include <elf.h>
#include <string.h>

typedef struct RegisterRow {
	const char *name;
	int word;  /* of pr_reg */
	int dwarf; /* -1: DWARF has no number for it */
} RegisterRow;

typedef struct RegisterTable {
	uint16_t machine;
	bool is_64;
	const RegisterRow *row;
	size_t n_rows;
	unsigned n_dwarf; /* numbers 0 to n_dwarf - 1 are all told */
	int pc, sp;	  /* words of pr_reg */
	unsigned sp_number;
	int pc_number;	 /* as DWARF numbers the return address; -1: it is the link register */
	int link_number; /* where a call leaves the return address; -1: on the stack */
} RegisterTable;

/* clang-format off */
static const RegisterRow x86_64[] = {
	{"rax", 10, 0}, {"rbx", 5, 3}, {"rcx", 11, 2}, {"rdx", 12, 1}, {"rsi", 13, 4}, {"rdi", 14, 5},
	{"rbp", 4, 6}, {"rsp", 19, 7}, {"r8", 9, 8}, {"r9", 8, 9}, {"r10", 7, 10}, {"r11", 6, 11},
	{"r12", 3, 12}, {"r13", 2, 13}, {"r14", 1, 14}, {"r15", 0, 15}, {"rip", 16, 16},
	{"eflags", 18, -1}, {"cs", 17, -1}, {"ss", 20, -1}, {"ds", 23, -1}, {"es", 24, -1},
	{"fs", 25, -1}, {"gs", 26, -1}, {"fs_base", 21, -1}, {"gs_base", 22, -1},
};
static const RegisterRow i386[] = {
	{"eax", 6, 0}, {"ecx", 1, 1}, {"edx", 2, 2}, {"ebx", 0, 3}, {"esp", 15, 4}, {"ebp", 5, 5},
	{"esi", 3, 6}, {"edi", 4, 7}, {"eip", 12, 8}, {"eflags", 14, -1}, {"cs", 13, -1},
	{"ss", 16, -1}, {"ds", 7, -1}, {"es", 8, -1}, {"fs", 9, -1}, {"gs", 10, -1},
};
static const RegisterRow aarch64[] = {
	{"x0", 0, 0}, {"x1", 1, 1}, {"x2", 2, 2}, {"x3", 3, 3}, {"x4", 4, 4}, {"x5", 5, 5},
	{"x6", 6, 6}, {"x7", 7, 7}, {"x8", 8, 8}, {"x9", 9, 9}, {"x10", 10, 10}, {"x11", 11, 11},
	{"x12", 12, 12}, {"x13", 13, 13}, {"x14", 14, 14}, {"x15", 15, 15}, {"x16", 16, 16},
	{"x17", 17, 17}, {"x18", 18, 18}, {"x19", 19, 19}, {"x20", 20, 20}, {"x21", 21, 21},
	{"x22", 22, 22}, {"x23", 23, 23}, {"x24", 24, 24}, {"x25", 25, 25}, {"x26", 26, 26},
	{"x27", 27, 27}, {"x28", 28, 28}, {"x29", 29, 29}, {"x30", 30, 30}, {"sp", 31, 31},
	{"pc", 32, -1}, {"pstate", 33, -1},
};
static const RegisterTable tables[] = {
	{EM_X86_64, true, x86_64, ELEMENTSOF(x86_64), 17, 16, 19, 7, 16, -1},
	{EM_386, false, i386, ELEMENTSOF(i386), 9, 12, 15, 4, 8, -1},
	{EM_AARCH64, true, aarch64, ELEMENTSOF(aarch64), 32, 32, 31, 31, -1, 30},
};
/* clang-format on */

static const RegisterTable *find_table(const CoreElf *elf)
{
	for (size_t i = 0; i < ELEMENTSOF(tables); i++)
		if (tables[i].machine == elf->machine && tables[i].is_64 == elf->is_64)
			return &tables[i];
	return NULL;
}

bool registers_known(const CoreElf *elf)
{
	return find_table(elf) != NULL;
}

int registers_read(CoreElf *elf, const CoreThread *thread, Registers *ret)
{
	const RegisterTable *table = find_table(elf);
	unsigned char data[TRACE_REGISTERS_MAX * 8];
	size_t word = core_elf_word(elf);

	if (!table)
		return -EOPNOTSUPP;
	ssize_t n =
		core_elf_read(elf, thread->regs_at, data, MIN_OF(thread->regs_bytes, sizeof data));
	if (n < 0)
		return (int)n;
	*ret = (Registers){.n_dwarf = table->n_dwarf, .sp_number = table->sp_number};
	for (size_t i = 0; i < table->n_rows; i++) {
		const RegisterRow *row = &table->row[i];
		if (((size_t)row->word + 1) * word > (size_t)n)
			return -ENODATA;
		uint64_t value = core_elf_number(elf, data + (size_t)row->word * word, word);
		TraceRegister *named = &ret->named[ret->n_named++];
		named->value = value;
		(void)snprintf(named->name, sizeof named->name, "%s", row->name);
		if (row->dwarf >= 0)
			ret->dwarf[row->dwarf] = value;
		if (row->word == table->pc)
			ret->pc = value;
		if (row->word == table->sp)
			ret->sp = value;
	}
	return 0;
}

bool registers_return_at(const Registers *registers, const CoreElf *elf, uint64_t *ret)
{
	const RegisterTable *table = find_table(elf);

	*ret = table->link_number >= 0 ? registers->dwarf[table->link_number] : registers->sp;
	return table->link_number < 0;
}

void registers_return(Registers *registers, const CoreElf *elf, uint64_t return_address)
{
	const RegisterTable *table = find_table(elf);

	registers->pc = return_address;
	if (table->pc_number >= 0)
		registers->dwarf[table->pc_number] = return_address;
	if (table->link_number >= 0)
		return;
	registers->sp += core_elf_word(elf);
	registers->dwarf[table->sp_number] = registers->sp;
}
