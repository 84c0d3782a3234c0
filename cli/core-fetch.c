/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roads to a core. The last is FetchCore of org.vigil.Helper1: the caller names a crash by its
 * identity and passes an open file; which file is the crash's core is the helper's to find. */
#include "cli/core-fetch.h"

#include "cli/crash-view.h"
#include "cli/helper-call.h"
#include "common/i18n.h"
#include "coredump/core-pin.h"
#include <fcntl.h>
#include <string.h>

/* A password may have to be found, and a large core be copied. */
#define FETCH_TIMEOUT_USEC (30 * USEC_PER_MINUTE)

static int call_helper(const Cli *cli, sd_bus *bus, sd_bus_message *call)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = helper_call(cli, bus, call, FETCH_TIMEOUT_USEC, &error, NULL);
	if (r >= 0)
		return EXIT_DONE;
	if (helper_is_absent(&error))
		return cli_fail(EXIT_FAILED,
			_("You may not read this core, and vigil-helper is not installed to ask for it. Root can: sudo vigil crash dump."));
	return cli_fail(EXIT_FAILED, _("You may not read this core: %s"),
		error.message ? error.message : strerror(-r));
}

static int ask_helper(const Cli *cli, const Crash *crash, int target)
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
	r = helper_call_new(bus, "FetchCore", &call);
	if (r >= 0)
		r = sd_bus_message_append(call, "sh", identity, target);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot make the call: %s."), strerror(-r));
	return call_helper(cli, bus, call);
}

static int read_journal(const CrashSource *source, const Crash *crash, int target)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	int r;

	r = crash->cursor ? crash_source_journal(source, &journal) : -ENOENT;
	if (r >= 0)
		r = crash_journal_write_core(journal, crash->cursor, target);
	return r >= 0 ? EXIT_DONE
		      : cli_fail(EXIT_FAILED,
				_("Cannot read the core out of the journal: %s. Has the entry been rotated away?"),
				strerror(-r));
}

/* By journal or helper, into a file without a name: nothing of it stays. */
static int bring(const Cli *cli, const CrashSource *source, const Crash *crash, CoreState state,
	const char *directory, int *ret_fd)
{
	_cleanup_(closep) int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return cli_fail(EXIT_FAILED, _("Cannot make a file in '%s' for the core: %s."),
			directory, strerror(errno));
	r = state == CORE_JOURNAL ? read_journal(source, crash, fd) : ask_helper(cli, crash, fd);
	if (r == EXIT_DONE)
		*ret_fd = TAKE_FD(fd);
	return r;
}

static int fail_absent(const Crash *crash, const CoreInfo *core)
{
	char id[CRASH_ID_DIGITS + 1];
	const char *why = crash_core_why(crash, core);

	return cli_fail(EXIT_FAILED, _("Crash %s has no core: %s."), crash_short_id(crash, id),
		why ? _(why) : "?");
}

int core_acquire(const Cli *cli, const CrashSource *source, const CrashRow *row,
	const char *directory, int *ret_fd)
{
	const Crash *crash = &row->crash;
	CoreInfo core;
	bool copy;
	int fd;

	crash_core_look(source, row, &core, &copy);
	if (core.state == CORE_JOURNAL || core.state == CORE_INACCESSIBLE)
		return bring(cli, source, crash, core.state, directory, ret_fd);
	if (core.state != CORE_PRESENT && core.state != CORE_TRUNCATED)
		return fail_absent(crash, &core);
	fd = copy ? core_pin_get(source->pins_fd, crash->hash, NULL)
		  : core_open(source->root_fd, crash);
	if (fd < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read the core '%s': %s."),
			crash->core_file ? crash->core_file : "-", strerror(-fd));
	if (core.state == CORE_TRUNCATED && !cli->options.quiet)
		(void)cli_fail(EXIT_DONE, _("Note: this core is incomplete."));
	*ret_fd = fd;
	return EXIT_DONE;
}
