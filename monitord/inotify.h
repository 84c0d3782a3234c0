/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The inotify module's own: what its files share. It looks (module-inotify.c), tells of what it saw
 * (inotify-tell.c), and the bus asks (inotify-bus.c). What it decides is in inotify-policy.c, what
 * it says in inotify-warning.c. Nothing in it takes an inotify instance but the canary, which lets
 * go at once. */
#include "common/names.h"
#include "monitord/inotify-policy.h"
#include "monitord/limit-raiser.h"
#include "monitord/monitor.h"
#include "monitord/scan-worker.h"
#include "monitord/survey-desk.h"

typedef struct Inotify {
	Monitor *monitor;
	ScanWorker *worker;
	sd_event_source *timer;
	LimitRaiser *raiser;
	InotifyPolicy policy;
	InotifyReading reading;
	InotifyDecision decision;
	PressureTrend holder_trend; /* of the biggest holder, whose name is below */
	char holder_name[128];
	SurveyDesk desk;
	uint32_t handle;	/* of the open notification, 0 none */
	bool undelivered;	/* nobody saw it yet */
	bool look_again;	/* a refresh came while a scan ran */
	InotifyResource raised; /* the last one that the button asked for */
	char *trouble;		/* why raising failed */
} Inotify;

/* ---- module-inotify.c */

/* Surveys now, not at the timer's next time. */
void inotify_look_now(Inotify *inotify);

/* ---- inotify-tell.c */

/* Does what the decision of the last look says: shows, updates or closes the warning. */
void inotify_tell(Inotify *inotify);
/* What to raise to where nobody named a value: the last survey knows the use. 0: the helper's own
 * step. */
uint64_t inotify_sensible_value(const Inotify *inotify, InotifyResource resource);

/* ---- inotify-bus.c */

extern const sd_bus_vtable inotify_bus_vtable[];
