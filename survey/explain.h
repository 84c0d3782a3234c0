/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Why a program says "no space left on device" or "too many open files": every resource whose end
 * gives these two errors, with figures. inotify_init1(2): EMFILE instances or RLIMIT_NOFILE, ENFILE
 * file-max; inotify_add_watch(2): ENOSPC watches. */
#include "survey/survey.h"

typedef enum ExplainState {
	EXPLAIN_OK,
	EXPLAIN_NEAR,	   /* 80 % and more */
	EXPLAIN_EXHAUSTED, /* nothing left, or the kernel refused the canary */
	EXPLAIN_UNKNOWN,
} ExplainState;

typedef struct ExplainRow {
	const char *what;   /* "inotify watches of user alice"-like, static, translated by N_() */
	const char *error;  /* "ENOSPC", "EMFILE", "ENFILE" that its end gives; static */
	const char *scope;  /* "user", "process", "system", "filesystem"; static */
	uint64_t used, max; /* max 0: unknown or unlimited */
	bool bytes;	    /* of used and max */
	ExplainState state;
} ExplainRow;

#define EXPLAIN_ROWS_MAX 8

typedef struct Explanation {
	pid_t pid;  /* 0: the caller's own user */
	char *name; /* of the process; NULL for pid 0 */
	uid_t uid;
	ExplainRow rows[EXPLAIN_ROWS_MAX];
	size_t n_rows;
	CanaryResult canary;	/* meaningful where canary_asked */
	bool canary_asked;	/* only for the caller's own uid */
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
