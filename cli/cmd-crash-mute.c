/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash mute and unmute: of a program, or of exactly one crash, no notification any more. All
 * of them are indexed and listed all the same. */
#include "cli/crash-select.h"
#include "cli/crash-view.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"

typedef struct Mute {
	MuteKind kind;
	char value[4096];
} Mute;

static const char *const kind_names[MUTE_KIND_MAX] = {
	[MUTE_PROGRAM] = "program", [MUTE_SIGNATURE] = "signature"};

/* What was typed means one crash, not a program. */
static bool names_one_crash(const char *selector, const Crash *crash)
{
	size_t n = strlen(selector);
	uint64_t pid;

	return streq(selector, "latest") || parse_u64(selector, INT32_MAX, &pid) == 0 ||
	       (n >= 4 && strncmp(crash->hash, selector, n) == 0);
}

static void set_value(Mute *mute, MuteKind kind, const char *value)
{
	mute->kind = kind;
	(void)snprintf(mute->value, sizeof mute->value, "%s", value);
}

/* A path and a signature stand for themselves; a name is that of a program that has crashed. */
static int resolve(Cli *cli, const CrashSource *source, const char *selector, Mute *ret)
{
	CrashRow row;
	int r;

	if (selector[0] == '/' || crash_is_signature(selector)) {
		set_value(ret, selector[0] == '/' ? MUTE_PROGRAM : MUTE_SIGNATURE, selector);
		return EXIT_DONE;
	}
	r = crash_select_one(cli, source, selector, &row);
	if (r != EXIT_DONE)
		return r;
	const Crash *crash = &row.crash;
	if (names_one_crash(selector, crash))
		set_value(ret, MUTE_SIGNATURE, row.signature);
	else if (crash->exe || crash->comm)
		set_value(ret, MUTE_PROGRAM, crash->exe ? crash->exe : crash->comm);
	else
		r = cli_fail(EXIT_FAILED, _("The crash '%s' does not tell which program it was."),
			selector);
	index_row_done(&row);
	return r;
}

/* ---- the list -------------------------------------------------------------------------------- */

typedef struct MuteList {
	Table *table;
	json_t *mutes;
	size_t n;
} MuteList;

static int add_mute(MuteKind kind, const char *value, usec_t until_realtime, void *userdata)
{
	MuteList *list = userdata;
	json_t *mute = json_object();
	char when[64];

	list->n++;
	json_add_string(mute, "kind", kind_names[kind]);
	json_add_string(mute, "value", value);
	if (until_realtime)
		json_add_u64(mute, "until", until_realtime);
	(void)json_array_append_new(list->mutes, mute);
	table_add(list->table, CELL_PLAIN, kind == MUTE_PROGRAM ? _("program") : _("this crash"));
	table_add(list->table, CELL_PLAIN,
		until_realtime ? format_timestamp(until_realtime, TIMESTAMP_MINUTES, when)
			       : _("for good"));
	table_add(list->table, CELL_BOLD, value);
	return 0;
}

static int list_mutes(Cli *cli, const CrashSource *source)
{
	static const TableColumn columns[] = {{.title = "KIND"}, {.title = "UNTIL"},
		{.title = "MUTED", .elastic = true, .path = true}};
	_cleanup_(table_freep) Table *table = table_new(columns, ELEMENTSOF(columns));
	_cleanup_(json_decrefp) json_t *mutes = json_array();
	MuteList list = {.table = table, .mutes = mutes};
	int r;

	r = table && mutes ? index_mutes(source->index, add_mute, &list) : -ENOMEM;
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r));
	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		(void)json_object_set(root, "mutes", mutes);
		return cli_print_json(cli, root);
	}
	if (list.n == 0)
		cli_note(cli, _("Nothing is muted."));
	else if (!table_print(table, &cli->out, cli->width, cli->colour, !cli->options.no_legend))
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	return cli_show(cli);
}

/* ---- the commands ---------------------------------------------------------------------------- */

static int show_change(Cli *cli, const Mute *mute, bool muted, usec_t until)
{
	char when[64];

	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_bool(root, "muted", muted);
		json_add_string(root, "kind", kind_names[mute->kind]);
		json_add_string(root, "value", mute->value);
		if (until)
			json_add_u64(root, "until", until);
		return cli_print_json(cli, root);
	}
	if (cli->options.quiet)
		return EXIT_DONE;
	_cleanup_(freep) char *safe = escaped_terminal(mute->value);
	const char *what = safe ? safe : "?";
	if (!muted)
		strbuf_addf(&cli->out, _("You are told of crashes of %s again.\n"), what);
	else if (until)
		strbuf_addf(&cli->out,
			_("You are not told of crashes of %s until %s. They are still listed.\n"),
			what, format_timestamp(until, TIMESTAMP_MINUTES, when));
	else
		strbuf_addf(&cli->out,
			_("You are not told of crashes of %s any more. They are still listed.\n"),
			what);
	return cli_show(cli);
}

static int parse_until(const Cli *cli, usec_t *ret)
{
	usec_t now = now_usec(CLOCK_REALTIME);
	const char *text = cli->options.until;

	*ret = 0;
	if (!text)
		return EXIT_DONE;
	if (parse_timestamp(text, now, ret) < 0)
		return cli_fail(EXIT_USAGE,
			_("--until '%s': expected a time like tomorrow, +2h or \"2026-11-24 10:00\"."),
			text);
	if (*ret <= now)
		return cli_fail(EXIT_USAGE, _("--until '%s' is over already."), text);
	return EXIT_DONE;
}

int cmd_crash_mute(Cli *cli, int argc, const char **argv)
{
	CrashSource source;
	usec_t until;
	Mute mute = {};
	int r;

	r = parse_until(cli, &until);
	if (r == EXIT_DONE)
		r = crash_source_open(cli, argc ? CRASH_SOURCE_WRITE : CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	if (argc == 0) {
		r = list_mutes(cli, &source);
	} else if ((r = resolve(cli, &source, argv[0], &mute)) == EXIT_DONE) {
		int error = index_mute(source.index, mute.kind, mute.value, until);
		r = error < 0 ? cli_fail(EXIT_FAILED, _("Cannot mute '%s': %s."), argv[0],
					strerror(-error))
			      : show_change(cli, &mute, true, until);
	}
	crash_source_done(&source);
	return r;
}

int cmd_crash_unmute(Cli *cli, int argc, const char **argv)
{
	CrashSource source;
	Mute mute = {};
	int r;

	(void)argc;
	r = crash_source_open(cli, CRASH_SOURCE_WRITE, &source);
	if (r != EXIT_DONE)
		return r;
	r = resolve(cli, &source, argv[0], &mute);
	if (r == EXIT_DONE) {
		int error = index_unmute(source.index, mute.kind, mute.value);
		if (error == -ENOENT)
			r = cli_fail(EXIT_FAILED,
				_("'%s' is not muted; 'vigil crash mute' lists what is."), argv[0]);
		else if (error < 0)
			r = cli_fail(EXIT_FAILED, _("Cannot unmute '%s': %s."), argv[0],
				strerror(-error));
		else
			r = show_change(cli, &mute, false, 0);
	}
	crash_source_done(&source);
	return r;
}
