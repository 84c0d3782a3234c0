/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Debug files from debuginfod servers, where a person asked for them: with progress on a terminal,
 * and a line on what came of it. Ctrl-C ends the fetching alone. */
#include "cli/cli.h"
#include "coredump/debug-fetch.h"

/* Where debuginfod's clients keep what they fetched. Caller frees; NULL: nowhere. */
char *crash_fetch_cache(void);

typedef struct CrashFetch {
	const Cli *cli;
	const char *cache;
	const Trace *trace; /* that is being looked at */
	usec_t shown_monotonic;
	bool shows; /* a line of progress stands on the terminal */
	bool told;  /* what came of it */
} CrashFetch;

/* For AnalysisRequest.fetch, with a CrashFetch. How many files came, or -errno. */
int crash_fetch(const Trace *trace, void *userdata);
