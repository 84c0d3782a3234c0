/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking vigil-helper, and a person for a password. */
#include "cli/helper-call.h"

#include "cli/agent.h"
#include "common/names.h"

int helper_call_new(sd_bus *bus, const char *method, sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(
		bus, ret, HELPER_NAME, HELPER_PATH, HELPER_NAME, method);
}

int helper_call(const Cli *cli, sd_bus *bus, sd_bus_message *call, usec_t timeout_usec,
	sd_bus_error *ret_error, sd_bus_message **ret_reply)
{
	int r;

	if (!cli->options.no_ask_password) {
		(void)sd_bus_message_set_allow_interactive_authorization(call, true);
		polkit_agent_start();
	}
	r = sd_bus_call(bus, call, timeout_usec, ret_error, ret_reply);
	polkit_agent_stop();
	return r;
}

bool helper_is_absent(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}
