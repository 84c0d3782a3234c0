/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The daemon's index, whatever becomes of its file: read-only home, full disk, damage. Then it goes
 * on in memory, with the sources' cursors, and takes what it learned back to the file once that can
 * be written again. Nothing that arrives is lost over it, or told twice. */
#include "coredump/index.h"

typedef struct CrashStore {
	CrashIndex *index; /* never NULL once opened; another one after fall_back and go_back */
	char *path;
	bool in_memory;
	int trouble;	       /* why it is in memory, -errno; 0: it is not */
	IndexFound found;      /* of the file, at the last opening */
	usec_t begin_realtime; /* when this index was begun: what crashed before is no news */
} CrashStore;

/* path: borrowed; NULL: the user's own (index_default_path()). Trouble with the file is no error. 0
 * or -ENOMEM. */
int crash_store_open(CrashStore *store, const char *path);
void crash_store_done(CrashStore *store);
/* Whether an error of an index function means that this index is of no more use. */
bool crash_store_is_trouble(int error);
/* After such an error: opens the file anew (a damaged one is set aside), or goes on in memory from
 * where the sources stood. Whoever uses .index stops before and
 * starts after. 0 or -ENOMEM: then .index is as it was. */
int crash_store_fall_back(CrashStore *store, int error);
/* From memory back to the file. 1: done, .index is another one now; 0: the file is still out of
 * order, or it never left; -ENOMEM. */
int crash_store_go_back(CrashStore *store);
/* Brings it within its bounds. Unreported crashes that went are logged. 0 or -errno. */
int crash_store_trim(CrashStore *store, const IndexBounds *bounds, usec_t now_realtime);
