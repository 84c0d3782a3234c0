/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.vigil.Monitor1: unpack, call, reply. */
#include "monitord/monitor-bus.h"

#include "common/cleanup.h"
#include "common/json.h"

static int method_load(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const char *name;
	int r;

	r = sd_bus_message_read(call, "s", &name);
	if (r >= 0)
		r = modules_load(userdata, name);
	if (r == -ENOENT)
		return sd_bus_error_set(
			error, SD_BUS_ERROR_INVALID_ARGS, "There is no such module.");
	return r < 0 && r != -EALREADY ? r : sd_bus_reply_method_return(call, NULL);
}

static int method_unload(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const char *name;
	int r;

	r = sd_bus_message_read(call, "s", &name);
	if (r >= 0)
		r = modules_unload(userdata, name);
	if (r == -ENOENT)
		return sd_bus_error_set(
			error, SD_BUS_ERROR_INVALID_ARGS, "There is no such module.");
	return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int method_loaded(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const ModuleRegistry *registry = userdata;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	(void)error;
	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "s");
	for (size_t i = 0; i < registry->n && r >= 0; i++)
		if (registry->modules[i].loaded)
			r = sd_bus_message_append(reply, "s", registry->modules[i].module->name);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_refresh(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	(void)error;
	modules_refresh(userdata);
	return sd_bus_reply_method_return(call, NULL);
}

static int method_status(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_(json_decrefp) json_t *root = json_object();
	_cleanup_(freep) char *text = NULL;

	(void)error;
	json_add_u64(root, "versionOfFormat", 1);
	json_add_string(root, "version", VIGIL_VERSION);
	(void)json_object_set_new(root, "modules", modules_status(userdata));
	text = json_dumps(root, JSON_COMPACT);
	return text ? sd_bus_reply_method_return(call, "s", text) : -ENOMEM;
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)userdata;
	(void)error;
	return sd_bus_message_append(reply, "s", VIGIL_VERSION);
}

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("LoadModule", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT, method_load, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("UnloadModule", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT, method_unload, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("LoadedModules", SD_BUS_NO_ARGS, SD_BUS_RESULT("as", names), method_loaded, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Refresh", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_refresh, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Status", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_status, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

int monitor_bus_export(sd_bus *bus, ModuleRegistry *registry)
{
	return sd_bus_add_object_vtable(bus, NULL, MONITOR_PATH, MONITOR_NAME, vtable, registry);
}
