/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What goes between whoever wants debug files and vigil-debuginfod, the only program of Vigil that
 * talks to debuginfod servers: build ids in, events out. No path comes back: where a file is in the
 * cache follows from its build id. */
#include "coredump/trace.h"

#define DEBUG_WANTS_MAX	  256
#define DEBUG_SERVER_MAX  100 /* bytes of a server's name in events, with NUL */
#define DEBUG_NO_SERVERS  3   /* exit status of vigil-debuginfod: nobody said which */
#define DEBUG_EVENT_BYTES 500 /* of a line, at most; child.h cuts at 512 */

typedef enum DebugWhat {
	DEBUG_INFO,	  /* "debuginfo" */
	DEBUG_EXECUTABLE, /* "executable": the program or library itself */
	DEBUG_WHAT_MAX,
} DebugWhat;

typedef struct DebugWant {
	char build_id[TRACE_BUILD_ID_SIZE]; /* lowercase hex */
	DebugWhat what;
} DebugWant;

/* Why a file was not had. */
typedef enum DebugWhy {
	DEBUG_GOT,
	DEBUG_NOT_FOUND,   /* every server says that it has none */
	DEBUG_NO_ANSWER,   /* a server that might have it failed, or is left out for a while */
	DEBUG_TOO_LARGE,   /* for what is left of the bytes */
	DEBUG_NO_TIME,	   /* left */
	DEBUG_INTERRUPTED, /* by a signal */
	DEBUG_NO_ROOM,	   /* it could not be written to the cache */
	DEBUG_WHY_MAX,
} DebugWhy;

typedef enum DebugEventKind {
	DEBUG_EVENT_PROGRESS, /* index, server, bytes, total (0: not known) */
	DEBUG_EVENT_END,      /* of one file: index, why, bytes that came over the network */
	DEBUG_EVENT_SERVER,   /* server: it does not answer, and is left out for so many seconds; 0:
				 not yet */
	DEBUG_EVENT_MAX,
} DebugEventKind;

typedef struct DebugEvent {
	DebugEventKind kind;
	size_t index; /* of the list of wants */
	DebugWhy why;
	uint64_t bytes, total;
	uint64_t seconds;
	char server[DEBUG_SERVER_MAX]; /* host and port; raw */
} DebugEvent;

const char *debug_what_to_string(DebugWhat what);
/* 1 to 64 bytes in lowercase hexadecimal. */
bool debug_build_id_valid(const char *id);

/* {"version":1,"want":[{"buildId":"…","what":"debuginfo"},…]}. New reference; NULL: no memory. */
json_t *debug_wants_to_json(const DebugWant *wants, size_t n);
/* The other way round. 0 and *ret (caller frees); -EBADMSG: not that, or more than
 * DEBUG_WANTS_MAX; -ENOMEM. */
int debug_wants_from_json(const json_t *root, DebugWant **ret, size_t *ret_n);

/* One line without newline, in buf. */
const char *debug_event_to_line(const DebugEvent *event, char buf[static DEBUG_EVENT_BYTES + 1]);
/* 0; -EBADMSG: no event. n: of the wants that index must be below. */
int debug_event_from_line(const char *line, size_t n, DebugEvent *ret);
