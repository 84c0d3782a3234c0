/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The index of all crashes: SQLite in WAL mode, one row a crash, unique on identity. It outlives
 * the journal and the cores. Several processes may use it at once (daemon, CLIs): every writing
 * call waits at most INDEX_BUSY_MSEC for another's. Not thread-safe.
 * Rows and the source's cursor are written in one transaction (index_begin … index_commit), so
 * that a kill at any instant leaves both or neither. https://sqlite.org/wal.html */
#include "coredump/record.h"
#include "coredump/signature.h"

#define INDEX_BUSY_MSEC 5000

typedef struct CrashIndex CrashIndex;

typedef enum IndexMode {
	INDEX_READ_WRITE, /* creates it, with its directory (0700), and migrates it */
	INDEX_CHECKED,	  /* the same, and reads it through for damage first: the daemon's start */
	INDEX_READ_ONLY,
	INDEX_MEMORY, /* nothing on disk; path is ignored: read-only homes, tests */
} IndexMode;

typedef enum IndexFound {
	INDEX_AS_IT_WAS,
	INDEX_CREATED,	/* new: the source is to be read from its start */
	INDEX_REPLACED, /* it was damaged: kept aside as PATH.damaged-TIME, a new one begun, to be
			   filled from the source again */
} IndexFound;

/* Opens it. 0, -ENOENT (read-only and not there), -ENOTSUP: made by a newer Vigil, left alone;
 * -EUCLEAN: damaged, and read-only or not to be set aside; -EROFS, -EACCES, -ENOSPC, -ENOMEM. */
int index_open(const char *path, IndexMode mode, CrashIndex **ret, IndexFound *ret_found);
CrashIndex *index_close(CrashIndex *index); /* rolls back what is open; takes NULL, gives NULL */
DEFINE_CLEANUP(CrashIndex *, index_close)
/* Reads it through for damage. 0; -EUCLEAN; -errno. */
int index_check(CrashIndex *index);
/* How long calls wait for another process from now on, instead of INDEX_BUSY_MSEC: for an event
 * loop that would rather try again than be held up. */
void index_set_busy_msec(CrashIndex *index, unsigned busy_msec);
/* Where this user's index is: $XDG_STATE_HOME/vigil/vigil.db, for root /var/lib/vigil/vigil.db, or
 * in a unit's $STATE_DIRECTORY. Caller frees; NULL: no home or no memory. */
char *index_default_path(void);
/* Where the index of another journal is kept: $XDG_CACHE_HOME/vigil/journal-HASH.db, by the place's
 * name ("/srv/journals"). Caller frees. */
char *index_path_for_place(const char *place);

/* Every change stands between these; index_commit() and index_rollback() end it. 0, -EBUSY,
 * -ENOSPC, -EROFS, -EIO, -EUCLEAN. After a failed commit it is rolled back. */
int index_begin(CrashIndex *index);
int index_commit(CrashIndex *index);
void index_rollback(CrashIndex *index);

typedef enum IndexAdded {
	INDEX_NEW,
	INDEX_MERGED,	 /* known; this source told something that the row lacked */
	INDEX_KNOWN,	 /* nothing new */
	INDEX_FORGOTTEN, /* the person had it forgotten: stays so, unless only hearsay was */
} IndexAdded;

/* Adds an identified crash. A genuine report makes an unverified row genuine, never the other way
 * round; fields that a row has are not overwritten (but truncated, core_in_journal and
 * not_responding are or-ed). told: the person knows of it already (first catch-up of old ones,
 * imports). An unverified one is CRASH_COUNTED even so: nobody is told of it, and what was told
 * keeps the next one quiet. 0 or -errno. */
int index_add(CrashIndex *index, const Crash *crash, bool told, IndexAdded *ret);

/* How far a source ("journal", "journal:/srv/x") was read. 0; -ENOENT: never. Caller frees
 * *ret_cursor (NULL where only the time is known). */
int index_get_cursor(
	CrashIndex *index, const char *source, char **ret_cursor, usec_t *ret_realtime);
