/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A peer that owns a name on a bus, says "called" for each method call, and answers none:
 * silent-owner ADDRESS NAME. Ends with its stdin. */
#include "common/cleanup.h"
#include "common/forward.h"
#include <poll.h>
#include <systemd/sd-bus.h>

static int take(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	if (!sd_bus_message_is_method_call(message, NULL, NULL))
		return 0;
	(void)puts("called");
	(void)fflush(stdout);
	return 1;
}

static int serve(sd_bus *bus)
{
	for (;;) {
		struct pollfd fds[] = {{.fd = sd_bus_get_fd(bus), .events = POLLIN},
			{.fd = STDIN_FILENO, .events = POLLIN}};
		int r = sd_bus_process(bus, NULL);

		if (r < 0)
			return 1;
		if (r == 0 && poll(fds, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (r == 0 && fds[1].revents)
			return 0;
	}
}

int main(int argc, char **argv)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	int r;

	if (argc != 3)
		return 2;
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_address(bus, argv[1]);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, true);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = sd_bus_add_filter(bus, NULL, take, NULL);
	if (r >= 0)
		r = sd_bus_request_name(bus, argv[2], 0);
	if (r < 0)
		return 1;
	(void)puts("owned");
	(void)fflush(stdout);
	return serve(bus);
}
