/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash pin and unpin: a pinned crash is never dropped from the index, and Vigil keeps a copy
 * of its core when systemd lets go of it. */
#include "cli/core-fetch.h"
#include "cli/crash-select.h"
#include "cli/crash-view.h"

#include "common/i18n.h"
#include "common/text.h"
#include "coredump/core-pin.h"

static int fail_pin(const char *id, int r)
{
	char bytes[32];

	if (r == -EDQUOT)
		return cli_fail(EXIT_FAILED,
			_("The copy of crash %s would exceed what pinned cores may take together (%s): unpin others first ('vigil crash list --all' marks them)."),
			id, format_bytes(CORE_PINS_MAX, bytes));
	return cli_fail(EXIT_FAILED, _("Cannot keep a copy of the core of crash %s: %s."), id,
		strerror(-r));
}

/* Without a core the row alone is pinned. */
static int keep_copy(
	Cli *cli, const CrashSource *source, const CrashRow *row, const char *id, bool *ret_copied)
{
	_cleanup_(freep) char *path = core_pins_path();
	_cleanup_(closep) int pins = path ? core_pins_open(path, true) : -ENOENT, core = -EBADF;
	CoreInfo info;
	int r;

	*ret_copied = false;
	if (pins < 0)
		return cli_fail(EXIT_FAILED, _("Cannot use '%s' for copies of cores: %s."),
			path ? path : "-", strerror(-pins));
	crash_core_look(source, row, &info, NULL);
	if (info.state == CORE_NONE || info.state == CORE_MISSING || info.state == CORE_ERROR)
		return EXIT_DONE;
	r = core_acquire(cli, source, row, path, &core);
	if (r != EXIT_DONE)
		return r;
	r = core_pin(pins, core, row->crash.hash, CORE_PINS_MAX, NULL, NULL);
	*ret_copied = true;
	return r < 0 && r != -EEXIST ? fail_pin(id, r) : EXIT_DONE;
}

static int pin_one(Cli *cli, const CrashSource *source, const char *selector, json_t *ids)
{
	char id[CRASH_ID_DIGITS + 1];
	CrashRow row;
	bool copied;
	int r;

	r = crash_select_one(cli, source, selector, &row);
	if (r != EXIT_DONE)
		return r;
	(void)crash_short_id(&row.crash, id);
	r = keep_copy(cli, source, &row, id, &copied);
	if (r == EXIT_DONE) {
		int error = index_set_pinned(source->index, row.crash.hash, true);
		if (error < 0)
			r = cli_fail(
				EXIT_FAILED, _("Cannot pin crash %s: %s."), id, strerror(-error));
	}
	if (r == EXIT_DONE) {
		(void)json_array_append_new(ids, json_string(id));
		if (!cli->options.quiet)
			strbuf_addf(&cli->out,
				copied ? _("Crash %s is pinned: it stays listed, and Vigil keeps a copy of its core.\n")
				       : _("Crash %s is pinned: it stays listed. It has no core to be kept.\n"),
				id);
	}
	index_row_done(&row);
	return r;
}

static int unpin_one(Cli *cli, const CrashSource *source, const char *selector, json_t *ids)
{
	char id[CRASH_ID_DIGITS + 1];
	CrashRow row;
	int r;

	r = crash_select_one(cli, source, selector, &row);
	if (r != EXIT_DONE)
		return r;
	(void)crash_short_id(&row.crash, id);
	bool copied = source->pins_fd >= 0 && core_unpin(source->pins_fd, row.crash.hash) >= 0;
	int error = index_set_pinned(source->index, row.crash.hash, false);
	if (error < 0) {
		r = cli_fail(EXIT_FAILED, _("Cannot unpin crash %s: %s."), id, strerror(-error));
	} else if (!row.pinned && !copied) {
		r = cli_fail(EXIT_FAILED, _("Crash %s is not pinned."), id);
	} else {
		(void)json_array_append_new(ids, json_string(id));
		if (!cli->options.quiet)
			strbuf_addf(&cli->out,
				copied ? _("Crash %s is not pinned any more; the copy of its core is gone.\n")
				       : _("Crash %s is not pinned any more.\n"),
				id);
	}
	index_row_done(&row);
	return r;
}

static json_t *document(bool pinned)
{
	return json_pack("{sisb}", "version", 1, "pinned", pinned);
}

int cmd_crash_pin(Cli *cli, int argc, const char **argv)
{
	return crash_change_each(cli, argc, argv, document(true), "crashes", pin_one);
}

int cmd_crash_unpin(Cli *cli, int argc, const char **argv)
{
	return crash_change_each(cli, argc, argv, document(false), "crashes", unpin_one);
}
