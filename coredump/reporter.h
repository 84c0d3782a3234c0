/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which crash reporter to start for a crash, with which arguments and files. Decides; starting it
 * is the daemon's (monitord/launch.h). */
#include "coredump/record.h"

typedef enum ReporterChoice { /* CrashReporter= of vigil.conf */
	REPORTER_AUTO, /* DrKonqi where there is KCrash metadata and it is installed, else builtin
			*/
	REPORTER_DRKONQI,
	REPORTER_BUILTIN, /* vigil crash report ID */
	REPORTER_COMMAND, /* gets the crash as JSON on stdin and in VIGIL_CRASH_* variables */
} ReporterChoice;

typedef struct Reporter {
	ReporterChoice kind; /* never REPORTER_AUTO */
	char **argv;	     /* owned, NULL-terminated */
	char **environment;  /* owned, NULL-terminated; to be added: NAME=VALUE */
	char *input;	     /* for its stdin; NULL: none. Owned */
} Reporter;

typedef struct ReporterSetup {
	ReporterChoice choice;
	char *const *command;	/* for REPORTER_COMMAND */
	const char *drkonqi;	/* path of it; NULL: not installed */
	unsigned drkonqi_major; /* 5 or 6, from `drkonqi --version`; 0: unknown, taken as 6 */
	int cache_fd; /* $XDG_CACHE_HOME, where its metadata file is written; and its path */
	const char *cache_path;
	bool kde_debug; /* KDE_DEBUG is set: DrKonqi is not started */
	bool picked_up; /* the crash is one of a catch-up */
} ReporterSetup;

/* 0; -ENOENT: none is to be started for this crash (the choice is drkonqi and it is not there, it
 * is drkonqi itself that crashed, KDE_DEBUG); -errno: its files could not be written. Empties with
 * reporter_done(). */
int reporter_choose(const ReporterSetup *setup, const Crash *crash, Reporter *ret);
void reporter_done(Reporter *reporter);
