/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The registers of a thread as DWARF numbers them, from the words that its NT_PRSTATUS holds
 * (pr_reg, the machine's user_regs_struct). Sources of the numbers: the psABI of x86-64 and of
 * i386, "DWARF for the Arm 64-bit Architecture". */
#include "coredump/trace.h"
#include "coredump/unwind/core-threads.h"

#define REGISTERS_DWARF_MAX 33

typedef struct Registers {
	uint64_t dwarf[REGISTERS_DWARF_MAX]; /* from number 0 on */
	unsigned n_dwarf;
	unsigned sp_number; /* of the stack pointer among them */
	uint64_t pc, sp;
	TraceRegister named[TRACE_REGISTERS_MAX]; /* in the order of a debugger */
	size_t n_named;
} Registers;

/* Whether registers_read() knows it. */
bool registers_known(const CoreElf *elf);
/* 0; -EOPNOTSUPP: the machine is not known; -ENODATA: the core does not hold all; -errno. */
int registers_read(CoreElf *elf, const CoreThread *thread, Registers *ret);
/* Makes them those of the caller of a function that was called and never ran: takes the return
 * address, which the caller has read where registers_return_at() said or which stands in a register
 * (link register). */
void registers_return(Registers *registers, const CoreElf *elf, uint64_t return_address);
/* Where the return address of a call that just happened is: true and its address in memory, or
 * false and itself. */
bool registers_return_at(const Registers *registers, const CoreElf *elf, uint64_t *ret);
