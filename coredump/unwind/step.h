/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The steps of vigil-unwind. Each locks itself in, reads a core, prints one JSON object, or one
 * line on stderr that says why not. */
#include "coredump/trace.h"
#include "coredump/unwind/core-memory.h"
#include "coredump/unwind/sandbox.h"

typedef struct StepOptions {
	int core, image, plan; /* fds; -EBADF: not given */
	pid_t tid;	       /* 0: not known */
	int background;	       /* flag of getopt_long(3) */
} StepOptions;

/* 0; -errno: told already. */
int step_scan(const StepOptions *options);
int step_trace(const StepOptions *options);

/* ---- what they share --------------------------------------------------------------------------
 */

/* Enters the sandbox, or says that nothing is read without it. */
int step_lock(const SandboxRequest *request, SandboxState *ret);
/* Says why the core on fd could not be read; compressed, empty and other files each in their words.
 * Gives error. */
int step_fail(int error, int fd);
/* Whether a plain core ends before its headers say that it does: trace->partial then, and
 * core_bytes. 0 or -ENOMEM. */
int step_tell_cut(CoreElf *elf, Trace *trace);
/* Prints the trace, with which locks hold and, if it is not NULL, where the second step reads. */
int step_print(const Trace *trace, const SandboxState *sandbox, const char *image);
