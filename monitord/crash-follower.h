/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The journal, followed on the daemon's loop: catches up in slices, then waits for what comes, and
 * calls back for every crash once it is in the index. Whatever becomes of the journal, the index,
 * or the inotify instance that following takes, it goes on looking, and its status says how. */
#include "coredump/catch-up.h"
#include <systemd/sd-event.h>

typedef struct CrashFollower CrashFollower;

typedef enum CrashFollowMode {
	CRASH_FOLLOWING,
	CRASH_POLLING_NO_INSTANCE,   /* no inotify instance is left: looks every few seconds */
	CRASH_POLLING_NO_WATCH,	     /* no inotify watch is left: the same */
	CRASH_POLLING_NO_DESCRIPTOR, /* the process has no file descriptor left: the same */
	CRASH_POLLING_NO_EVENTS,     /* the journal cannot be followed at all: the same */
	CRASH_NO_JOURNAL,	     /* looks for one every minute */
	CRASH_JOURNAL_FAILED,	     /* .journal_error tells; tried again every minute */
	CRASH_FOLLOW_MODE_MAX,
} CrashFollowMode;
/* "following", "no-inotify-instance", … for status and JSON. */
const char *crash_follow_mode_to_string(CrashFollowMode mode);

typedef struct CrashFollowerStatus {
	CrashFollowMode mode;
	bool caught_up;	      /* all that was there at the start is in the index */
	CatchUpCount count;   /* entries since the start */
	int journal_error;    /* -errno of the last failure of the journal that stands; 0: none */
	int index_error;      /* the same of the index: crashes wait in the journal meanwhile */
	usec_t mode_realtime; /* since when the mode stands */
} CrashFollowerStatus;

/* Opens the journal at once, so that the inotify instance is had as early as can be, and reads from
 * the loop. index and event are borrowed; place and source (catch-up.h) are copied; first_told as
 * catch-up.h has it. arrived is called for every crash after it is committed; late: it was logged
 * before this follower began (for one digest, not for a notification each). It must not free the
 * follower. A journal that is not there is no error. 0, -ENOMEM, or what sd-event gives. */
int crash_follower_new(sd_event *event, CrashIndex *index, const JournalPlace *place,
	const char *source, bool first_told,
	void (*arrived)(const CaughtCrash *caught, bool late, void *userdata), void *userdata,
	CrashFollower **ret);
CrashFollower *crash_follower_free(CrashFollower *follower); /* NULL is fine */
DEFINE_CLEANUP(CrashFollower *, crash_follower_free)
/* Looks now: for a journal, for an instance, for entries. */
void crash_follower_refresh(CrashFollower *follower);
/* Holds until the loop runs again. */
const CrashFollowerStatus *crash_follower_status(const CrashFollower *follower);
