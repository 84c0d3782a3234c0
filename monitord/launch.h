/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Starts programs for the person, each so that it outlives the daemon: in a transient unit of its
 * own by the user's systemd (org.freedesktop.systemd1(5), StartTransientUnit), and where there is
 * none, detached. Never a shell of ours, never a wait. */
#include "common/forward.h"
#include <systemd/sd-bus.h>

/* What is started. All borrowed for the call alone. */
typedef struct Launch {
	const char *const *argv;	/* a name without '/' is looked for in PATH and beside us */
	const char *const *environment; /* to be added, NAME=VALUE; NULL: nothing */
	const char *input;		/* for its stdin; NULL: /dev/null */
	const char *unit;		/* "vigil-reporter-ID.service"; its name says what it is */
	const char *description;
	bool terminal; /* it writes for a person: a terminal is opened around it */
	bool forks;    /* it ends at once and what it started stays (gio launch) */
} Launch;

/* 0: begun; what goes wrong later is logged, and where the user's systemd refuses, it is started
 * detached. A unit of that name that runs already is let be. -ENOENT: there is no such program, or
 * no terminal; -E2BIG; -errno. bus: the session's; NULL: none. */
int launch_program(sd_bus *bus, const Launch *launch);

typedef struct LaunchPlaces { /* where programs and desktop entries are; NULL: this process's */
	const char *search_path;
	const char *const *applications; /* folders, NULL-terminated */
} LaunchPlaces;

/* What the Restart button may do. */
typedef struct LaunchRestart {
	char *unit;  /* the user's unit that is to be restarted; NULL: none */
	char **argv; /* what starts the application anew; NULL: nothing */
} LaunchRestart;

/* How a program can be started again. user_unit: the unit it crashed in; app_id: of its desktop
 * entry; either may be NULL. A service of the user's is restarted; transient ones (app-…, run-…,
 * dbus-…) are gone with their process, so their application is launched by its desktop entry,
 * through what is there of gtk-launch(1), gio(1) and kstart. Scopes and the system's units cannot
 * be. True: it can, empty ret with launch_restart_done(); false: no button. */
bool launch_restart_plan(
	const char *user_unit, const char *app_id, const LaunchPlaces *places, LaunchRestart *ret);
void launch_restart_done(LaunchRestart *restart);
/* Does it, as launch_program() does. 0; -ENOENT: it cannot be; -errno. */
int launch_restart(sd_bus *bus, const char *user_unit, const char *app_id);

/* Starts what the Show button shows: command (NULL-terminated words), or, where it is NULL, `vigil
 * inotify` in a terminal. In a unit of its own where systemd started us. Failures are logged. */
void launch_show(char *const *command);
