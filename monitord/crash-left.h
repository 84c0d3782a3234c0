/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What nobody was told of yet, gathered for one digest. */
#include "monitord/crash-marks.h"
#include "monitord/crash-notice.h"

#define CRASH_LEFT_MAX	   10000 /* in one digest; the rest waits for the next */
#define CRASH_ATTEMPTS_MAX 2	 /* to tell of a crash: nobody is told more often */

typedef struct CrashLeft { /* owned; crash_left_done() */
	CrashHashes tell;  /* newest first */
	CrashHashes count; /* are not told, but counted */
	CrashDigest digest;
	char *names[CRASH_DIGEST_SHOWN]; /* of digest.rows */
	bool more;
} CrashLeft;

typedef enum CrashChoice {
	CRASH_LEFT_TELL,
	CRASH_LEFT_COUNT, /* it is not to be told */
	CRASH_LEFT_SKIP,  /* it is being told right now */
} CrashChoice;

/* choose is asked for each row that has attempts left. 0 or -errno. */
int crash_left_gather(CrashIndex *index, CrashChoice (*choose)(const CrashRow *row, void *userdata),
	void *userdata, CrashLeft *ret);
void crash_left_done(CrashLeft *left);
