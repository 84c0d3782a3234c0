/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* vigil.conf(5): every setting is a row of config_rows, from which the manual page is checked. */
#include "common/conf.h"

typedef struct MonitorConfig {
	char **modules; /* to load; NULL: those that load by themselves */
	usec_t idle_interval_usec;
	usec_t close_interval_usec;
	uint64_t warn_percent, urgent_percent, clear_percent;
	char **show_command; /* what the Show button runs; NULL: a terminal with `vigil inotify` */
} MonitorConfig;

extern const ConfRow config_rows[];
extern const size_t config_n_rows;

/* Defaults, then the files of dirs. Complaints are logged as warnings. Never fails; config_done()
 * empties it. */
void config_load(MonitorConfig *ret, const char *const *dirs);
void config_done(MonitorConfig *config);
