/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The locks behind which a core is read. Whatever a crafted core, or a crafted debug file, makes of
 * the code that reads it: it can compute and answer on stdout, and nothing else. */
#include "common/cleanup.h"
#include "common/forward.h"

typedef struct SandboxRequest {
	const int *fds; /* stay open beside 0, 1, 2; all others are closed */
	size_t n_fds;
	const char *const *files; /* may be opened for reading, these very ones; NULL: none, and */
	size_t n_files;		  /* then there is no system call left that opens anything */
	bool writes;		  /* to an fd at an offset: the image */
	uint64_t memory_bytes;	  /* of address space */
	uint64_t file_bytes;	  /* of any one file that is written */
	unsigned cpu_seconds, wall_seconds; /* then the process ends as by SIGKILL */
	bool background; /* the least of CPU and disk, for a daemon that is in no hurry */
} SandboxRequest;

typedef struct SandboxState {
	bool seccomp;
	int landlock; /* the kernel's ABI; 0: it has none, and seccomp holds alone */
} SandboxState;

/* For the whole process, which must have one thread, and for good: no new privileges, not dumpable
 * (its memory holds the core's: nobody attaches), no core of its own, resource limits, a deadline,
 * Landlock, seccomp (what is not on its list ends the process). Files that are not there are passed
 * over. 0; -EINVAL, -errno: not all of it is in force, the caller must not go on. */
int sandbox_enter(const SandboxRequest *request, SandboxState *ret);
