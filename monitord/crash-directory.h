/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* coredump/directory on the daemon's loop: a timer, since nothing here may take an inotify
 * instance. core_pattern may change while we run; it is read again at each look. */
#include "coredump/directory.h"
#include <systemd/sd-event.h>

#define CRASH_DIRECTORY_POLL_USEC (2 * USEC_PER_SEC) /* while cores go to files */
#define CRASH_DIRECTORY_IDLE_USEC USEC_PER_MINUTE    /* while they go elsewhere */

typedef struct CrashDirectory CrashDirectory;

typedef struct CrashDirectoryOptions {
	int proc_fd;			/* /proc or a test's; borrowed, stays open */
	const char *const *directories; /* absolute; home and those configured; copied */
	usec_t since_realtime;		/* see core_directory_new() */
	usec_t poll_usec;		/* 0: CRASH_DIRECTORY_POLL_USEC */
} CrashDirectoryOptions;

/* arrived: on the loop, for each new core, the crash is borrowed; the caller indexes it and stores
 * crash_directory_cursor() with it. 0 or -errno. */
int crash_directory_new(sd_event *event, const CrashDirectoryOptions *options,
	void (*arrived)(const Crash *crash, void *userdata), void *userdata, CrashDirectory **ret);
CrashDirectory *crash_directory_free(CrashDirectory *directory);
/* Looks now, not at the timer's next time. */
void crash_directory_refresh(CrashDirectory *directory);
/* Whether the last look left files for the next, which comes soon. */
bool crash_directory_has_more(const CrashDirectory *directory);
usec_t crash_directory_cursor(const CrashDirectory *directory);
/* Where cores go, as of the last look, and how many folders are looked at for them. *ret_folders
 * may be 0 for a file pattern: its folder depends on the crash, so Vigil cannot see its cores. */
CoreTarget crash_directory_target(const CrashDirectory *directory, size_t *ret_folders);