int index_set_cursor(CrashIndex *index, const char *source, const char *cursor, usec_t realtime);
/* All of them; a callback that gives anything but 0 ends it. 0 or -errno. */
int index_cursors(CrashIndex *index,
	int (*each)(const char *source, const char *cursor, usec_t realtime, void *userdata),
	void *userdata);

/* ---- reading ------------------------------------------------------------------------------- */

typedef enum CrashTold {
	CRASH_UNTOLD,  /* nobody was told yet: the digest will */
	CRASH_TOLD,    /* a notification was delivered, or the person listed it */
	CRASH_COUNTED, /* not announced on purpose: muted, a repeat, own component, unverified */
} CrashTold;

typedef struct CrashRow {
	Crash crash; /* strings belong to the index and hold until the callback returns */
	char signature[CRASH_SIGNATURE_SIZE];
	const char *title; /* of the signature; NULL: none */
	CrashTold told;
	unsigned attempts; /* to show it that were begun */
	bool pinned;
	const char *reported; /* URL or id of the report; NULL: none */
	const char *version;  /* of the program's package when it crashed; NULL: not known */
	usec_t indexed_realtime;
} CrashRow;

/* Matches on the same field are alternatives, on different fields all must hold (as journal
 * matches). field: a key or field of crash_texts (any spelling), "pid", "uid", "gid", "signal"
 * (number or name), "boot", "machine", "signature", "program", "id" (a prefix). glob: value is a
 * pattern (* ? []). */
typedef struct CrashMatch {
	const char *field, *value;
	bool glob;
} CrashMatch;

typedef struct CrashQuery {
	usec_t since_realtime, until_realtime; /* 0: open */
	const CrashMatch *matches;
	size_t n_matches;
	const char *after; /* only rows that were indexed after the crash of this hash; NULL */
	bool untold;	   /* only CRASH_UNTOLD ones */
	bool told;	   /* only CRASH_TOLD ones */
	bool pinned;	   /* only pinned ones */
	bool genuine;	   /* only CRASH_GENUINE ones */
	/* not 0: only those with a core to look into, that at this time either nobody tried to
	 * unwind yet or that are to be tried again; see index_untraced() */
	usec_t untraced_realtime;
	bool full; /* load message, fields and kcrash too (slower) */
	bool newest_first;
	unsigned limit; /* 0: all; the newest ones, whichever order they come in */
} CrashQuery;

/* Calls row for each; it gives 0 to go on, anything else ends it and is given back. 0, -EINVAL: a
 * match's field is unknown (nothing was called), or -errno. */
int index_query(CrashIndex *index, const CrashQuery *query,
	int (*row)(const CrashRow *row, void *userdata), void *userdata);

/* One crash by what a person types: a unique prefix of its id (4 digits or more), "latest", a
 * program's name or path (newest wins), a PID. Full. 1 found; 0 none; 2 several (a PID or a prefix
 * of more than one): ret is empty and several is called for each, newest first; -errno. The caller
 * empties ret with index_row_done(). several may be NULL. */
int index_find(CrashIndex *index, const char *selector, CrashRow *ret,
	int (*several)(const CrashRow *row, void *userdata), void *userdata);
/* The one with this hash, full. 1, 0, -errno. */
int index_get(CrashIndex *index, const char *hash, CrashRow *ret);
/* For rows of index_find() and index_get(), whose strings are the caller's. */
void index_row_done(CrashRow *row);
/* crash_to_json() of its crash with what became of it: signature, title, told, pinned, reported.
 * New reference; NULL: no memory. */
json_t *index_row_to_json(const CrashRow *row, bool full);

typedef struct CrashGroup {
	char signature[CRASH_SIGNATURE_SIZE];
	const char *title, *exe, *comm; /* of the newest; hold until the callback returns */
	char newest[CRASH_HASH_SIZE];
	int signal;
	uint64_t count;
	usec_t first_realtime, last_realtime;
	bool muted;
	/* of the package: those seen last, newest first, one a line; NULL: not known */
	const char *versions;
	const char *note; /* the person's own; NULL: none */
} CrashGroup;
#define CRASH_GROUP_VERSIONS 8
/* The same crash counted once; with newest_first the biggest group first, else last. limit is of
 * the groups. */
