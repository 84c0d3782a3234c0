/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What `vigil crash info` tells of a crash that was looked into. */
#include "cli/crash-trace.h"

#define INFO_FRAMES 8
#define INFO_LINES  8 /* of the log; all of them are in the JSON */

/* What the fault was: "read of address 0x0 — a null pointer". No line where nothing adds to the
 * signal. */
void info_fault(Cli *cli, const Trace *trace);
/* The package and version of the program out of the trace, for where the crash does not tell. NULL:
 * not known. Raw; caller frees. */
char *info_package(const Trace *trace);
/* Top frames, how much they are worth and what would make them worth more; where there are none,
 * why. hash: the crash's id, to type. */
void info_trace(Cli *cli, const CrashSource *source, const ShownTrace *shown, const char *id);
void info_log(Cli *cli, const json_t *log);
/* The same for JSON: "trace", "rating", "fault", "logLines", "analyzed", "complete", "advice",
 * "traceError". has_trace: shown.trace is one. */
void info_trace_json(
	json_t *root, const CrashSource *source, const ShownTrace *shown, bool has_trace);
