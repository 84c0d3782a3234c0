/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is said of a crash, of several, of a flood; and which buttons make sense for it. Pure: facts
 * in, text out (translated; names come from what crashed, so they are cut and escaped). A summary
 * is plain text, a body has markup where asked for. */
#include "common/strbuf.h"
#include "monitord/crash-policy.h"
#include "monitord/notifier.h"
#include "survey/crash-app.h"

#define CRASH_NAME_MAX 60 /* bytes of a name that are shown */

typedef struct CrashNotice { /* all borrowed */
	const CrashApp *app;
	const char *exe;   /* NULL: not known */
	const char *words; /* crash_signal_words() */
	int signal;
	bool hung;	/* it was killed because it did not respond */
	bool truncated; /* its core is incomplete */
	uint64_t count; /* of this very crash so far */
	bool loop;
	uint64_t loop_count;
	usec_t loop_usec;
	usec_t when_realtime; /* where it is not just now; 0 */
	/* Where it happened, once that is known; NULL. */
	const char *function, *module;
} CrashNotice;

void crash_notice_summary(const CrashNotice *notice, StrBuf *out);
void crash_notice_body(const CrashNotice *notice, bool markup, usec_t now_realtime, StrBuf *out);

typedef struct CrashButtons {
	bool reporter;	/* there is something that reports */
	bool developer; /* Developer= of vigil.conf */
	bool restart;	/* there is a unit or an application that can be started again */
} CrashButtons;
/* Ids: "default" and "details", "report", "debug", "restart", "ignore". How many there are. */
size_t crash_notice_actions(const CrashNotice *notice, const CrashButtons *buttons,
	NotificationAction ret[static NOTIFICATION_ACTIONS_MAX]);

#define CRASH_DIGEST_SHOWN 5

typedef struct CrashDigestRow {
	const char *name; /* borrowed */
	uint64_t count;
} CrashDigestRow;

typedef struct CrashDigest {			 /* what was left untold */
	CrashDigestRow rows[CRASH_DIGEST_SHOWN]; /* most first */
	size_t n_rows;
	uint64_t programs, crashes; /* of all, not of the rows alone */
	usec_t since_realtime;
} CrashDigest;

void crash_digest_summary(const CrashDigest *digest, usec_t now_realtime, StrBuf *out);
void crash_digest_body(const CrashDigest *digest, bool markup, StrBuf *out);
/* digest: of what the flood left untold; NULL: it is not over yet, or nothing. */
void crash_flood_summary(const CrashFlood *flood, bool over, StrBuf *out);
void crash_flood_body(
	const CrashFlood *flood, bool over, const CrashDigest *digest, bool markup, StrBuf *out);

/* "14:05" today, "Monday 14:05" within a week, else the date; local time, buf must hold 64 bytes.
 */
const char *crash_notice_when(usec_t realtime, usec_t now_realtime, char buf[static 64]);
