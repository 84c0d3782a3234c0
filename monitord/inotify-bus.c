/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.vigil.Inotify1: unpack, ask the module, reply. */
#include "monitord/inotify.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"

static int method_survey(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Inotify *inotify = userdata;
	bool scan;
	int r;

	(void)error;
	r = survey_desk_ask(&inotify->desk, call, now_usec(CLOCK_MONOTONIC), &scan);
	if (scan)
		inotify_look_now(inotify);
	return r;
}

static void on_raised_for_caller(int error, const char *message, void *userdata)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

	if (error < 0)
		(void)sd_bus_reply_method_errorf(call, SD_BUS_ERROR_FAILED, "%s", message);
	else
		(void)sd_bus_reply_method_return(call, NULL);
}

static int method_raise(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Inotify *inotify = userdata;
	const char *which;
	uint64_t value;
	int r;

	r = sd_bus_message_read(call, "st", &which, &value);
	if (r < 0)
		return r;
	InotifyResource resource = inotify_resource_from_string(which);
	if (resource == INOTIFY_RESOURCE_INVALID)
		return sd_bus_error_set(
			error, SD_BUS_ERROR_INVALID_ARGS, "Expected 'instances' or 'watches'.");
	if (value == 0)
		value = inotify_sensible_value(inotify, resource);
	limit_raiser_raise(
		inotify->raiser, resource, value, on_raised_for_caller, sd_bus_message_ref(call));
	return 1;
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const Inotify *inotify = userdata;
	InotifyResource resource =
		startswith(property, "Instances") ? INOTIFY_INSTANCES : INOTIFY_WATCHES;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	if (streq(property, "Level"))
		return sd_bus_message_append(
			reply, "s", inotify_level_to_string(inotify->decision.level));
	return sd_bus_message_append(reply, "t",
		endswith(property, "Max") ? inotify->reading.max[resource]
					  : inotify->reading.used[resource]);
}

/* clang-format off */
const sd_bus_vtable inotify_bus_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Survey", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_survey, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("RaiseLimit", SD_BUS_ARGS("s", which, "t", value), SD_BUS_NO_RESULT, method_raise, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("InstancesUsed", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("InstancesMax", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("WatchesUsed", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("WatchesMax", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Level", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_SIGNAL_WITH_ARGS("LevelChanged", SD_BUS_ARGS("s", level), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Refused", SD_BUS_ARGS("s", which), 0),
	SD_BUS_VTABLE_END,
};
/* clang-format on */
