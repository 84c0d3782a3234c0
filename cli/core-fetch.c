/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FetchCore of org.vigil.Helper1: the caller names a crash by its identity and passes an open file;
 * which file is the crash's core is the helper's to find. */
#include "cli/core-fetch.h"

#include "cli/agent.h"
#include "cli/bus.h"
#include "common/i18n.h"
#include <string.h>

#define HELPER_NAME "org.vigil.Helper1"
#define HELPER_PATH "/org/vigil/Helper1"
/* A password may have to be found, and a large core be copied. */
#define FETCH_TIMEOUT_USEC (30 * USEC_PER_MINUTE)

static bool is_absent(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

static int call_helper(const Cli *cli, sd_bus *bus, sd_bus_message *call)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	PolkitAgent agent = {};
	int r;

	if (!cli->options.no_ask_password) {
		(void)sd_bus_message_set_allow_interactive_authorization(call, true);
		polkit_agent_start(&agent);
	}
	r = sd_bus_call(bus, call, FETCH_TIMEOUT_USEC, &error, NULL);
	polkit_agent_stop(&agent);
	if (r >= 0)
		return EXIT_DONE;
	if (is_absent(&error))
		return cli_fail(EXIT_FAILED,
			_("You may not read this core, and vigil-helper is not installed to ask for it. Root can: sudo vigil crash dump."));
	return cli_fail(EXIT_FAILED, _("You may not read this core: %s"),
		error.message ? error.message : strerror(-r));
}

int core_fetch(const Cli *cli, const Crash *crash, int target)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	char identity[128];
	int r;

	(void)snprintf(identity, sizeof identity, "%s.%d.%llu", crash->boot_id, crash->pid,
		(unsigned long long)crash->when_realtime);
	r = sd_bus_open_system(&bus);
	if (r < 0)
		return cli_fail(EXIT_FAILED,
			_("You may not read this core, and the system bus cannot be reached to ask for it (%s). Root can: sudo vigil crash dump."),
			strerror(-r));
	r = sd_bus_message_new_method_call(
		bus, &call, HELPER_NAME, HELPER_PATH, HELPER_NAME, "FetchCore");
	if (r >= 0)
		r = sd_bus_message_append(call, "sh", identity, target);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot make the call: %s."), strerror(-r));
	return call_helper(cli, bus, call);
}
