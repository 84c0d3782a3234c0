/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The very file that a crashed process ran, by its build id: a debugger that is given another one
 * shows a made-up program. */
#include "cli/crash-source.h"
#include "coredump/trace.h"

typedef struct CrashExecutable {
	char *file;		/* real path; NULL: there is none to be had */
	char *told;		/* as the process had it mapped; NULL: not known */
	char *sysroot;		/* what was "/" to it; NULL: this machine's */
	char *flatpak;		/* the application's id; NULL: no flatpak */
	TraceModuleState state; /* of the file at that path today */
	size_t n_replaced;	/* other modules whose files are not those that crashed any more */
} CrashExecutable;

/* trace: of the crash; NULL: none could be made, so no file can be proven. 0 or -ENOMEM; empties
 * with crash_executable_done(). */
int crash_executable_find(
	const CrashSource *source, const Crash *crash, const Trace *trace, CrashExecutable *ret);
void crash_executable_done(CrashExecutable *executable);

/* The application's id out of a crash's cgroup and unit, where it ran in flatpak's sandbox. Caller
 * frees; NULL: it did not, or no memory. Pure. */
char *crash_flatpak(const Crash *crash);