int index_groups(CrashIndex *index, const CrashQuery *query,
	int (*group)(const CrashGroup *group, void *userdata), void *userdata);
/* How many rows the query matches; all that selects is heeded (since, until, after, matches,
 * untold, told, pinned, genuine, untraced). */
int index_count(CrashIndex *index, const CrashQuery *query, uint64_t *ret);

/* ---- what became of a crash ------------------------------------------------------------------ */

/* All take the full hash. 0, -ENOENT, -errno. Each is a transaction of its own unless one is open.
 */
int index_set_told(CrashIndex *index, const char *hash, CrashTold told);
/* One more attempt to show it begins: written before it is shown, so that nobody is told of one
 * crash more than twice, however often Vigil is killed. */
int index_add_attempt(CrashIndex *index, const char *hash);
/* That attempt is known to have reached nobody: it does not count. */
int index_drop_attempt(CrashIndex *index, const char *hash);
int index_set_pinned(CrashIndex *index, const char *hash, bool pinned);
int index_set_reported(CrashIndex *index, const char *hash, const char *url);
/* The row goes, its hash stays known so that no catch-up brings it back. */
int index_forget(CrashIndex *index, const char *hash);
/* Replaces the KCrash metadata of a row (NULL: leaves it), and says that it hung. */
int index_set_kcrash(
	CrashIndex *index, const char *hash, const json_t *kcrash, bool not_responding);

typedef enum MuteKind {
	MUTE_PROGRAM,	/* value: the executable's path, or comm where there is none */
	MUTE_SIGNATURE, /* value: a signature: exactly this crash */
	MUTE_KIND_MAX,
} MuteKind;
/* until_realtime: 0 for good, else snoozed until then. */
int index_mute(CrashIndex *index, MuteKind kind, const char *value, usec_t until_realtime);
/* A signature's mute goes with those of the signatures that turned out to be this one: it is heard
 * again. 0; -ENOENT: was not muted; -errno. */
int index_unmute(CrashIndex *index, MuteKind kind, const char *value);
/* Whether the program is muted, or the signature, or what crashes of this signature turned out to
 * be the last time (index_expected_signature()). 1 muted, 0 not, -errno. */
int index_is_muted(
	CrashIndex *index, const Crash *crash, const char *signature, usec_t now_realtime);
int index_mutes(CrashIndex *index,
	int (*mute)(MuteKind kind, const char *value, usec_t until_realtime, void *userdata),
	void *userdata);

/* ---- what was understood ----------------------------------------------------------------------
 */

#define INDEX_TRACE_MAX ((size_t)1024 * 1024) /* bytes of one trace's JSON */
#define INDEX_LOG_MAX	((size_t)64 * 1024)   /* of the lines of the log */
#define CRASH_NOTE_MAX	((size_t)4096)	      /* bytes */

typedef struct CrashTrace {
	json_t *trace; /* man/schema/trace.schema.json; NULL: none yet */
	json_t *log; /* array, oldest line first, of {"time": usec, "priority": n, "message": "…"};
			NULL: none */
	int rating;  /* TraceRating of trace-quality.h */
	bool complete;		  /* nothing would be better if it was made again */
	usec_t analyzed_realtime; /* 0: never */
	unsigned attempts;	  /* to make it that were begun */
	usec_t retry_realtime;	  /* from when on it is to be tried again; 0: not at all */
	char *error;		  /* why the last attempt came to nothing; NULL */
} CrashTrace;
/* Empties what index_get_trace() gave; fine on {} and twice. */
void crash_trace_done(CrashTrace *trace);
static inline void crash_trace_donep(CrashTrace *trace)
{
	crash_trace_done(trace);
}

/* Keeps a trace (never NULL) with its rating, time, log and retry; attempts and error are not
 * taken. One longer than INDEX_TRACE_MAX is made shorter and says so (trace-bound.h); a log of NULL
 * leaves the one that is there. The row gets the package's version where it lacks it and, unless
 * signature is NULL, this signature and title (NULL, "": none): what a person said of the old
 * signature – a mute, a note – is said of the new one from now on, too. All of it or nothing. 0;
 * -ENOENT: no such crash; -E2BIG; -EINVAL: no trace; -errno. */
