/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* vigil.conf(5): every setting is a row of config_rows, from which the manual page is checked. */
#include "common/conf.h"
#include "coredump/index.h"

typedef struct MonitorConfig {
	char **modules; /* to load; NULL: those that load by themselves */
	usec_t idle_interval_usec;
	usec_t close_interval_usec;
	uint64_t warn_percent, urgent_percent, clear_percent;
	char **show_command; /* what the Show button runs; NULL: a terminal with `vigil inotify` */

	bool crash_notify;	  /* false: crashes are only listed */
	char **crash_reporter;	  /* "auto", "drkonqi", "builtin", or a command; NULL: auto */
	bool crash_developer;	  /* a Debug button */
	char **crash_debugger;	  /* and its arguments; NULL: gdb */
	bool crash_other_users;	  /* tell of crashes of other users, too */
	char **crash_ignore;	  /* patterns of programs; NULL: none */
	char **crash_sources;	  /* "journal", "socket", "directory"; NULL: as fits the machine */
	char **crash_directories; /* where core files are; NULL: where core_pattern says */
	bool crash_unwind;	  /* backtraces in the background */
	usec_t crash_unwind_timeout_usec;
	usec_t crash_unwind_battery_usec; /* how long one waits for mains power; 0: not at all */
	bool crash_debuginfod;		  /* debug information from the network for them */
	usec_t crash_max_age_usec;
	uint64_t crash_max_use_bytes;
} MonitorConfig;

extern const ConfRow config_rows[];
extern const size_t config_n_rows;

/* Defaults, then the files of dirs. Complaints are logged as warnings. Never fails; config_done()
 * empties it. */
void config_load(MonitorConfig *ret, const char *const *dirs);
void config_done(MonitorConfig *config);

typedef struct ConfigPlaces { /* config_places_done() */
	char *user;	      /* owned */
	const char *dirs[4];  /* NULL-terminated, the lowest first; .user is the last */
} ConfigPlaces;
/* Where vigil.conf is read from as this Vigil was installed: the distribution's, the
 * administrator's, the person's. Without a home the last is left out. */
void config_places(ConfigPlaces *ret);
void config_places_done(ConfigPlaces *places);

#define CONFIG_DIRECTORIES_MAX 16
/* Where core files are looked for beside where the kernel's pattern says: the home ($HOME), then
 * Directories=. NULL-terminated, borrowed; what is more than fits is left out. */
void config_crash_directories(
	const MonitorConfig *config, const char *ret[static CONFIG_DIRECTORIES_MAX]);
/* What the index may hold: its own hard cap, MaxUse= and MaxAge=. */
IndexBounds config_index_bounds(const MonitorConfig *config);
