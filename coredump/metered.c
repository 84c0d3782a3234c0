/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/metered.h"

#include "common/cleanup.h"
#include "common/log.h"
#include <syslog.h>
#include <systemd/sd-bus.h>

#define NM_NAME	  "org.freedesktop.NetworkManager"
#define NM_PATH	  "/org/freedesktop/NetworkManager"
#define NM_YES	  1U
#define NM_GUESS  3U /* from what the connection is: a phone's */
#define WAIT_USEC (2 * USEC_PER_SEC)

static int ask(sd_bus *bus, uint32_t *ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
	int r;

	r = sd_bus_message_new_method_call(
		bus, &call, NM_NAME, NM_PATH, "org.freedesktop.DBus.Properties", "Get");
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", NM_NAME, "Metered");
	if (r >= 0)
		r = sd_bus_message_set_auto_start(call, 0);
	if (r >= 0)
		r = sd_bus_call(bus, call, WAIT_USEC, NULL, &reply);
	return r < 0 ? r : sd_bus_message_read(reply, "v", "u", ret);
}

bool network_is_metered(void)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	uint32_t metered = 0;
	int r;

	r = sd_bus_open_system(&bus);
	if (r >= 0) /* the bus itself may be silent, too */
		r = sd_bus_set_method_call_timeout(bus, WAIT_USEC);
	if (r >= 0)
		r = ask(bus, &metered);
	if (r < 0)
		(void)log_debug_errno(
			r, "Nobody says whether the network is metered, ignoring: %m");
	return r >= 0 && (metered == NM_YES || metered == NM_GUESS);
}