int index_set_trace(CrashIndex *index, const char *hash, const CrashTrace *trace,
	const char *signature, const char *title);
/* 1; 0: nobody tried yet, *ret is empty; -errno. The caller empties *ret with crash_trace_done(). A
 * trace stays when the core goes, and goes with its row. */
int index_get_trace(CrashIndex *index, const char *hash, CrashTrace *ret);
/* An attempt to make a trace begins: to be written before, so that a core on which everything dies
 * is not tried for ever. retry_realtime: when it is due again if nothing more is heard of this
 * attempt; 0: never. 0, -ENOENT, -errno. */
int index_add_trace_attempt(CrashIndex *index, const char *hash, usec_t retry_realtime);
/* Why an attempt came to nothing, for people. A trace that is there stays. */
int index_set_trace_error(CrashIndex *index, const char *hash, const char *error);
/* When a crash is due again: 0: never. 0; -ENOENT: nobody tried yet; -errno. */
int index_set_trace_retry(CrashIndex *index, const char *hash, usec_t retry_realtime);
/* It is not to be unwound unless a person asks. same: it is what the last crash of its signature
 * turned out to be, and gets that one's signature and title. 0, -ENOENT, -errno. */
int index_leave_untraced(CrashIndex *index, const char *hash, bool same);
/* Genuine crashes with a core to look into, not older than since (0: all), that nobody tried to
 * unwind yet or whose retry is due; newest first. As index_query(). */
int index_untraced(CrashIndex *index, usec_t since_realtime, usec_t now_realtime, unsigned limit,
	int (*row)(const CrashRow *row, void *userdata), void *userdata);
/* When the next retry is due: 1; 0: none is; -errno. */
int index_next_trace_retry(CrashIndex *index, usec_t *ret_realtime);

/* What the last crash that had this signature turned out to be: itself where nothing is known. For
 * crashes that arrive, whose first signature is made of what is known at once. ret may be the
 * signature itself. 0 or -errno. */
int index_expected_signature(
	CrashIndex *index, const char *signature, char ret[static CRASH_SIGNATURE_SIZE]);

/* A person's note on all crashes of one signature. NULL or "" deletes it: 0, -ENOENT: there was
 * none; -E2BIG: longer than CRASH_NOTE_MAX; -errno. */
int index_set_note(CrashIndex *index, const char *signature, const char *note, usec_t now_realtime);
/* 1, the caller frees *ret_note; 0: none; -errno. */
int index_get_note(CrashIndex *index, const char *signature, char **ret_note, usec_t *ret_realtime);

/* ---- bounds ---------------------------------------------------------------------------------- */

typedef struct IndexBounds {
	uint64_t max_rows;  /* hard cap; INDEX_MAX_ROWS */
	uint64_t max_bytes; /* of the database; INDEX_MAX_BYTES */
	usec_t max_age_usec;
} IndexBounds;
#define INDEX_MAX_ROWS	100000
#define INDEX_MAX_BYTES ((uint64_t)512 * 1024 * 1024)
#define INDEX_MAX_AGE	((usec_t)366 * 24 * 3600 * USEC_PER_SEC)

typedef struct IndexTrimmed {
	uint64_t rows;	     /* that went */
	uint64_t unreported; /* of them never reported to anybody: say so */
} IndexTrimmed;

/* Brings the index back within bounds: unverified ones first, then reported ones, then the oldest;
 * pinned ones never. Dropped unreported crashes are also added up in the index itself
 * (index_dropped()), so that lists can tell. 0 or -errno. */
int index_trim(
	CrashIndex *index, const IndexBounds *bounds, usec_t now_realtime, IndexTrimmed *ret);
/* How many unreported crashes the bounds have cost so far, and when last. */
int index_dropped(CrashIndex *index, uint64_t *ret_count, usec_t *ret_last_realtime);
