/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short questions to the buses. */
#include "cli/bus.h"

#include "common/cleanup.h"
#include "common/names.h"
#include "common/text.h"

int bus_name_owned(sd_bus *bus, const char *name)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int owned = 0;
	int r;

	r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
		"org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s", name);
	if (r >= 0)
		r = sd_bus_message_read(reply, "b", &owned);
	return r < 0 ? r : owned;
}

int bus_name_activatable(sd_bus *bus, const char *name)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *entry;
	int r;

	r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
		"org.freedesktop.DBus", "ListActivatableNames", NULL, &reply, NULL);
	if (r >= 0)
		r = sd_bus_message_enter_container(reply, 'a', "s");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(reply, "s", &entry)) > 0)
		if (streq(entry, name))
			return 1;
	return r;
}

bool bus_name_reachable(sd_bus *bus, const char *name)
{
	return bus_name_owned(bus, name) > 0 || bus_name_activatable(bus, name) > 0;
}

int bus_daemon_status(sd_bus *bus, char **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
	const char *text;
	int r;

	r = sd_bus_message_new_method_call(
		bus, &call, MONITOR_NAME, MONITOR_PATH, MONITOR_NAME, "Status");
	if (r >= 0)
		r = sd_bus_message_set_auto_start(call, false);
	if (r >= 0)
		r = sd_bus_call(bus, call, BUS_TIMEOUT_USEC, NULL, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "s", &text);
	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int open_bus(int (*open)(sd_bus **), sd_bus **ret)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	int r;

	r = open(&bus);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, BUS_TIMEOUT_USEC);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(bus);
	return 0;
}

int bus_open_session(sd_bus **ret)
{
	return open_bus(sd_bus_open_user, ret);
}

int bus_open_system(sd_bus **ret)
{
	return open_bus(sd_bus_open_system, ret);
}

HelperState bus_helper_state(void)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

	if (bus_open_system(&bus) < 0)
		return HELPER_NO_BUS;
	return bus_name_reachable(bus, HELPER_NAME) ? HELPER_READY : HELPER_ABSENT;
}
