/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/debug-core.h"

#include "cli/core-fetch.h"
#include "cli/core-space.h"
#include "cli/debugger-run.h"
#include "cli/interrupt.h"
#include "common/i18n.h"
#include "common/io.h"
#include "coredump/core-file.h"
#include "coredump/core-stream.h"
#include <fcntl.h>
#include <glib.h>
#include <string.h>

#define CORE_NAME "core"

static int make_folder(bool named, DebugCore *core)
{
	/* A sandbox shows nothing of /var/tmp but its own. */
	_cleanup_(freep) char *cache = named ? xdg_cache_dir() : NULL;
	const char *directory = cache ? cache : CORE_SPARE_DIRECTORY;
	int r;

	r = cache ? make_directories(cache) : 0;
	if (r >= 0)
		r = debug_folder_make(directory, &core->folder);
	core->made = r >= 0;
	return r >= 0 ? EXIT_DONE
		      : cli_fail(EXIT_FAILED, _("Cannot make a folder in '%s': %s."), directory,
				strerror(-r));
}

/* Without a name wherever that will do: gone with the debugger, however both of us end. */
static int open_output(const DebugCore *core)
{
	return core->path
		       ? open(core->path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600)
		       : open(CORE_SPARE_DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int fail_copy(const char *directory, int r)
{
	if (r == -EINTR)
		return cli_fail(EXIT_FAILED, _("Interrupted: nothing was kept."));
	return cli_fail(EXIT_FAILED, _("Cannot write the core to '%s': %s. Nothing was kept."),
		directory, strerror(-r));
}

static int decompress(const Cli *cli, int stored, DebugCore *core)
{
	const char *directory = core->path ? core->folder : CORE_SPARE_DIRECTORY;
	_cleanup_(closep) int out = open_output(core);
	CoreCopied copied;
	int r;

	if (out < 0)
		return cli_fail(EXIT_FAILED, _("Cannot make a file in '%s' for the core: %s."),
			directory, strerror(errno));
	r = core_space_check(
		cli, stored, out, directory, _("write it elsewhere with 'vigil crash dump -o'"));
	if (r != EXIT_DONE)
		return r;
	r = core_copy(stored, out, INT64_MAX, interrupt_go_on, NULL, &copied);
	if (r < 0)
		return fail_copy(directory, r);
	core->fd = TAKE_FD(out);
	return EXIT_DONE;
}

static bool is_plain(int fd)
{
	CoreCompression compression;

	return core_compression_detect(fd, &compression) >= 0 && compression == CORE_PLAIN;
}

static int bring(const Cli *cli, int *stored, DebugCore *core)
{
	int r;

	if (!core->path && is_plain(*stored)) {
		core->fd = TAKE_FD(*stored);
	} else {
		r = decompress(cli, *stored, core);
		if (r != EXIT_DONE)
			return r;
		*stored = safe_close(*stored);
	}
	if (core->path || asprintf(&core->path, "/proc/self/fd/%d", core->fd) >= 0)
		return EXIT_DONE;
	core->path = NULL;
	return cli_fail(EXIT_FAILED, _("Out of memory."));
}

int debug_core_bring(const Cli *cli, int *stored, bool named, DebugCore *ret)
{
	DebugCore core = DEBUG_CORE_INIT;
	int r;

	r = make_folder(named, &core);
	if (r == EXIT_DONE && named && asprintf(&core.path, "%s/" CORE_NAME, core.folder) < 0) {
		core.path = NULL;
		r = cli_fail(EXIT_FAILED, _("Out of memory."));
	}
	if (r == EXIT_DONE)
		r = bring(cli, stored, &core);
	if (r != EXIT_DONE) {
		debug_core_done(&core);
		return r;
	}
	*ret = core;
	return EXIT_DONE;
}

int debug_core_name(const Crash *crash, int stored, bool named, DebugCore *ret)
{
	g_autofree char *here = g_get_current_dir();
	bool as_stored = !named && stored >= 0 && is_plain(stored);
	char id[CRASH_ID_DIGITS + 1];
	DebugCore core = DEBUG_CORE_INIT;

	core.folder = strdup(here);
	if (as_stored)
		core.path = strdup(crash->core_file);
	else if (asprintf(&core.path, "%s%s" CORE_NAME ".%s", named ? here : "", named ? "/" : "",
			 crash_short_id(crash, id)) < 0)
		core.path = NULL;
	if (!core.folder || !core.path) {
		debug_core_done(&core);
		return -ENOMEM;
	}
	*ret = core;
	return !as_stored;
}

void debug_core_done(DebugCore *core)
{
	if (core->made)
		debug_folder_remove(core->folder);
	free(core->path);
	free(core->folder);
	(void)safe_close(core->fd);
	*core = (DebugCore)DEBUG_CORE_INIT;
}
