/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"
#include <systemd/sd-bus.h>

/* D-Bus as the CLI needs it: short calls that a missing bus or daemon must not delay. */
#define BUS_TIMEOUT_USEC (2 * USEC_PER_SEC)

/* Whether somebody owns the name; -errno without a bus. */
int bus_name_owned(sd_bus *bus, const char *name);
/* Whether the bus could start it. */
int bus_name_activatable(sd_bus *bus, const char *name);
/* org.vigil.Monitor1.Status() of a running daemon as text; caller frees. -errno: no bus, no daemon
 * (never starts one). */
int bus_daemon_status(sd_bus *bus, char **ret);
