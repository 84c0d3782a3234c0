/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* From the journal into the index: in batches, each one transaction with the cursor, so that a kill
 * or a second catch-up at the same time loses and doubles nothing. The daemon cuts it in slices;
 * the CLI runs it whole when no daemon does. */
#include "coredump/index.h"
#include "coredump/journal.h"

#define CATCH_UP_BATCH	     128
#define CATCH_UP_BATCH_BYTES ((size_t)4 * 1024 * 1024) /* of text, beyond which a batch ends */
#define CATCH_UP_FIRST_AGE   ((usec_t)366 * 24 * 3600 * USEC_PER_SEC) /* how far back at first */

typedef struct CatchUp CatchUp;

typedef struct CatchUpCount {
	uint64_t seen, added, unverified; /* added to by each step */
} CatchUpCount;

typedef struct CaughtCrash {
	const Crash *crash;
	usec_t entry_realtime; /* when it was logged */
	/* INDEX_NEW, or INDEX_MERGED: it was known, from the socket or from a forged entry, and
	 * this entry tells more (perhaps that it is genuine) */
	IndexAdded added;
	bool told; /* it was taken as told, see first_told */
} CaughtCrash;

/* source: the cursor's name in the index ("journal", or "journal:PLACE"; copied). index and journal
 * are borrowed. first_told: what was logged before the very first catch-up of this source began is
 * taken as told, so that old crashes do not pop up, also when that first one is interrupted and
 * another one goes on. 0, -ENOMEM. */
int catch_up_new(CrashIndex *index, CrashJournal *journal, const char *source, bool first_told,
	CatchUp **ret);
CatchUp *catch_up_free(CatchUp *catch_up);
DEFINE_CLEANUP(CatchUp *, catch_up_free)
/* One batch: at most CATCH_UP_BATCH entries, and no reading once slice_usec have gone by. added is
 * called, after the commit, for every crash that is new to the index or about which the index
 * learnt something; may be NULL; must not free the catch-up. 1: there is more; 0: at the end, and a
 * later call looks whether something came since; -errno: nothing of this batch was written, it can
 * be tried again. */
int catch_up_step(CatchUp *catch_up, usec_t slice_usec,
	void (*added)(const CaughtCrash *caught, void *userdata), void *userdata,
	CatchUpCount *count);
/* After a failed step: whether it was the index that failed (the journal's handle is still good),
 * or the journal (close it and open it anew). */
bool catch_up_index_failed(const CatchUp *catch_up);
/* The journal's files came or went: the next step seeks anew from the cursor. */
void catch_up_seek_again(CatchUp *catch_up);

typedef enum CatchUpStep { /* in this order, those of a row once for each */
	CATCH_UP_POSITIONED,
	CATCH_UP_READ,
	CATCH_UP_BEGUN,
	CATCH_UP_ROW_ADDED,
	CATCH_UP_CURSOR_SET,
	CATCH_UP_COMMITTED,
	CATCH_UP_ROW_TOLD, /* added() has returned */
	CATCH_UP_STEP_MAX,
} CatchUpStep;
/* hook is called after each of the steps; tests kill the process there. NULL: not called. */
void catch_up_set_hook(
	CatchUp *catch_up, void (*hook)(CatchUpStep step, void *userdata), void *userdata);
