/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash note: a person's own words on a crash, and on all that are the same. */
#include "cli/crash-select.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"

/* A signature stands for itself where there is such a crash; all else names one crash. */
static int resolve(const Cli *cli, const CrashSource *source, const char *selector,
	char ret[static CRASH_SIGNATURE_SIZE])
{
	CrashRow row;
	int r;

	if (crash_is_signature(selector)) {
		const CrashMatch match = {.field = "signature", .value = selector};
		const CrashQuery query = {.matches = &match, .n_matches = 1};
		uint64_t n = 0;
		r = index_count(source->index, &query, &n);
		if (r < 0)
			return cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r));
		if (n == 0)
			return cli_fail(
				EXIT_FAILED, _("No crash has the signature '%s'."), selector);
		memcpy(ret, selector, CRASH_SIGNATURE_SIZE);
		return EXIT_DONE;
	}
	r = crash_select_one(cli, source, selector, &row);
	if (r != EXIT_DONE)
		return r;
	memcpy(ret, row.signature, CRASH_SIGNATURE_SIZE);
	index_row_done(&row);
	return EXIT_DONE;
}

/* note: NULL: there is none. */
static int show(Cli *cli, const char *signature, const char *note, usec_t when)
{
	if (!cli->options.json) {
		_cleanup_(freep) char *safe = note ? escaped_terminal(note) : NULL;
		if (safe)
			strbuf_addf(&cli->out, "%s\n", safe);
		return cli_show(cli);
	}
	json_t *root = json_object();
	json_add_u64(root, "version", 1);
	json_add_string(root, "signature", signature);
	json_add_string(root, "note", note);
	if (note)
		json_add_u64(root, "time", when);
	return cli_print_json(cli, root);
}

static int read_note(Cli *cli, CrashIndex *index, const char *selector, const char *signature)
{
	_cleanup_(freep) char *note = NULL;
	usec_t when = 0;
	int r;

	r = index_get_note(index, signature, &note, &when);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r));
	if (r == 0 && !cli->options.json)
		return cli_fail(EXIT_FAILED, _("There is no note on '%s'."), selector);
	return show(cli, signature, note, when);
}

static int write_note(
	Cli *cli, CrashIndex *index, const char *selector, const char *signature, const char *note)
{
	usec_t now = now_usec(CLOCK_REALTIME);
	int r;

	r = index_set_note(index, signature, note, now);
	if (r == -ENOENT)
		return cli_fail(EXIT_FAILED, _("There is no note on '%s'."), selector);
	if (r == -E2BIG)
		return cli_fail(EXIT_FAILED, _("A note may be %zu bytes long, not %zu."),
			CRASH_NOTE_MAX, note ? strlen(note) : 0);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot write the note: %s."), strerror(-r));
	if (cli->options.quiet && !cli->options.json)
		return EXIT_DONE;
	return show(cli, signature, note, now);
}

/* The words of a note need no quotes. Caller frees; NULL: no memory. */
static char *join(int argc, const char **argv)
{
	_cleanup_(strbuf_done) StrBuf text = {};

	for (int i = 0; i < argc; i++)
		strbuf_addf(&text, "%s%s", i ? " " : "", argv[i]);
	return strbuf_take(&text);
}

int cmd_crash_note(Cli *cli, int argc, const char **argv)
{
	bool writes = argc > 1 || cli->options.delete;
	char signature[CRASH_SIGNATURE_SIZE];
	CrashSource source;
	int r;

	if (argc > 1 && cli->options.delete)
		return cli_fail(EXIT_USAGE, _("--delete takes no text for the note."));
	_cleanup_(freep) char *text = argc > 1 ? join(argc - 1, argv + 1) : NULL;
	if (argc > 1 && !text)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (text && !*text)
		return cli_fail(EXIT_USAGE, _("The note is empty: --delete takes one away."));
	r = crash_source_open(cli, writes ? CRASH_SOURCE_WRITE : CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	r = resolve(cli, &source, argv[0], signature);
	if (r == EXIT_DONE)
		r = writes ? write_note(cli, source.index, argv[0], signature, text)
			   : read_note(cli, source.index, argv[0], signature);
	crash_source_done(&source);
	return r;
}
