/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The index: every crash ever heard of, in SQLite, outliving journal and core. One writer
 * transaction at a time, WAL, busy timeout; daemon and CLI may use it at once. */
#include "coredump/record.h"

typedef struct CrashIndex CrashIndex;

typedef struct CrashLimits { /* what vacuum keeps */
	uint64_t max_rows;
	usec_t max_age_usec;
	uint64_t max_bytes; /* of the database file */
} CrashLimits;

/* Opens (creates 0600 in a 0700 folder, migrates) the index at path. A damaged file is renamed to
 * PATH.damaged-TIME and a new one begun: then *ret_rebuilt is true and the caller reads the journal
 * from its start. read_only: never writes, -ENOENT where there is none. 0 or -errno (-EROFS,
 * -ENOSPC, -EACCES …; -EPROTO: made by a newer Vigil). */
int crash_index_open(const char *path, bool read_only, CrashIndex **ret, bool *ret_rebuilt);
CrashIndex *crash_index_close(CrashIndex *index);
static inline void crash_index_closep(CrashIndex **i)
{
	(void)crash_index_close(*i);
}
/* $XDG_STATE_HOME/vigil/vigil.db, for root /var/lib/vigil/vigil.db. Caller frees. */
char *crash_index_default_path(void);

/* One transaction for rows and cursor. Between begin and commit nothing is seen by others. */
int crash_index_begin(CrashIndex *index);
int crash_index_commit(CrashIndex *index);
int crash_index_rollback(CrashIndex *index);

typedef enum CrashAdded {
	CRASH_ADDED,  /* a new row */
	CRASH_MERGED, /* known already; empty columns were filled from this record */
} CrashAdded;
int crash_index_add(CrashIndex *index, const CrashRecord *record, CrashAdded *ret);

/* Where a source got to: name "journal" … value: cursor. NULL value on get: none yet. Caller frees.
 */
int crash_index_set_cursor(CrashIndex *index, const char *source, const char *cursor);
int crash_index_get_cursor(CrashIndex *index, const char *source, char **ret);

/* What is kept about a crash beside its record. */
typedef struct CrashState {
	bool seen; /* the person was told, or told through a digest */
	bool pinned;
	bool ignored;	  /* of a muted program or signature */
	char *signature;  /* NULL: not yet */
	char *report_url; /* NULL: unreported */
	char *core_copy;  /* path of the pinned copy */
} CrashState;
void crash_state_done(CrashState *state);

/* The filters of coredumpctl and ours; zeroed takes all. Strings are borrowed. */
typedef struct CrashQuery {
	const char *id_prefix;
	pid_t pid;	  /* 0: any */
	const char *comm; /* exact */
	const char *exe;  /* exact when it starts with '/', else its file name */
	const char *unit; /* COREDUMP_UNIT or COREDUMP_USER_UNIT, exact or glob(7) */
	const char *hostname;
	const char *signature;
	const char *boot_id;
	int signal; /* 0: any */
	uid_t uid;
	bool uid_set;
	usec_t since_usec, until_usec; /* realtime; 0: open */
	bool only_unseen, only_pinned, only_unreported, include_unverified;
	bool newest_first;
	uint64_t limit; /* 0: all; with newest rows chosen first, whatever the order shown */
} CrashQuery;

/* Rows in order of time. each() borrows record and state (valid in the call only); a non-zero
 * return ends the walk and is returned. brief: only the columns that a list shows are filled (fast
 * path). */
int crash_index_query(CrashIndex *index, const CrashQuery *query, bool brief,
	int (*each)(const CrashRecord *record, const CrashState *state, void *userdata),
	void *userdata);
/* One crash by full id. -ENOENT. Caller frees both. */
int crash_index_get(CrashIndex *index, const char *id, CrashRecord **ret, CrashState *ret_state);

int crash_index_set_seen(CrashIndex *index, const char *id, bool seen);
int crash_index_set_pinned(CrashIndex *index, const char *id, bool pinned, const char *core_copy);
int crash_index_set_signature(CrashIndex *index, const char *id, const char *signature);
int crash_index_set_reported(CrashIndex *index, const char *id, const char *url);
/* Removes the row and remembers the identity, so that no catch-up brings it back. -ENOENT. */
int crash_index_forget(CrashIndex *index, const char *id);

/* Muted programs and signatures: still indexed, never notified. key: "exe:/usr/bin/foo" or
 * "signature:…". until 0: for good. */
int crash_index_mute(CrashIndex *index, const char *key, usec_t until_realtime);
int crash_index_unmute(CrashIndex *index, const char *key);
int crash_index_is_muted(CrashIndex *index, const char *key, usec_t now_realtime, bool *ret);
int crash_index_each_mute(CrashIndex *index,
	int (*each)(const char *key, usec_t until, void *userdata), void *userdata);

/* Per exe and signature: how often, first, last, versions. Rows newest group last. */
typedef struct CrashGroup {
	const char *key, *exe, *program, *signature, *versions; /* borrowed in the call */
	int signal;
	uint64_t count;
	usec_t first_usec, last_usec;
	const char *last_id;
} CrashGroup;
int crash_index_groups(CrashIndex *index, const CrashQuery *query,
	int (*each)(const CrashGroup *group, void *userdata), void *userdata);

/* Drops the oldest seen rows until the limits hold; pinned and unreported-but-unseen crashes stay,
 * and when they alone exceed the cap, *ret_over says by how many. */
int crash_index_vacuum(CrashIndex *index, const CrashLimits *limits, usec_t now_realtime,
	uint64_t *ret_dropped, uint64_t *ret_over);
int crash_index_count(CrashIndex *index, uint64_t *ret_rows, uint64_t *ret_bytes);
