/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* package_owners_find() while something else is done: the package manager reads all its lists,
 * which takes as long as unwinding. In a thread of its own that no signal reaches. */
#include "coredump/package-owner.h"
#include <pthread.h>

typedef struct PackageAsking { /* {} before */
	const ModuleFiles *files;
	const Crash *crash;
	bool local;
	Trace *trace;
	pthread_t thread;
	bool begun, runs;
	int result;
} PackageAsking;

/* All but the trace's packages may be read by others meanwhile; nothing may be changed. */
void package_asking_begin(PackageAsking *asking, const ModuleFiles *files, const Crash *crash,
	bool local, Trace *trace);
/* Waits for it, if it was begun. As package_owners_find(). Fine twice. */
int package_asking_end(PackageAsking *asking);
static inline void package_asking_endp(PackageAsking *asking)
{
	(void)package_asking_end(asking);
}
