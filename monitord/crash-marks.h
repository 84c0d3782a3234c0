/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What became of many crashes at once, written to the index in slices, each one transaction, so
 * that the loop is never held up by a digest of thousands. In the order in which they were asked
 * for. */
#include "coredump/index.h"
#include <systemd/sd-event.h>

typedef struct CrashHashes { /* owned; crash_hashes_done() */
	char (*hashes)[CRASH_HASH_SIZE];
	size_t n, allocated;
} CrashHashes;

/* 0 or -ENOMEM. */
int crash_hashes_add(CrashHashes *list, const char *hash);
void crash_hashes_done(CrashHashes *list);

typedef enum CrashMark {
	MARK_TOLD,
	MARK_COUNTED,
	MARK_ATTEMPT,	   /* index_add_attempt() */
	MARK_DROP_ATTEMPT, /* index_drop_attempt() */
} CrashMark;

typedef struct CrashMarks CrashMarks;

/* index: where the pointer to it stands; it may change between slices. failed: an index function
 * gave this error; the marks of that slice are lost. 0 or -errno. */
int crash_marks_new(sd_event *event, CrashIndex *const *index,
	void (*failed)(int error, void *userdata), void *userdata, CrashMarks **ret);
CrashMarks *crash_marks_free(CrashMarks *marks); /* NULL is fine; writes what waits */

/* Takes the list over (and empties it). done, which may be NULL, is called on the loop when all is
 * written, or failed, and may take the list on. 0 or -ENOMEM. */
int crash_marks_queue(CrashMarks *marks, CrashHashes *list, CrashMark mark,
	void (*done)(CrashHashes *list, void *userdata), void *userdata);
/* Whether all that was queued is written. */
bool crash_marks_are_done(const CrashMarks *marks);
/* One, at once. A row that is gone is no error. 0 or -errno, which failed was told. */
int crash_marks_one(CrashMarks *marks, const char *hash, CrashMark mark);
