/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What waits in the index to be unwound, each crash judged by the policy; what is not worth it is
 * marked so that it is not looked at again. */
#include "coredump/index.h"
#include "monitord/crash-analyst-policy.h"

typedef struct AnalystQueue { /* borrowed for the call alone */
	CrashIndex *index;
	const AnalystPolicy *policy;
	/* Fills .own, .foreign and .muted. */
	void (*look)(const CrashRow *row, AnalystCrash *ret, void *userdata);
	void *userdata;
} AnalystQueue;

typedef struct AnalystCandidate {
	char hash[CRASH_HASH_SIZE]; /* "": there is none */
	AnalystVerdict verdict;
	usec_t waited; /* since it came */
} AnalystCandidate;

typedef struct AnalystFound {
	AnalystCandidate best;	  /* the newest of the most wanted */
	AnalystCandidate longest; /* that has waited for longest */
	uint64_t left;		  /* marked */
	bool more;		  /* may be there, behind those */
} AnalystFound;

/* Looks at a bounded number, newest first. 0 or -errno. */
int analyst_queue_search(
	const AnalystQueue *queue, usec_t now_realtime, usec_t now_monotonic, AnalystFound *ret);
/* How many wait, judged or not; 0 where that cannot be told. */
uint64_t analyst_queue_length(CrashIndex *index, usec_t now_realtime);
