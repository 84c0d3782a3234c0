/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A call to vigil-helper, which may ask for a password: with an agent on this terminal for as long
 * as it lasts, unless --no-ask-password. */
#include "cli/cli.h"
#include <systemd/sd-bus.h>

/* Makes a call of one of the helper's methods; the caller appends and unrefs. 0 or -errno. */
int helper_call_new(sd_bus *bus, const char *method, sd_bus_message **ret);
/* As sd_bus_call(3). */
int helper_call(const Cli *cli, sd_bus *bus, sd_bus_message *call, usec_t timeout_usec,
	sd_bus_error *ret_error, sd_bus_message **ret_reply);
/* Whether the error says that there is no helper on this machine, as against one that refused. */
bool helper_is_absent(const sd_bus_error *error);
