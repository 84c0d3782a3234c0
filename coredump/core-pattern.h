/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* /proc/sys/kernel/core_pattern (core(5)): whither cores go, and where that is a file, the folder
 * and the names they have there. Pure. */
#include "coredump/record.h"

#define CORE_PATTERN_MAX 128 /* the kernel's CORENAME_MAX_SIZE, with the NUL */

typedef enum CoreTarget {
	CORE_TARGET_NONE,     /* empty pattern: no cores */
	CORE_TARGET_PIPE,     /* "|PROGRAM …" */
	CORE_TARGET_SOCKET,   /* "@PATH", "@@PATH" (Linux 6.16) */
	CORE_TARGET_ABSOLUTE, /* a file in one folder */
	CORE_TARGET_RELATIVE, /* a file in whatever folder the process was in */
} CoreTarget;

typedef struct CorePattern {
	CoreTarget target;
	char directory[CORE_PATTERN_MAX]; /* with specifiers; "" for relative ones without */
	char name[CORE_PATTERN_MAX + 8];  /* with specifiers; what core_uses_pid adds is there */
} CorePattern;

/* text: the file's content, its newline may be there. 0; -EINVAL: longer than the kernel takes. */
int core_pattern_parse(const char *text, bool uses_pid, CorePattern *ret);
/* The folder for one user's crashes: %u %g %h %% are filled in. Caller frees. 0; -ENOTSUP: it
 * depends on more (time, program, pid …), so it is many folders; -ENOMEM. */
int core_pattern_directory(
	const CorePattern *pattern, uid_t uid, gid_t gid, const char *hostname, char **ret);
/* Whether a file name can be one of the pattern's. Then what the name tells goes into crash where
 * it lacks it: pid (%p), uid, gid, signal, time, host, comm (%e, %f), exe (%E), rlimit, dumpable.
 * crash may be NULL. 1, 0, -ENOMEM. */
int core_pattern_match(const CorePattern *pattern, const char *name, Crash *crash);
