/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A crash's core unwound: what vigil-unwind, in its sandbox, says of it, with the files and
 * packages that only somebody outside can look for. Blocks until it is done: for programs that a
 * person or the daemon started for this. Whatever becomes of vigil-unwind costs this one trace. */
#include "coredump/module-files.h"
#include "coredump/record.h"

#define ANALYSIS_SCAN_USEC  (11 * USEC_PER_MINUTE) /* a little more than its own bounds */
#define ANALYSIS_TRACE_USEC (4 * USEC_PER_MINUTE)

typedef struct AnalysisRequest {
	int core_fd; /* plain or compressed; from 3 on; its offset may move */
	const Crash *crash;
	int root_fd;	       /* of the system that it crashed on; -EBADF: this machine's */
	bool elsewhere;	       /* that system's files are not here at all */
	const char *directory; /* where a file without a name may stand for a compressed core */
	const char *cache;     /* of debuginfod (module-files.h); NULL: the caller's own */
	const char *unwinder;  /* path of vigil-unwind; NULL: sibling_path() */
	usec_t scan_usec, trace_usec; /* 0: as above */
	bool background;
	/* Fetches debug files for what the trace lacks into the cache of debuginfod. How many came,
	 * or -errno (told by itself; the trace goes on without). NULL: nothing is fetched. */
	int (*fetch)(const Trace *trace, void *userdata);
	void *userdata;
} AnalysisRequest;

/* 0: ret holds a trace, which may be partial; trace_done() empties it. Else -errno, and *ret_error
 * says for people, translated, raw, without a period, what went wrong; caller frees; NULL: no
 * memory. -ETIMEDOUT, -EFBIG, -EBADMSG: vigil-unwind took or said too much, or nothing that means
 * anything; -EINTR: a signal came; -EIO: it failed, crashed, or could not read the core; -ENOENT:
 * it is not installed. */
int analysis_run(const AnalysisRequest *request, Trace *ret, char **ret_error);
/* The same, but only what the core itself says: threads and modules, no frames, no files looked
 * for. Of the request fetch and trace_usec are not heeded. */
int analysis_scan(const AnalysisRequest *request, Trace *ret, char **ret_error);
