/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Debug files from debuginfod servers, where a person asked for them: with progress on a terminal,
 * and a line on what came of it. Ctrl-C ends the fetching alone. */
#include "cli/cli.h"
#include "coredump/debug-fetch.h"

typedef struct CrashFetch {
	const Cli *cli;
	const char *cache;  /* debug_cache_path() */
	const Trace *trace; /* that is being looked at */
	usec_t shown_monotonic;
	bool shows;	/* a line of progress stands on the terminal */
	bool told;	/* what came of it */
	uint64_t bytes; /* that came, and what it took: the bounds are for all looks together */
	usec_t usec;
	bool over; /* it was interrupted or refused, or is used up: the next look fetches nothing */
} CrashFetch;

/* For AnalysisRequest.fetch, with a CrashFetch. How many files came, or -errno. */
int crash_fetch(const Trace *trace, void *userdata);
