/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"

/* Counts what an fdinfo file lists: "inotify wd:…" is one watch, "fanotify ino:…", "fanotify
 * mnt_id:…" and "fanotify sdev:…" are one mark ("fanotify flags:…" is the group's own line).
 * Source: fs/notify/fdinfo.c. Fed in pieces of any size: a line may straddle two of them. Unknown
 * lines and absurdly long ones count nothing. */
typedef struct FdinfoCounter {
	uint64_t watches;
	uint64_t marks;
	bool hashing;  /* set by the caller: keep .hash, for telling equal lists without kcmp(2) */
	uint64_t hash; /* of the counted lines, in order */
	char head[24]; /* the start of a line that the last piece broke off */
	unsigned head_length;
	bool in_line; /* the line's kind is decided, its rest is on the way */
	bool counted; /* … and it was counted: its bytes belong to the hash */
} FdinfoCounter;

void fdinfo_feed(FdinfoCounter *counter, const char *data, size_t length);
/* The file has ended: a last line without newline counts too. */
void fdinfo_end(FdinfoCounter *counter);
