/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* When to warn, when to stop, when to look again: pure, over readings. */
#include "survey/pressure.h"

typedef enum InotifyLevel {
	LEVEL_OK,
	LEVEL_WARNING,
	LEVEL_URGENT,
	LEVEL_MAX,
} InotifyLevel;

const char *inotify_level_to_string(InotifyLevel level); /* "ok", "warning", "urgent" */

typedef struct InotifyThresholds {
	uint64_t warn_percent, urgent_percent, clear_percent;
	usec_t idle_interval_usec, close_interval_usec;
} InotifyThresholds;

typedef struct InotifyReading {
	usec_t when_monotonic;
	uint64_t used[INOTIFY_RESOURCE_MAX];
	uint64_t max[INOTIFY_RESOURCE_MAX]; /* 0: unknown */
	bool refused[INOTIFY_RESOURCE_MAX]; /* the canary was */
	usec_t cpu_usec;		    /* what this reading cost */
} InotifyReading;

typedef struct InotifyPolicy { /* zero-initialise */
	InotifyLevel level[INOTIFY_RESOURCE_MAX];
	PressureTrend trend[INOTIFY_RESOURCE_MAX];
	bool ignored;	   /* until restart: the person said so */
	bool dismissed;	   /* the person closed the warning: silent until it gets worse */
	InotifyLevel told; /* what the open episode last told */
} InotifyPolicy;

typedef enum InotifyAction {
	ACTION_NOTHING,
	ACTION_SHOW,   /* a new episode, or it got worse */
	ACTION_UPDATE, /* the same episode, fresh figures, in place */
	ACTION_CLOSE,  /* the cause is gone */
} InotifyAction;

typedef struct InotifyDecision {
	InotifyLevel level;	  /* the worst of both */
	InotifyResource resource; /* the one that is worst off */
	bool level_changed;
	InotifyAction action;
	usec_t full_in_usec; /* forecast for it; USEC_INFINITY: never */
	usec_t next_usec;    /* look again after this span */
} InotifyDecision;

/* Never more than 1 % of a core. */
#define POLICY_COST_FACTOR 100

InotifyDecision inotify_policy_take(
	InotifyPolicy *policy, const InotifyThresholds *thresholds, const InotifyReading *reading);
/* Whether the canary should be asked at this use: close to a limit, or the survey did not see
 * everything. */
bool inotify_policy_wants_canary(const InotifyPolicy *policy, const InotifyThresholds *thresholds,
	const InotifyReading *reading, bool complete);
