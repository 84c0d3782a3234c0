/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for NetworkManager on the system bus, as far as its property Metered: metered-network
 * N. Says "ready" once it has the name; ends with its bus. */
#include "common/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

static const sd_bus_vtable vtable[] = {SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Metered", "u", NULL, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END};

int main(int argc, char **argv)
{
	uint64_t value;
	uint32_t metered;
	sd_bus *bus = NULL;
	int r;

	if (argc != 2 || parse_u64(argv[1], UINT32_MAX, &value) < 0)
		return 2;
	metered = (uint32_t)value;
	r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/NetworkManager",
			"org.freedesktop.NetworkManager", vtable, &metered);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.freedesktop.NetworkManager", 0);
	if (r < 0)
		return 1;
	puts("ready");
	(void)fflush(stdout);
	while (r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	sd_bus_flush_close_unref(bus);
	return 0;
}
