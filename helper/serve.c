/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The helper's life: take the name, answer, leave when idle. */
#include "helper/serve.h"

#include "common/cleanup.h"
#include "common/log.h"
#include <signal.h>
#include <systemd/sd-event.h>

static int run(sd_event *event, const Helper *helper, usec_t idle_usec)
{
	int r;

	while (sd_event_get_state(event) != SD_EVENT_FINISHED) {
		r = sd_event_run(event, idle_usec);
		if (r < 0)
			return log_error_errno(r, "The event loop failed: %m");
		if (r == 0 && !helper->pending)
			return 0;
	}
	return 0;
}

int helper_serve(sd_bus *bus, const ChangeRoots *roots, int cores_fd, usec_t idle_usec)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	Helper helper = {.roots = *roots, .cores_fd = cores_fd};
	sigset_t signals;
	int r;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGCHLD); /* of copies, see fetch.c */
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	r = sd_event_new(&event);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = helper_export(&helper, bus);
	if (r >= 0)
		r = sd_bus_request_name(bus, HELPER_NAME, 0);
	if (r < 0)
		return log_error_errno(r, "Cannot serve " HELPER_NAME ": %m");
	r = run(event, &helper, idle_usec);
	(void)sd_bus_release_name(bus, HELPER_NAME);
	helper_done(&helper);
	return r;
}
