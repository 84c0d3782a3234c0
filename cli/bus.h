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
/* Whether a call to the name would find somebody: one of the two above. */
bool bus_name_reachable(sd_bus *bus, const char *name);
/* org.vigil.Monitor1.Status() of a running daemon as text; caller frees. -errno: no bus, no daemon
 * (never starts one). */
int bus_daemon_status(sd_bus *bus, char **ret);

typedef enum HelperState {
	HELPER_READY, /* runs, or the bus can start it */
	HELPER_ABSENT,
	HELPER_NO_BUS,
} HelperState;

/* Whether limits can be raised through vigil-helper. Never starts it. */
HelperState bus_helper_state(void);
/* The buses as sd_bus_open_user() and sd_bus_open_system() open them, but that no call waits longer
 * than BUS_TIMEOUT_USEC. */
int bus_open_session(sd_bus **ret);
int bus_open_system(sd_bus **ret);
