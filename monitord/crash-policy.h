/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a person is told of crashes, and when: pure, over small structs with the clock as a
 * parameter. One notification a program and signature, then counts with reminders at 10, 100, …; a
 * crash loop is called one; a token bucket over all; in a flood it only counts, and says so once.
 * What it forgets (the state is bounded) the index still knows, see crash_policy_knows(). */
#include "common/forward.h"

#define CRASH_POLICY_PROGRAMS	64
#define CRASH_POLICY_SIGNATURES 256
#define CRASH_PROGRAM_MAX	128 /* bytes kept of a program's path, its end */

/* So many crashes of one program within this span are a loop; it is over after the pause. */
#define CRASH_LOOP_CRASHES    3
#define CRASH_LOOP_SPAN_USEC  (60 * USEC_PER_SEC)
#define CRASH_LOOP_PAUSE_USEC (10 * USEC_PER_MINUTE)
/* Notifications that pop up: so many at once, then one each refill. */
#define CRASH_BUCKET_SIZE	 5
#define CRASH_BUCKET_REFILL_USEC (30 * USEC_PER_SEC)
/* A flood: a level that each arrival raises by one and each second lowers by the drain. */
#define CRASH_FLOOD_OPENS 40
#define CRASH_FLOOD_CAP	  60 /* so that it ends soon after the crashes do */
#define CRASH_FLOOD_DRAIN 3  /* a second */
/* A signature that was told is no news for so long. */
#define CRASH_NEWS_AGAIN_USEC ((usec_t)7 * 24 * 3600 * USEC_PER_SEC)

typedef enum CrashVerdict {
	CRASH_COUNT,	/* on purpose only counted: the row becomes CRASH_COUNTED */
	CRASH_LEAVE,	/* stays untold: the next digest tells of it */
	CRASH_UPDATE,	/* counted; what is shown of its program gets the new figures, quietly */
	CRASH_ANNOUNCE, /* told at once */
	CRASH_REMIND,	/* a repeat worth telling again */
	CRASH_VERDICT_MAX,
} CrashVerdict;

typedef enum CrashReason {
	CRASH_BECAUSE_NEW,	   /* never told of this signature, or long ago */
	CRASH_BECAUSE_REPEAT,	   /* told already */
	CRASH_BECAUSE_ROUND,	   /* the 10th, 100th, … */
	CRASH_BECAUSE_LOOP,	   /* a loop begins */
	CRASH_BECAUSE_LATE,	   /* it happened before we looked */
	CRASH_BECAUSE_BUSY,	   /* the bucket is empty */
	CRASH_BECAUSE_UNREACHABLE, /* nobody shows notifications now */
	CRASH_BECAUSE_FLOOD,
	CRASH_BECAUSE_OWN,	  /* a part of Vigil, or what it started */
	CRASH_BECAUSE_FOREIGN,	  /* another user's */
	CRASH_BECAUSE_MUTED,	  /* by the person, or the configuration */
	CRASH_BECAUSE_UNVERIFIED, /* anybody may have written it */
	CRASH_REASON_MAX,
} CrashReason;
const char *crash_reason_to_string(CrashReason reason); /* for logs: "a repeat" */

typedef struct CrashArrival {
	const char *signature; /* borrowed */
	const char *program;   /* borrowed: the executable's path, or comm */
	bool genuine, own, foreign, muted, late, unreachable;
	usec_t now_monotonic;
	/* Only looked at where crash_policy_knows() does not hold: crashes of this signature before
	 * this one, and how long ago one of them was told (USEC_INFINITY: never). */
	uint64_t earlier;
	usec_t told_ago_usec;
} CrashArrival;

typedef struct CrashDecision {
	CrashVerdict verdict;
	CrashReason reason;
	uint64_t count;	     /* of this signature, with this one; 0: not counted */
	bool loop;	     /* its program is in a loop: */
	uint64_t loop_count; /* crashes of it so far */
	usec_t loop_usec;    /* since its first */
	bool flood_began;    /* with this one */
} CrashDecision;

typedef struct PolicyProgram {
	char name[CRASH_PROGRAM_MAX]; /* "": free */
	usec_t recent[CRASH_LOOP_CRASHES];
	unsigned n_recent;	 /* filled of it */
	usec_t last, loop_since; /* 0: no loop */
	uint64_t loop_count, flood_count;
} PolicyProgram;

typedef struct PolicySignature {
	char signature[24]; /* "": free */
	usec_t last, news;  /* news: until then it is told already; 0: never was */
	uint64_t count;
} PolicySignature;

typedef struct CrashPolicy { /* zero-initialise */
	PolicyProgram programs[CRASH_POLICY_PROGRAMS];
	PolicySignature signatures[CRASH_POLICY_SIGNATURES];
	double spent; /* tokens of the bucket */
	usec_t spent_at;
	double flood_level;
	usec_t flood_at, flood_since; /* since 0: no flood */
	uint64_t flood_count;
} CrashPolicy;

/* Whether it remembers this signature: then the index need not be asked. */
bool crash_policy_knows(const CrashPolicy *policy, const char *signature);
CrashDecision crash_policy_take(CrashPolicy *policy, const CrashArrival *arrival);
/* What was announced did not reach anybody: the next one of this signature is news again. */
void crash_policy_failed(CrashPolicy *policy, const char *signature);
/* The person, or a digest, knows of this signature now. */
void crash_policy_told(CrashPolicy *policy, const char *signature, usec_t now_monotonic);
/* Crashes told of as `from` turned out to be `to`: what is known of the one goes over to it. */
void crash_policy_became(
	CrashPolicy *policy, const char *from, const char *to, usec_t now_monotonic);

/* Whether a digest (of what was left untold) may pop up now; takes a token if so. */
bool crash_policy_may_digest(CrashPolicy *policy, usec_t now_monotonic);
/* How long until a digest may, or the flood may be over: 0: now. */
usec_t crash_policy_pause(const CrashPolicy *policy, usec_t now_monotonic);

typedef struct CrashFlood {
	uint64_t crashes;
	usec_t span_usec;
	unsigned programs;	     /* at least; CRASH_POLICY_PROGRAMS may be more */
	char top[CRASH_PROGRAM_MAX]; /* the path of the one that crashed most */
	uint64_t top_crashes;
} CrashFlood;
/* Of the flood under way, or of that which just ended. */
void crash_policy_flood(const CrashPolicy *policy, usec_t now_monotonic, CrashFlood *ret);
bool crash_policy_is_flooded(const CrashPolicy *policy);
/* True once, when the flood is over; ret gets its figures. */
bool crash_policy_flood_ended(CrashPolicy *policy, usec_t now_monotonic, CrashFlood *ret);
