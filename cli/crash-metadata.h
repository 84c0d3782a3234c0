/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* KCrash metadata for crashes that the command line finds before the daemon does: read into the
 * index, and left where it is. To remove it is the daemon's, which may still hand the crash to
 * DrKonqi; what nobody takes it sweeps away after a while. */
#include "coredump/catch-up.h"

typedef struct CrashMetadata {
	CrashIndex *index; /* borrowed */
	int cache_fd;	   /* $XDG_CACHE_HOME; -EBADF: no metadata there */
} CrashMetadata;

void crash_metadata_open(CrashMetadata *metadata, CrashIndex *index);
void crash_metadata_close(CrashMetadata *metadata);
/* For catch_up_step(); userdata is a CrashMetadata. Whatever fails leaves the row without. */
void crash_metadata_take(const CaughtCrash *caught, void *userdata);
