/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a trace lacks, fetched from the debuginfod servers into their clients' cache, where
 * module-files.h finds it: first look at a core without it, call this, look again. Only where
 * somebody asked for it; a program of its own does it (debug-want.h), which gets build ids and
 * nothing of the core. */
#include "coredump/debug-want.h"

#define DEBUG_FETCH_BYTES ((uint64_t)2 * 1024 * 1024 * 1024) /* of all files together */
#define DEBUG_FETCH_USEC  (5 * 60 * USEC_PER_SEC)

typedef enum DebugFetchEnd {
	DEBUG_FETCH_DONE,	 /* each file was had or not, see the numbers */
	DEBUG_FETCH_NOTHING,	 /* the trace lacks nothing that a server could have */
	DEBUG_FETCH_NO_SERVERS,	 /* nobody said which */
	DEBUG_FETCH_METERED,	 /* the network is, and nobody said that it does not matter */
	DEBUG_FETCH_OUT_OF_TIME, /* of what was allowed */
	DEBUG_FETCH_OUT_OF_BYTES,
	DEBUG_FETCH_INTERRUPTED, /* Ctrl-C; what came before that is there */
	DEBUG_FETCH_END_MAX,
} DebugFetchEnd;

typedef struct DebugFetchRequest {
	const Trace *trace;  /* of the first look; without frames, all of its modules count */
	const char *program; /* where vigil-debuginfod is */
	const char *cache;   /* debug_cache_path() */
	uint64_t max_bytes;  /* 0: DEBUG_FETCH_BYTES */
	usec_t max_usec;     /* 0: DEBUG_FETCH_USEC */
	usec_t server_usec;  /* without a byte, and a server is given up; 0: 20 s */
	bool although_metered;
	bool crashed_thread_only; /* or all threads' */
	bool background;
	/* Each event, as it comes; event->index is of the wants. NULL: nobody looks. */
	void (*progress)(const DebugEvent *event, const DebugWant *wants, size_t n, void *userdata);
	void *userdata;
} DebugFetchRequest;

typedef struct DebugFetchResult {
	DebugFetchEnd end;
	size_t wanted;
	size_t ends[DEBUG_WHY_MAX];    /* of the wanted: how many were had, were not found, … */
	uint64_t bytes;		       /* that came over the network */
	char server[DEBUG_SERVER_MAX]; /* the last that did not answer; "": none. Raw */
	uint64_t server_seconds;       /* for which it is left out; 0: it is not yet */
} DebugFetchResult;

/* Blocks for the whole of it. 0 and *ret, however it went; -EIO: vigil-debuginfod failed, and said
 * why (*ret_error, which the caller frees; may be NULL); -ENOENT …: it could not be started;
 * -ENOMEM. */
int debug_files_fetch(const DebugFetchRequest *request, DebugFetchResult *ret, char **ret_error);

/* Which files the trace lacks: of the crashed thread's frames first, innermost first, then of the
 * others'; the program itself before libraries where there are no frames. What is in the cache is
 * left out. cache: NULL: nothing is. Gives their number, at most DEBUG_WANTS_MAX. Pure but for the
 * cache. */
size_t debug_wants_of(const Trace *trace, bool crashed_thread_only, const char *cache,
	DebugWant ret[static DEBUG_WANTS_MAX]);

/* In words, to stand alone: N_("No debuginfod server is configured…"); NULL: nothing to tell.
 * Static, untranslated (callers pass it to gettext). */
const char *debug_fetch_words(DebugFetchEnd end);
/* The folder that files are fetched to and looked for in: $DEBUGINFOD_CACHE_PATH, else debuginfod's
 * own of this user (module_cache_path()); but of root one that belongs to nobody, who asks the
 * servers for it, so that gdb as root does not find there what others could have put in. Caller
 * frees; NULL: no memory, or no home. */
#define DEBUG_CACHE_OF_ROOT "/var/cache/vigil/debuginfod"
char *debug_cache_path(void);
