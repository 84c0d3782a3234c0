/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which crash is unwound in the background, when, and how often again: pure, over small structs
 * with clock, pressure and battery as parameters. The queue is the index; here is only what it does
 * not tell: how much was spent lately on crashes of one kind. Of a kind (a signature) that was
 * understood one crash a day is unwound, the others are the same crash; of one that never was,
 * three a day are tried, for a core that hangs the unwinder does so every time. Where nothing but
 * program and signal is known of a crash it may be any: three an hour, and while those are all the
 * same, so are the others. What is left out can still be unwound by a person (vigil crash bt). */
#include "monitord/strain.h"

#define ANALYST_KINDS	     128 /* remembered; the one not seen for longest makes room */
#define ANALYST_RECENT	     3	 /* so many of one kind are tried before it is let be */
#define ANALYST_ATTEMPTS_MAX 3	 /* of one crash; then it is given up */

#define ANALYST_AGAIN_FIRST_USEC ((usec_t)60 * USEC_PER_MINUTE)
#define ANALYST_DAY_USEC	 ((usec_t)24 * 60 * USEC_PER_MINUTE)
#define ANALYST_HOUR_USEC	 ((usec_t)60 * USEC_PER_MINUTE)
/* Older ones are not looked for: their programs were upgraded since. */
#define ANALYST_MAX_AGE_USEC (7 * ANALYST_DAY_USEC)

#define ANALYST_MEMORY_PERCENT	  10.0
#define ANALYST_MEMORY_AGAIN_USEC (2 * USEC_PER_MINUTE)
#define ANALYST_MAINS_AGAIN_USEC  (5 * USEC_PER_MINUTE) /* is it back? */

typedef struct AnalystKind {
	char signature[24];		/* "": free */
	usec_t started[ANALYST_RECENT]; /* the last ones, newest first; 0: none */
	usec_t mistaken; /* when one was expected to be of it and was not; 0: never */
} AnalystKind;

typedef struct AnalystPolicy { /* zero-initialise */
	AnalystKind kinds[ANALYST_KINDS];
} AnalystPolicy;

typedef struct AnalystCrash {
	const char *signature; /* borrowed: what it is expected to turn out to be */
	bool known;	       /* one of this signature was unwound before */
	bool vague;	       /* its own signature is of program and signal alone */
	bool own;	       /* a part of Vigil */
	bool foreign;	       /* another user's */
	bool muted;
	unsigned attempts; /* to unwind it that were begun; then it is due again */
} AnalystCrash;

typedef enum AnalystVerdict {
	ANALYST_LEAVE, /* for good */
	ANALYST_SAME,  /* the same: it is what it was expected to be */
	ANALYST_LAST,  /* when nothing else is to be done */
	ANALYST_NEXT,
} AnalystVerdict;

AnalystVerdict analyst_policy_judge(
	const AnalystPolicy *policy, const AnalystCrash *crash, usec_t now_monotonic);
/* One of this signature is being unwound. */
void analyst_policy_started(AnalystPolicy *policy, const char *signature, usec_t now_monotonic);
/* That one turned out to be a crash of this signature. known: as it was judged. */
void analyst_policy_became(AnalystPolicy *policy, const char *signature, bool known,
	const char *became, usec_t now_monotonic);

/* When an attempt (the first: 1) that comes to nothing is repeated: after this span; 0: never. */
usec_t analyst_policy_again(unsigned attempt);
/* The same where there is a trace, but an incomplete one. had_trace: already before this attempt.
 */
usec_t analyst_policy_complete(unsigned attempt, bool had_trace);

typedef enum AnalystWait {
	ANALYST_READY,
	ANALYST_MEMORY,	 /* it is short */
	ANALYST_BATTERY, /* and the crash has not waited long enough for mains power */
	ANALYST_WAIT_MAX,
} AnalystWait;
/* "memory", "battery"; NULL for ANALYST_READY. */
const char *analyst_wait_to_string(AnalystWait wait);

/* Whether to begin now. waited: since the crash came; battery_wait: UnwindBatteryWaitSec=. Else
 * *ret_again is set: to be asked again after this span. */
AnalystWait analyst_policy_may_begin(
	const Strain *strain, usec_t waited, usec_t battery_wait, usec_t *ret_again);
