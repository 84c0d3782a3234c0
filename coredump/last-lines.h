/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a crashed process wrote to the journal just before. It wrote it: raw, bounded here, escaped
 * by whoever shows it. */
#include "coredump/journal.h"

#define LAST_LINES_MAX	      30
#define LAST_LINES_SPAN_USEC  (8 * USEC_PER_SEC)
#define LAST_LINES_TEXT_BYTES 512 /* of one; what is longer is cut */

/* The newest LAST_LINES_MAX entries of its _PID and _BOOT_ID in the LAST_LINES_SPAN_USEC before the
 * crash, oldest first: [{"time": µs, "priority": 0…7, "message": …}]; entries about crashes
 * themselves are left out. No entry has a line where pid, boot or time are not known: []. Seek anew
 * behind it. New reference. 0, -ENOMEM; -errno: the journal cannot be read. */
int last_lines_read(CrashJournal *journal, const Crash *crash, json_t **ret);
