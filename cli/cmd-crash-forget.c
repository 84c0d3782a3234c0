/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash forget: takes crashes off the list for good. */
#include "cli/crash-select.h"
#include "cli/crash-view.h"

#include "common/i18n.h"
#include "common/json.h"
#include <string.h>

static int forget_one(Cli *cli, const CrashSource *source, const char *selector, json_t *ids)
{
	char id[CRASH_ID_DIGITS + 1];
	CrashRow row;
	int r;

	r = crash_select_one(cli, source, selector, &row);
	if (r != EXIT_DONE)
		return r;
	(void)crash_short_id(&row.crash, id);
	if (row.pinned) { /* the copy of its core would stay, and no list would name it */
		index_row_done(&row);
		return cli_fail(
			EXIT_FAILED, _("Crash %s is pinned: vigil crash unpin %s first."), id, id);
	}
	r = index_forget(source->index, row.crash.hash);
	if (r < 0) {
		r = cli_fail(EXIT_FAILED, _("Cannot forget crash %s: %s."), id, strerror(-r));
	} else {
		(void)json_array_append_new(ids, json_string(id));
		if (!cli->options.quiet)
			strbuf_addf(&cli->out,
				_("Crash %s is forgotten: no list shows it again. Its core, if there is one, stays.\n"),
				id);
	}
	index_row_done(&row);
	return r;
}

int cmd_crash_forget(Cli *cli, int argc, const char **argv)
{
	_cleanup_(json_decrefp) json_t *ids = json_array();
	CrashSource source;
	int r;

	r = crash_source_open(cli, CRASH_SOURCE_WRITE, &source);
	if (r != EXIT_DONE)
		return r;
	for (int i = 0; i < argc && r == EXIT_DONE; i++)
		r = forget_one(cli, &source, argv[i], ids);
	crash_source_done(&source);
	if (!cli->options.json) {
		int shown = cli_show(cli); /* what went well before an error, too */
		return r == EXIT_DONE ? shown : r;
	}
	json_t *root = json_object();
	json_add_u64(root, "version", 1);
	(void)json_object_set(root, "forgotten", ids);
	int shown = cli_print_json(cli, root);
	return r == EXIT_DONE ? shown : r;
}
