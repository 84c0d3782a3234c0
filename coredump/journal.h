/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Crashes out of the journal, read through sd-journal(3) with matches for the two MESSAGE_IDs and a
 * data threshold, so that no core and no huge field is ever loaded. Reads only; what is done with
 * what it finds is the caller's. Blocks for disk at most. */
#include "coredump/record.h"

typedef struct JournalPlace { /* as coredumpctl's -D, --file, --root; all empty: this machine's */
	const char *directory, *root;
	const char *const *files; /* NULL-terminated; NULL */
	/* The folder whose cores may prove entries (trust-core.h); NULL: systemd's own for this
	 * machine's journal, none for others, whose cores are not here. */
	const char *cores;
} JournalPlace;

typedef struct CrashJournal CrashJournal;

/* -ENOENT: there is no journal; -EMFILE: no inotify instance is left, -ENOSPC: no inotify watch is
 * (with either the caller polls with fresh handles, each opened with follow false, and says so);
 * -ENFILE: no file descriptor is left; -EACCES; -errno. follow: the handle must learn of new
 * entries (sd_journal_get_fd(3), takes one inotify instance). */
int crash_journal_open(const JournalPlace *place, bool follow, CrashJournal **ret);
CrashJournal *crash_journal_close(CrashJournal *journal);
DEFINE_CLEANUP(CrashJournal *, crash_journal_close)

/* Several machines may have written what is at the place (-D, --file, --root). Each wrote in its
 * own order, but what one of them wrote long ago may arrive today: how far the journal was read is
 * kept for each machine. */
bool crash_journal_many(const CrashJournal *journal);
/* The machine ids that are there, sorted; caller frees. 0 or -errno. */
int crash_journal_machines(CrashJournal *journal, char (**ret)[33], size_t *ret_count);
/* From now on only entries of this machine; "": those without a machine id; NULL: all, as after
 * opening. Seek anew behind it. 0 or -errno. */
int crash_journal_only(CrashJournal *journal, const char *machine);
/* And of those only what this unit logged (_SYSTEMD_UNIT, which the journal finds by its index
 * however many others there are). Undone by crash_journal_only(). Seek anew behind it. 0 or -errno.
 */
int crash_journal_only_unit(CrashJournal *journal, const char *unit);

/* Stands so that crash_journal_next() gives the first entry behind the cursor. Where the cursor is
 * gone (rotation, vacuum), damaged or NULL: the first entry from realtime minus a margin on; the
 * index deduplicates. realtime 0: from the start. 1: at the cursor; 0: by time; -errno. */
int crash_journal_seek(CrashJournal *journal, const char *cursor, usec_t realtime);
/* The next crash: filled, identified, its trust decided, its cursor set. ret is emptied first; the
 * caller empties it with crash_done(). Entries without an identity are passed over with one debug
 * line. 1; 0 at the end; -EAGAIN: many were passed over, call again (so that no journal holds up
 * its reader); -errno (-EBADMSG and single unreadable entries are passed over; -ENOENT, -EIDRM …:
 * the handle is of no use any more). */
int crash_journal_next(CrashJournal *journal, Crash *ret);
/* How far crash_journal_next() came: the entry last given or passed over, for the next seek. Caller
 * frees. 0; -ENOENT: nothing was read since the last seek; -errno. */
int crash_journal_position(CrashJournal *journal, char **ret_cursor, usec_t *ret_realtime);
/* When the entry last given was logged (not when the crash was); 0: none. */
usec_t crash_journal_realtime(const CrashJournal *journal);
/* Reads the whole entry at a cursor once more, with all fields that crash_wants_field() wants. Seek
 * anew behind it. 0; -ENOENT: it is gone; -EBADMSG: unreadable; -errno. */
int crash_journal_get(CrashJournal *journal, const char *cursor, Crash *ret);
/* Writes the core that is stored in the entry itself (COREDUMP=, Storage=journal) to fd. Only here
 * the field is loaded, as large as it is. Seek anew behind it. 0; -ENOENT: the entry or its core is
 * gone; -errno. */
int crash_journal_write_core(CrashJournal *journal, const char *cursor, int fd);

/* For an event loop (only with follow): fd, poll(2) events, and the monotonic time at which to call
 * process even if nothing came (USEC_INFINITY: never); sd_journal_get_timeout(3). */
int crash_journal_fd(CrashJournal *journal);
int crash_journal_events(CrashJournal *journal);
usec_t crash_journal_timeout(CrashJournal *journal);
/* Must be called when the fd is ready, so that deleted journals are let go. 1: there may be new
 * entries; 0: nothing; 2: files came or went (SD_JOURNAL_INVALIDATE): seek anew from the last
 * cursor; -ENOSPC, -ENFILE: the handle does not hear of everything any more, or lacks files;
 * -errno. */
int crash_journal_process(CrashJournal *journal);

/* The machine's own journal: persistent, volatile, or absent, as far as this user can see. */
typedef enum JournalStorage { JOURNAL_NONE, JOURNAL_VOLATILE, JOURNAL_PERSISTENT } JournalStorage;
/* root: "" for this machine. */
JournalStorage crash_journal_storage(const char *root);
