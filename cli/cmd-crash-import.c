/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash import: core files that no journal knows, into the index. */
#include "cli/crash-source.h"
#include "cli/crash-view.h"

#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/text.h"
#include "coredump/core-notes.h"
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>

static int read_core(const char *path, Crash *ret)
{
	_cleanup_(freep) char *absolute = realpath(path, NULL);
	_cleanup_(closep) int fd = -EBADF;
	int r;

	if (!absolute)
		return cli_fail(
			EXIT_FAILED, _("Cannot read the core '%s': %s."), path, strerror(errno));
	fd = open_regular_at(AT_FDCWD, absolute);
	if (fd < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read the core '%s': %s."), path,
			fd == -EINVAL ? _("it is no regular file") : strerror(-fd));
	/* So that its identity is that of its journal entry, if there is one. */
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char machine[64];
	if (read_line_at(root, "etc/machine-id", machine, sizeof machine) == 32)
		memcpy(ret->machine_id, machine, sizeof ret->machine_id);
	r = crash_from_core(fd, strrchr(absolute, '/') + 1, absolute, ret);
	if (r == -EBADMSG)
		return cli_fail(
			EXIT_FAILED, _("'%s' is no core file: nothing was imported."), path);
	if (r < 0)
		return cli_fail(
			EXIT_FAILED, _("Cannot read the core '%s': %s."), path, strerror(-r));
	/* The person at the keyboard vouches for what they name. */
	ret->trust = CRASH_GENUINE;
	return EXIT_DONE;
}

static int show_added(Cli *cli, const CrashSource *source, const Crash *crash, IndexAdded added,
	const char *path, json_t *crashes)
{
	char id[CRASH_ID_DIGITS + 1], program[32], name[16];
	CrashRow row;

	(void)crash_short_id(crash, id);
	if (added == INDEX_FORGOTTEN)
		return cli_fail(EXIT_FAILED,
			_("'%s' is crash %s, which was forgotten: it stays so."), path, id);
	if (cli->options.json) {
		if (index_get(source->index, crash->hash, &row) != 1)
			return cli_fail(EXIT_FAILED, _("Cannot read the index."));
		(void)json_array_append_new(crashes, crash_row_json(source, &row, true));
		index_row_done(&row);
		return EXIT_DONE;
	}
	_cleanup_(freep) char *safe = escaped_terminal(crash_program(crash, program));
	if (!cli->options.quiet)
		strbuf_addf(&cli->out,
			added == INDEX_NEW ? _("%s  %s %s\n") : _("%s  %s %s (was known)\n"), id,
			safe ? safe : "?", crash_signal_name(crash->signal, name));
	return EXIT_DONE;
}

static int import_one(Cli *cli, const CrashSource *source, const char *path, json_t *crashes)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	IndexAdded added = INDEX_KNOWN;
	int r;

	r = read_core(path, &crash);
	if (r != EXIT_DONE)
		return r;
	int error = index_add(source->index, &crash, true, &added);
	if (error < 0)
		return cli_fail(EXIT_FAILED,
			_("Cannot write the index: %s. '%s' was not imported."), strerror(-error),
			path);
	return show_added(cli, source, &crash, added, path, crashes);
}

int cmd_crash_import(Cli *cli, int argc, const char **argv)
{
	_cleanup_(json_decrefp) json_t *crashes = json_array();
	CrashSource source;
	int r, status = EXIT_DONE;

	r = crash_source_open(cli, CRASH_SOURCE_WRITE, &source);
	if (r != EXIT_DONE)
		return r;
	for (int i = 0; i < argc; i++) {
		r = import_one(cli, &source, argv[i], crashes);
		status = r != EXIT_DONE ? r : status;
	}
	crash_source_done(&source);
	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		(void)json_object_set(root, "crashes", crashes);
		r = cli_print_json(cli, root);
	} else {
		r = cli_show(cli);
	}
	return status != EXIT_DONE ? status : r;
}
