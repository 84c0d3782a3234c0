/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash forget: takes crashes off the list for good. */
#include "cli/crash-select.h"
#include "cli/crash-view.h"

#include "common/i18n.h"
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
	return crash_change_each(
		cli, argc, argv, json_pack("{si}", "version", 1), "forgotten", forget_one);
}
