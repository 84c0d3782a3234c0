/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* From the journal into the index: in batches, each one transaction with the cursor, so that a kill
 * or a second catch-up at the same time loses and doubles nothing. The daemon cuts it in slices;
 * the CLI runs it whole when no daemon does. */
#include "coredump/index.h"
#include "coredump/journal.h"

#define CATCH_UP_BATCH	   128
#define CATCH_UP_FIRST_AGE ((usec_t)366 * 24 * 3600 * USEC_PER_SEC) /* how far back at first */

typedef struct CatchUp CatchUp;

typedef struct CatchUpCount {
	uint64_t seen, added, unverified;
} CatchUpCount;

/* source: the cursor's name in the index ("journal", or "journal:PLACE"). Both borrowed.
 * first_told: what a first catch-up (no cursor yet) finds is taken as told: old crashes do not pop
 * up. */
int catch_up_new(CrashIndex *index, CrashJournal *journal, const char *source, bool first_told,
	CatchUp **ret);
CatchUp *catch_up_free(CatchUp *catch_up);
DEFINE_CLEANUP(CatchUp *, catch_up_free)
/* One batch: at most CATCH_UP_BATCH entries and slice_usec of time. added is called, after the
 * commit, for every crash that is new to the index; may be NULL. 1: there is more; 0: at the end;
 * -errno: nothing of this batch was written, it can be tried again. */
int catch_up_step(CatchUp *catch_up, usec_t slice_usec,
	void (*added)(const Crash *crash, void *userdata), void *userdata, CatchUpCount *count);
