/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The trace of a crash: the one that the index keeps, or a new one of its core, which the index
 * keeps from then on. */
#include "cli/crash-source.h"
#include "coredump/trace-quality.h"

typedef struct ShownTrace {
	Trace trace;
	CrashTrace kept; /* with .trace: its JSON as it is kept; rating, log, time */
	bool fresh;	 /* made just now */
	int store_error; /* -errno: the new one could not be kept */
} ShownTrace;

void shown_trace_done(ShownTrace *shown); /* fine on {} and twice */

/* The kept one: 1; 0: there is none (ret.kept may tell why); -errno. To be emptied. */
int shown_trace_load(const CrashSource *source, const CrashRow *row, ShownTrace *ret);

typedef struct TraceMaking {
	const CrashSource *source; /* NULL: it is a file that no crash is known of */
	const Crash *crash;
	int core; /* from 3 on; compressed or not */
	const Cli *cli;
} TraceMaking;
/* Unwinds the core, with --debuginfod twice, and asks the source's journal for the last lines.
 * Nothing is kept. An exit status; the error line is printed, and its reason is *ret_why (may be
 * NULL), which the caller frees. */
int shown_trace_make(const TraceMaking *making, ShownTrace *ret, char **ret_why);
/* Keeps it, with the signature and title that follow from it; row is read anew. A failure is in
 * shown->store_error and costs nothing else. */
void shown_trace_keep(const CrashSource *source, CrashRow *row, ShownTrace *shown);

/* Signature and title of a trace; "" and NULL where it tells none. Caller frees *ret_title. 0 or
 * -ENOMEM. */
int shown_trace_signature(const ShownTrace *shown, const Crash *crash,
	char ret[static CRASH_SIGNATURE_SIZE], char **ret_title);
