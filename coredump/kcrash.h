/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* KCrash metadata: what a KDE program wrote about itself while it crashed, as INI (inih) in
 * $XDG_CACHE_HOME/kcrash-metadata/{EXE}.{BOOTID}.{PID}.ini, older {PID}.ini; and DrKonqi's list of
 * programs that were killed because they did not respond. The writer had just crashed: the file
 * must be a regular one of this user, of at most KCRASH_MAX_BYTES, and may be incomplete. */
#include "coredump/record.h"

#define KCRASH_MAX_BYTES ((size_t)256 * 1024)

/* Looks for the metadata of a crash. cache_fd: $XDG_CACHE_HOME. Puts the groups into crash->kcrash
 * ({"KCrash": {…}, "KCrashTags": {…}, "KCrashExtra": {…}, "KCrashGPU": {…}, "complete": bool});
 * an incomplete one gets signal and pid from the crash and restarted=true. 1 found; 0 none;
 * -EPERM: not this user's; -EINVAL, -EFBIG, -ELOOP: hostile, left alone; -errno. *ret_name is the
 * file's name beneath cache_fd for kcrash_remove() (caller frees). */
int kcrash_find(int cache_fd, Crash *crash, char **ret_name);
/* Removes it once it is in the index. 0 or -errno. */
int kcrash_remove(int cache_fd, const char *name);
/* Whether the program was killed for hanging: $XDG_CACHE_HOME/drkonqi/application-not-responding/
 * {EXE}.{BOOTID}.{PID}.{TIMESTAMP_US}.json within 60 s of a SIGABRT. 1, 0, -errno. */
int kcrash_was_hung(int cache_fd, const Crash *crash);
/* Parses the text of a metadata file. New reference; NULL with errno set: EINVAL, ENOMEM. Pure. */
json_t *kcrash_parse(const char *text, size_t length);
