/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The second step of vigil-unwind: frames for the threads of a trace, from the core (or its image)
 * and the files that the plan names. */
#include "coredump/unwind/core-memory.h"
#include "coredump/unwind/plan.h"

typedef struct WalkLimits {
	usec_t cpu_usec;   /* of this process; what is not unwound by then is said to be; names are
			    * looked up for as long again */
	size_t json_bytes; /* of all frames, about */
} WalkLimits;

/* A fifth of the trace's JSON is left to modules and threads. */
#define WALK_LIMITS_INIT                                                                           \
	{                                                                                          \
		.cpu_usec = 20 * USEC_PER_SEC, .json_bytes = TRACE_JSON_MAX / 5 * 4                \
	}

/* trace: of the first step. Adds frames, the crashed thread's registers, and what is now known of
 * the modules. 0; -ENOMEM, -EIO; a machine that cannot be unwound shows in the threads' error. */
int walk(CoreMemory *memory, const Plan *plan, const WalkLimits *limits, Trace *trace);
