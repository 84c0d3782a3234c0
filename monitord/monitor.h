/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The daemon as its modules see it. To add a module: write module-NAME.c with one `const Module
 * module_NAME`, list it in modules.c. */
#include "monitord/config.h"
#include "monitord/module.h"
#include "monitord/notifier.h"
#include "monitord/strain.h"

typedef struct MonitorOptions {
	int proc_fd;			/* borrowed: the /proc tree to watch */
	const char *const *config_dirs; /* borrowed, NULL-terminated */
	const char *journal_dir;	/* borrowed: journals to follow; NULL: this machine's */
	const char *state_dir; /* borrowed: where vigil.db is; NULL: the user's own place */
	StrainPlaces strain_places;
	bool verbose; /* one line an event on stdout */
} MonitorOptions;

/* Borrowed by modules; all live as long as the module is loaded. The session bus may be NULL while
 * there is none. */
sd_event *monitor_event(const Monitor *monitor);
sd_bus *monitor_session_bus(const Monitor *monitor);
sd_bus *monitor_system_bus(const Monitor *monitor); /* NULL where there is none */
Notifier *monitor_notifier(const Monitor *monitor);
const MonitorConfig *monitor_config(const Monitor *monitor);
int monitor_proc_fd(const Monitor *monitor);
const MonitorOptions *monitor_options(const Monitor *monitor);
/* Emits a signal of the module's interface; nothing happens without a bus. types as
 * sd_bus_message_append(3). */
void monitor_emit(
	const Monitor *monitor, const char *interface, const char *member, const char *types, ...);
void monitor_emit_changed(const Monitor *monitor, const char *interface, const char *property);
/* One line for a person who watches (--verbose): what happened. */
void monitor_tell(const Monitor *monitor, const char *format, ...) PRINTF_FORMAT(2, 3);

/* Loads configuration and modules, serves until a signal ends it. Exit status of the process. */
int monitor_run(const MonitorOptions *options);
