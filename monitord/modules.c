/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading, unloading, and the table of what there is. */
#include "monitord/modules.h"

#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"
#include "monitord/monitor-bus.h"

extern const Module module_coredump, module_inotify;

/* The journal takes its inotify instance before anything else does. */
const Module *const all_modules[] = {&module_coredump, &module_inotify};
const size_t n_all_modules = ELEMENTSOF(all_modules);

int modules_init(ModuleRegistry *registry, Monitor *monitor, const Module *const *table, size_t n)
{
	*registry = (ModuleRegistry){
		.monitor = monitor, .modules = calloc(n, sizeof *registry->modules), .n = n};
	if (!registry->modules)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		registry->modules[i].module = table[i];
	return 0;
}

static LoadedModule *find(const ModuleRegistry *registry, const char *name)
{
	for (size_t i = 0; i < registry->n; i++)
		if (streq(registry->modules[i].module->name, name))
			return &registry->modules[i];
	return NULL;
}

static void attach(LoadedModule *loaded, sd_bus *bus)
{
	int r;

	loaded->slot = sd_bus_slot_unref(loaded->slot);
	if (!bus || !loaded->loaded || !loaded->module->interface)
		return;
	r = sd_bus_add_object_vtable(bus, &loaded->slot, MONITOR_PATH, loaded->module->interface,
		loaded->module->vtable, loaded->state);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot export %s: %m", loaded->module->interface);
}

static int load(ModuleRegistry *registry, LoadedModule *loaded)
{
	int r;

	if (loaded->loaded)
		return -EALREADY;
	r = loaded->module->start(registry->monitor, &loaded->state);
	loaded->error = r < 0 ? r : 0;
	if (r < 0)
		return log_warning_errno(r, "Module %s could not be started, the others go on: %m",
			loaded->module->name);
	loaded->loaded = true;
	attach(loaded, monitor_session_bus(registry->monitor));
	log_debug("Module %s is loaded", loaded->module->name);
	return 0;
}

static void unload(LoadedModule *loaded)
{
	if (!loaded->loaded)
		return;
	loaded->slot = sd_bus_slot_unref(loaded->slot);
	loaded->module->stop(loaded->state);
	loaded->state = NULL;
	loaded->loaded = false;
}

int modules_load(ModuleRegistry *registry, const char *name)
{
	LoadedModule *loaded = find(registry, name);
	return loaded ? load(registry, loaded) : -ENOENT;
}

int modules_unload(ModuleRegistry *registry, const char *name)
{
	LoadedModule *loaded = find(registry, name);

	if (!loaded)
		return -ENOENT;
	unload(loaded);
	return 0;
}

void modules_load_wanted(ModuleRegistry *registry, char *const *wanted)
{
	for (size_t i = 0; !wanted && i < registry->n; i++)
		if (registry->modules[i].module->autoload)
			(void)load(registry, &registry->modules[i]);
	for (; wanted && *wanted; wanted++)
		if (modules_load(registry, *wanted) == -ENOENT)
			log_warning("vigil.conf: there is no module '%s'", *wanted);
}

void modules_done(ModuleRegistry *registry)
{
	for (size_t i = registry->n; i > 0; i--)
		unload(&registry->modules[i - 1]);
	free(registry->modules);
	*registry = (ModuleRegistry){};
}

void modules_refresh(ModuleRegistry *registry)
{
	for (size_t i = 0; i < registry->n; i++)
		if (registry->modules[i].loaded && registry->modules[i].module->refresh)
			registry->modules[i].module->refresh(registry->modules[i].state);
}

void modules_attach_bus(ModuleRegistry *registry, sd_bus *bus)
{
	for (size_t i = 0; i < registry->n; i++)
		attach(&registry->modules[i], bus);
}

json_t *modules_status(const ModuleRegistry *registry)
{
	json_t *array = json_array();

	for (size_t i = 0; i < registry->n; i++) {
		const LoadedModule *loaded = &registry->modules[i];
		json_t *object = json_object();

		json_add_string(object, "name", loaded->module->name);
		json_add_string(object, "description", _(loaded->module->description));
		json_add_bool(object, "loaded", loaded->loaded);
		if (loaded->error)
			json_add_string(object, "error", strerror(-loaded->error));
		if (loaded->loaded && loaded->module->status)
			(void)json_object_set_new(
				object, "status", loaded->module->status(loaded->state));
		(void)json_array_append_new(array, object);
	}
	return array;
}
