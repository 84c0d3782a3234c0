/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The call that has the user's systemd run a program in a unit of its own. */
#include "common/forward.h"
#include <systemd/sd-bus.h>

#define SYSTEMD_NAME	  "org.freedesktop.systemd1"
#define SYSTEMD_PATH	  "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER	  "org.freedesktop.systemd1.Manager"
#define SYSTEMD_CALL_USEC (25 * USEC_PER_SEC) /* as sd-bus waits by itself */

typedef struct TransientUnit {
	const char *name, *description;
	const char *path;
	const char *const *argv;
	const char *const *environment; /* added to the manager's */
	int input_fd;			/* borrowed; negative: /dev/null */
	bool forks;			/* Launch.forks */
} TransientUnit;

/* Builds StartTransientUnit(). The unit vanishes when its program ends, however it ends; what a
 * reporter opened meanwhile (a browser) is left alone, an application (forks) takes its own along.
 * An argument that is no UTF-8 is repaired, for D-Bus carries no other; in the environment it is
 * refused. 0, -EILSEQ (start it in another way) or -errno. */
int transient_unit_message(sd_bus *bus, const TransientUnit *unit, sd_bus_message **ret);
