/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A module of the daemon, kded-style: compiled in, listed in modules.c, loaded and unloaded while
 * the daemon runs. The daemon owns the loop, the bus, the configuration and the notifier; a module
 * borrows them through Monitor. */
#include "common/forward.h"
#include <jansson.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct Monitor Monitor;

typedef struct Module {
	const char *name;	 /* "inotify" */
	const char *description; /* one line, N_() */
	bool autoload;		 /* unless [Monitor] Modules= says otherwise */
	/* Starts; *ret_state is the module's own. 0, or -errno and nothing left behind: the others
	 * run on. */
	int (*start)(Monitor *monitor, void **ret_state);
	/* Closes what it showed, frees all. Never fails. */
	void (*stop)(void *state);
	/* SIGHUP or Refresh(): look again now. May be NULL. */
	void (*refresh)(void *state);
	/* What `vigil status` shows of it; new reference. May be NULL. */
	json_t *(*status)(void *state);
	/* Its D-Bus interface at /org/vigil/Monitor1, state as userdata. NULL: none. */
	const char *interface;
	const sd_bus_vtable *vtable;
} Module;
