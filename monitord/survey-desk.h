/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The last survey, and whoever asks for one over the bus: a fresh one is given at once, others wait
 * for the next. */
#include "survey/survey.h"
#include <systemd/sd-bus.h>

/* Whoever asks in a loop gets the same survey for a second, or for ten times what it cost: so the
 * daemon spends a tenth of a core at most. */
#define SURVEY_FRESH_USEC  USEC_PER_SEC
#define SURVEY_COST_FACTOR 10
#define SURVEY_WAITING_MAX 8

typedef struct SurveyDesk { /* zero-initialise */
	Survey *survey;	    /* the last one, NULL before the first */
	usec_t taken_monotonic;
	char *text; /* the same as JSON, once somebody asked for it */
	sd_bus_message *waiting[SURVEY_WAITING_MAX];
	unsigned n_waiting;
} SurveyDesk;

void survey_desk_done(SurveyDesk *desk);
/* A scan has ended: takes the survey over and answers whoever waits; NULL: it failed with error
 * (negative), which they are told, and the one before stays. */
void survey_desk_take(SurveyDesk *desk, Survey *survey, int error, usec_t now_monotonic);
/* Whether the last survey does for a caller. */
bool survey_desk_is_fresh(const SurveyDesk *desk, usec_t now_monotonic);
/* Answers the call, or has it wait: then *ret_scan is true, and the caller sees to a scan. As a
 * method handler gives. */
int survey_desk_ask(SurveyDesk *desk, sd_bus_message *call, usec_t now_monotonic, bool *ret_scan);
