/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash debug: gdb on the core of a crash. The core is decompressed, sparse, into a file
 * without a name, which is gone when the debugger ends, however it does. */
#include "cli/core-fetch.h"
#include "cli/crash-select.h"

#include "common/i18n.h"
#include "coredump/core-file.h"
#include <fcntl.h>
#include <string.h>

#define DEBUGGER "gdb"

static int decompress(const Cli *cli, const CrashSource *source, const CrashRow *row, int *ret_fd)
{
	_cleanup_(closep) int core = -EBADF;
	CoreCopied copied;
	int r;

	_cleanup_(closep) int out =
		open(CORE_SPARE_DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (out < 0)
		return cli_fail(EXIT_FAILED, _("Cannot make a file in '%s' for the core: %s."),
			CORE_SPARE_DIRECTORY, strerror(errno));
	r = core_acquire(cli, source, row, CORE_SPARE_DIRECTORY, &core);
	if (r != EXIT_DONE)
		return r;
	r = core_copy(core, out, INT64_MAX, NULL, NULL, &copied);
	if (r < 0)
		return cli_fail(EXIT_FAILED,
			_("Cannot write the core to '%s': %s. Nothing was kept."),
			CORE_SPARE_DIRECTORY, strerror(-r));
	*ret_fd = TAKE_FD(out);
	return EXIT_DONE;
}

/* Does not come back where it could be started. No script of the program's or of the folder that we
 * are in is run: the program may be hostile. */
static int start_debugger(const Crash *crash, int core)
{
	char path[64];
	const char *argv[] = {
		DEBUGGER, "-nx", "-iex", "set auto-load no", "-core", path, NULL, NULL};

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", core);
	if (crash->exe && crash->exe[0] == '/' && access(crash->exe, R_OK) == 0)
		argv[ELEMENTSOF(argv) - 2] = crash->exe;
	if (fcntl(core, F_SETFD, 0) < 0)
		return cli_fail(
			EXIT_FAILED, _("Cannot start '%s': %s."), DEBUGGER, strerror(errno));
	(void)execvp(DEBUGGER, (char *const *)argv);
	return errno == ENOENT
		       ? cli_fail(EXIT_FAILED, _("'%s' is not installed: install it."), DEBUGGER)
		       : cli_fail(EXIT_FAILED, _("Cannot start '%s': %s."), DEBUGGER,
				 strerror(errno));
}

int cmd_crash_debug(Cli *cli, int argc, const char **argv)
{
	_cleanup_(closep) int core = -EBADF;
	CrashSource source;
	CrashRow row;
	int r;

	if (cli->options.json)
		return cli_fail(EXIT_USAGE, _("A debugger has no JSON."));
	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	r = crash_select_one(cli, &source, argc ? argv[0] : "latest", &row);
	if (r == EXIT_DONE) {
		r = decompress(cli, &source, &row, &core);
		if (r == EXIT_DONE)
			r = start_debugger(&row.crash, core);
		index_row_done(&row);
	}
	crash_source_done(&source);
	return r;
}
