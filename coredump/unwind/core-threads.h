/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The threads of a core: every NT_PRSTATUS in the order of the notes, in which the kernel puts the
 * thread that crashed first (fs/binfmt_elf.c). */
#include "common/cleanup.h"
#include "coredump/core-note.h"

#define CORE_THREADS_MAX ((size_t)65536) /* read; more are counted */

/* Where the general registers stand in NT_PRSTATUS (struct elf_prstatus, pr_reg) and which of them
 * are which: index of a word, -1: not there. Sources: each machine's user_regs_struct,
 * elf_gregset_t. */
typedef struct CoreMachine {
	uint16_t machine; /* EM_* */
	bool is_64;
	const char *name; /* "x86_64" */
	int pc, sp, thread_pointer;
} CoreMachine;

typedef struct CoreThread {
	pid_t tid;
	int signal;	   /* pr_cursig; 0 */
	uint64_t regs_at;  /* of pr_reg, in the core's file */
	size_t regs_bytes; /* that are there, pr_fpvalid cut off; 0: none */
	/* 0 where the machine is not known */
	uint64_t pc, sp, thread_pointer;
} CoreThread;

typedef struct CoreThreads {
	CoreThread *thread;
	size_t n;
	uint64_t n_left; /* beyond CORE_THREADS_MAX */
} CoreThreads;

/* NULL: registers of it are not known here (its cores still have threads). */
const CoreMachine *core_machine(const CoreElf *elf);
/* "x86_64", "aarch64", "i386", "em-N". */
const char *core_machine_name(const CoreElf *elf, char buf[static 16]);

/* 0, none included; -ENOMEM, -errno. */
int core_threads_read(CoreElf *elf, CoreThreads *ret);
void core_threads_done(CoreThreads *threads);
static inline void core_threads_donep(CoreThreads *threads)
{
	core_threads_done(threads);
}
