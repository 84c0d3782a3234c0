/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Why a program says "no space left on device" or "too many open files": every resource whose end
 * gives these two errors, with figures. inotify_init1(2): EMFILE instances or RLIMIT_NOFILE, ENFILE
 * file-max; inotify_add_watch(2): ENOSPC watches. */
#include "survey/survey.h"
#include <sys/statvfs.h>

typedef enum ExplainState {
	EXPLAIN_OK,
	EXPLAIN_NEAR,	   /* 80 % and more */
	EXPLAIN_EXHAUSTED, /* nothing left, or the kernel refused the canary */
	EXPLAIN_UNKNOWN,
} ExplainState;

typedef struct ExplainRow {
	const char *what;  /* "inotify watches of user alice"-like, static, translated by N_() */
	const char *error; /* "ENOSPC", "EMFILE", "ENFILE" that its end gives; static */
	/* "user", "namespace" (user.max_inotify_* is the tighter one here), "process", "system",
	 * "filesystem"; static */
	const char *scope;
	uint64_t used, max; /* max 0: unknown; or no limit, and .state is EXPLAIN_OK then */
	bool bytes;	    /* of used and max */
	ExplainState state;
} ExplainRow;

#define EXPLAIN_ROWS_MAX 8

typedef struct Explanation {
	pid_t pid;  /* 0: the caller's own user */
	char *name; /* of the process; NULL for pid 0 */
	uid_t uid;  /* whose account pays for it */
	ExplainRow rows[EXPLAIN_ROWS_MAX];
	size_t n_rows;
	CanaryResult canary; /* meaningful where canary_asked */
	bool canary_asked;   /* only for the caller's own account and user namespace, and not over a
				fixture tree */
	bool complete;	     /* false: processes of this account could not be read, the inotify rows
				are lower bounds */
	bool other_namespace;	/* it runs in another user namespace than the caller, with limits of
				   its own that cannot be seen from here */
	uint64_t queued_events; /* its end is another failure: IN_Q_OVERFLOW, events are lost,
				   nothing is refused */
} Explanation;

/* Explains the process (0: the caller). survey: with watches. 0; -ESRCH no such process; -errno.
 * The caller empties ret with explanation_done(). */
int survey_explain(const Survey *survey, int proc_fd, pid_t pid, Explanation *ret);
void explanation_done(Explanation *explanation);
const char *explain_state_to_string(ExplainState state); /* "ok", "near", "exhausted", "unknown" */
/* Pure: what these figures mean. max 0: EXPLAIN_UNKNOWN. */
ExplainState explain_state(uint64_t used, uint64_t max);
/* Pure: space and inodes of a filesystem as an ordinary user may fill it. Sizes that make no sense:
 * EXPLAIN_UNKNOWN. */
void explain_disk_rows(const struct statvfs *fs, ExplainRow *ret_space, ExplainRow *ret_inodes);
