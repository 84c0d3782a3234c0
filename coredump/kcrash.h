/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* KCrash metadata: what a KDE program wrote about itself while it crashed, in
 * $XDG_CACHE_HOME/kcrash-metadata/{EXE}.{BOOTID}.{PID}.ini, older {PID}.ini (kcrash's
 * src/metadata.cpp, drkonqi's src/core/metadata.cpp); and the list of programs that were killed
 * because they did not respond (KWin's killer writes it). EXE is the last part of the executable's
 * path, nothing escaped. The writer had just crashed: the file must be a regular one of this user,
 * of at most KCRASH_MAX_BYTES, and may be incomplete. */
#include "coredump/record.h"

#define KCRASH_MAX_BYTES  ((size_t)256 * 1024)
#define KCRASH_KEYS_MAX	  128 /* in one group; KCrash itself knows about 20 */
#define KCRASH_HUNG_USEC  (60 * USEC_PER_SEC)
#define KCRASH_HUNG_FILES 4096 /* looked at, at most */
/* Metadata that no crash ever came for (the program was ended, the journal lost its entry): kept
 * for two weeks, so that a catch-up after a holiday still finds it. DrKonqi's own clean-up is
 * quicker where it runs. */
#define KCRASH_KEEP_USEC ((usec_t)14 * 24 * 3600 * USEC_PER_SEC)
#define KCRASH_SWEEP_MAX 1024 /* files looked at in one call */

/* Looks for the metadata of a crash. cache_fd: $XDG_CACHE_HOME. Puts the groups into crash->kcrash
 * ({"KCrash": {…}, "KCrashTags": {…}, "KCrashExtra": {…}, "KCrashGPU": {…}, "complete": bool});
 * an incomplete one gets signal and pid from the crash and restarted=true, where it lacks them.
 * KCrash before 6.23 never says that it is complete. An older {PID}.ini of another executable is
 * none. 1 found; 0 none; -EPERM: not this user's; -EINVAL (no regular file, or no metadata),
 * -EFBIG, -ELOOP: hostile, left alone; -errno. *ret_name is the file's name beneath cache_fd for
 * kcrash_remove() (caller frees); NULL where there is nothing to remove: DrKonqi's own launcher had
 * consumed the metadata already, and it comes from drkonqi/crashes/ (drkonqi_read()). */
int kcrash_find(int cache_fd, Crash *crash, char **ret_name);
/* Removes it once it is in the index. name may be NULL: nothing. 0 or -errno. */
int kcrash_remove(int cache_fd, const char *name);
/* Removes this user's *.ini in kcrash-metadata, and what reporter.h wrote for DrKonqi 5, that are
 * older than KCRASH_KEEP_USEC. How many went, or -errno. */
int kcrash_sweep(int cache_fd, usec_t now_realtime);
/* Whether the program was killed for hanging: $XDG_CACHE_HOME/drkonqi/application-not-responding/
 * {EXE}.{BOOTID}.{PID}.{TIMESTAMP}.json within 60 s of a SIGABRT. EXE ends at its first dot (KWin
 * takes QFileInfo::baseName()), or is whole; TIMESTAMP is read as the µs that DrKonqi documents or
 * the ms that KWin writes, by its size. 1, 0, -errno. */
int kcrash_was_hung(int cache_fd, const Crash *crash);
/* Parses the text of a metadata file. New reference; NULL with errno set: EINVAL, ENOMEM. Pure. */
json_t *kcrash_parse(const char *text, size_t length);
