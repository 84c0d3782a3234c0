/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where the files of a crashed process are on this machine: the root that it had, the folders of
 * debug files, debuginfod's cache of the caller's. */
#include "coredump/module-files.h"
#include "coredump/record.h"

typedef struct CrashPlaces {
	ModulePlaces places; /* borrows from the rest */
	int own_root;	     /* that the process had changed to; -EBADF: none */
	char *cache;
} CrashPlaces;
#define CRASH_PLACES_INIT                                                                          \
	{                                                                                          \
		.own_root = -EBADF                                                                 \
	}

/* root_fd: of the system that it crashed on; -EBADF: this machine's; to stay open as long as ret.
 * elsewhere: that system's files are not here at all. A root that cannot be opened is elsewhere,
 * too. Never fails; empties with crash_places_done(). */
void crash_places_open(const Crash *crash, int root_fd, bool elsewhere, CrashPlaces *ret);
void crash_places_done(CrashPlaces *places);
