/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How close one user is to a limit, who is to blame, where it is heading. Pure over surveys and
 * samples. */
#include "survey/survey.h"

#define PRESSURE_HOLDERS 3
#define PRESSURE_SAMPLES 64 /* the window of a forecast; older ones fall out */

typedef struct PressureHolder {
	char name[128]; /* as a person calls it; raw */
	pid_t pid;	/* its biggest process */
	uint32_t processes;
	uint64_t count; /* of the resource */
	double share;	/* of the limit, percent; negative: unknown */
	bool one_each;	/* many instances of at most one watch: the library habit */
} PressureHolder;

/* The biggest holders (by application) of a resource among what uid's account is charged. Gives how
 * many, or -ENOMEM. */
int pressure_holders(const Survey *survey, uid_t uid, InotifyResource resource,
	PressureHolder ret[static PRESSURE_HOLDERS]);

typedef struct PressureSample {
	usec_t when_monotonic;
	uint64_t used;
} PressureSample;

typedef struct PressureTrend { /* zero-initialise; one a resource and user (or holder) */
	PressureSample samples[PRESSURE_SAMPLES];
	unsigned n;
} PressureTrend;

/* Takes a sample; the oldest falls out. */
void pressure_trend_add(PressureTrend *trend, usec_t when_monotonic, uint64_t used);
/* Growth per second, over the window or over its last 5 samples, whichever is more; 0 where it does
 * not grow or fewer than 2 samples. */
double pressure_trend_growth(const PressureTrend *trend);
/* When it reaches max at this growth, from its last sample; USEC_INFINITY: never. */
usec_t pressure_trend_full_in(const PressureTrend *trend, uint64_t max);
/* Since it last fell: five samples or more, rising in at least a third of the steps, and at least a
 * quarter more than at first. */
bool pressure_trend_climbs(const PressureTrend *trend);

typedef enum PressureVerdict {
	PRESSURE_NEED,	 /* looks like honest need: raise the limit */
	PRESSURE_LEAK,	 /* one program climbs and climbs: restart it */
	PRESSURE_COPIES, /* many copies of one program */
	PRESSURE_HABIT,	 /* one program with an instance a watch */
} PressureVerdict;

#define PRESSURE_COPIES_MIN 20

/* What the biggest holder and its trend look like. holder NULL: PRESSURE_NEED. */
PressureVerdict pressure_verdict(const PressureHolder *holder, const PressureTrend *holder_trend);
