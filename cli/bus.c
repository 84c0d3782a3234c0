/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short questions to the buses. */
#include "cli/bus.h"

#include "common/cleanup.h"
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

int bus_daemon_status(sd_bus *bus, char **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
	const char *text;
	int r;

	r = sd_bus_message_new_method_call(bus, &call, "org.vigil.Monitor1", "/org/vigil/Monitor1",
		"org.vigil.Monitor1", "Status");
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
