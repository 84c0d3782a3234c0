/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The registry of modules: which there are, which are loaded, and why one is not. */
#include "monitord/monitor.h"

typedef struct LoadedModule {
	const Module *module;
	bool loaded;
	int error; /* of the last failed start, -errno; 0 none */
	void *state;
	sd_bus_slot *slot; /* its interface on the session bus */
} LoadedModule;

typedef struct ModuleRegistry {
	Monitor *monitor;
	LoadedModule *modules; /* one for each of all_modules */
	size_t n;
} ModuleRegistry;

extern const Module *const all_modules[];
extern const size_t n_all_modules;

/* table: n modules, for tests; the daemon passes all_modules. 0 or -ENOMEM. */
int modules_init(ModuleRegistry *registry, Monitor *monitor, const Module *const *table, size_t n);
/* Stops what is loaded, in reverse. */
void modules_done(ModuleRegistry *registry);
/* wanted: names; NULL: those that load by themselves. A failure is logged and leaves the others
 * running. */
void modules_load_wanted(ModuleRegistry *registry, char *const *wanted);
/* 0; -ENOENT no such module; -EALREADY; or the module's own -errno. */
int modules_load(ModuleRegistry *registry, const char *name);
int modules_unload(ModuleRegistry *registry, const char *name);
void modules_refresh(ModuleRegistry *registry);
/* The bus came (or, NULL, went): puts the interfaces of what is loaded on it. */
void modules_attach_bus(ModuleRegistry *registry, sd_bus *bus);
/* [{name, description, loaded, error?, status?}]. New reference. */
json_t *modules_status(const ModuleRegistry *registry);
