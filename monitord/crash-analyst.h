/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Crashes are understood in the background: one after another, each by a child of its own (`vigil
 * crash bt --refresh`), which writes what it found to the index. The index is the queue, too:
 * whatever becomes of the daemon, what is not done yet is done later, and what was begun is counted
 * before it begins, so that a core on which everything dies is not tried for ever.
 * Nothing runs, and nothing is looked at, while nothing waits. */
#include "monitord/crash-analyst-policy.h"
#include "monitord/crash-store.h"
#include "monitord/monitor.h"

typedef struct CrashAnalyst CrashAnalyst;

typedef struct CrashAnalystHandler {
	/* Fills .own, .foreign and .muted of a crash that waits. */
	void (*look)(const CrashRow *row, AnalystCrash *ret, void *userdata);
	/* A new trace is in the index. row: as it is now; signature: that it had before. */
	void (*analyzed)(const CrashRow *row, const char *signature, const CrashTrace *trace,
		void *userdata);
	/* An index function gave this error. */
	void (*index_failed)(int error, void *userdata);
	void *userdata;
} CrashAnalystHandler;

/* monitor and store are borrowed. 0 or -errno. */
int crash_analyst_new(Monitor *monitor, CrashStore *store, const CrashAnalystHandler *handler,
	CrashAnalyst **ret);
/* Ends the child. NULL is fine. */
CrashAnalyst *crash_analyst_free(CrashAnalyst *analyst);

/* Something may wait now: a crash came, the index is another one, the configuration changed. */
void crash_analyst_kick(CrashAnalyst *analyst);
/* The same of what is from before: not in the middle of a login, when all else starts, too. */
void crash_analyst_kick_later(CrashAnalyst *analyst);
/* Whether a crash is of the child itself, or of the program that unwinds for it. */
bool crash_analyst_is_child(const CrashAnalyst *analyst, const Crash *crash);
json_t *crash_analyst_status(const CrashAnalyst *analyst);
