/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which files stand for which modules, as the caller found them before the sandbox closed:
 * {"version": 1, "modules": [{"index": 0, "file": "/usr/lib/libx.so", "debugFiles": [...],
 * "altFiles": [...]}]}. "index" is the module's in the trace of the first step. Nothing but these
 * files is ever opened. */
#include "coredump/trace.h"

#define PLAN_JSON_MAX  ((size_t)16 * 1024 * 1024)
#define PLAN_FILES_MAX 64 /* of one kind and module */

typedef struct PlanModule {
	char *file;	    /* NULL: none is to be used */
	char **debug_files; /* words of common/words.h; NULL: none */
	char **alt_files;   /* what dwz(1) moved out of several: .gnu_debugaltlink */
} PlanModule;

typedef struct Plan {
	PlanModule *module; /* by index; without a row: all NULL */
	size_t n_modules;
} Plan;

/* From the beginning of fd. 0; -EBADMSG: not a plan; -ENOMEM, -errno. Ends with plan_done(). */
int plan_read(int fd, Plan *ret);
void plan_done(Plan *plan); /* fine on {} */
static inline void plan_donep(Plan *plan)
{
	plan_done(plan);
}
/* NULL: nothing is planned for it. */
const PlanModule *plan_module(const Plan *plan, size_t index);
