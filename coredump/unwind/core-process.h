/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Of the process as a whole: which files it had mapped, and what the kernel told it at its start
 * (getauxval(3)). */
#include "coredump/core-files.h"

typedef struct CoreProcess {
	uint64_t program_at; /* AT_PHDR: the executable's program headers */
	uint64_t vdso_at;    /* AT_SYSINFO_EHDR */
	uint64_t random_at;  /* AT_RANDOM: on the first thread's stack, near its end */
	CoreFiles files;
} CoreProcess; /* addresses: 0: not told */

/* The first of each note counts. 0, whatever is missing; -ENOMEM, -errno. */
int core_process_read(CoreElf *elf, CoreProcess *ret);
void core_process_done(CoreProcess *process);
static inline void core_process_donep(CoreProcess *process)
{
	core_process_done(process);
}
