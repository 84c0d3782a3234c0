/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash info: all that is known of a crash, in coredumpctl's form. */
#include "cli/crash-select.h"
#include "cli/crash-view.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"
#include <grp.h>
#include <signal.h>

#define KEY_WIDTH 15 /* to the right, as coredumpctl has it */

/* ": " behind it included, where lines that go on begin. */
static void add_key(Cli *cli, const char *key)
{
	size_t columns = text_columns(key);

	for (size_t i = columns; i < KEY_WIDTH; i++)
		strbuf_add_char(&cli->out, ' ');
	if (!*key) /* goes on with what stands above */
		strbuf_add(&cli->out, "  ");
	else
		strbuf_addf(&cli->out, "%s%s:%s ", style_on(CELL_DIM, cli->colour), key,
			style_off(CELL_DIM, cli->colour));
}

/* text is foreign: each line of it is escaped, and stands under the first. NULL: no line at all. */
static void add_text(Cli *cli, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	add_key(cli, key);
	for (;;) {
		size_t n = strcspn(text, "\n");
		escape_terminal(&cli->out, text, n);
		strbuf_add_char(&cli->out, '\n');
		if (!text[n] || !text[n + 1])
			return;
		text += n + 1;
		for (size_t i = 0; *text != '\n' && i < KEY_WIDTH + 2; i++)
			strbuf_add_char(&cli->out, ' ');
	}
}

/* Words of ours, which a narrow terminal gets in lines of its width. What is there to be copied
 * (paths, command lines) is left to the terminal, as coredumpctl does. */
static void add_prose(Cli *cli, const char *key, const char *text)
{
	size_t used = 0, room = cli->width > 2 * KEY_WIDTH ? cli->width - KEY_WIDTH - 2 : SIZE_MAX;

	add_key(cli, key);
	for (size_t n; *text; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		_cleanup_(freep) char *word = strndup(text, n);
		size_t columns = word ? text_columns(word) : n;
		if (used > 0 && used + 1 + columns > room) {
			strbuf_add_char(&cli->out, '\n');
			add_key(cli, "");
			used = 0;
		}
		if (used > 0)
			strbuf_add_char(&cli->out, ' ');
		used += (used > 0) + columns;
		escape_terminal(&cli->out, text, n);
	}
	strbuf_add_char(&cli->out, '\n');
}

__attribute__((format(printf, 3, 4))) static void add_textf(
	Cli *cli, const char *key, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	add_text(cli, key, text);
}

static void add_process(Cli *cli, const Crash *crash)
{
	const struct group *group = crash->gid == (gid_t)-1 ? NULL : getgrgid(crash->gid);
	char user[64], name[16];

	if (crash->comm)
		add_textf(cli, _("PID"), "%d (%s)", crash->pid, crash->comm);
	else
		add_textf(cli, _("PID"), "%d", crash->pid);
	add_text(cli, _("Thread"), crash->thread_name);
	if (crash->uid != CRASH_UID_UNKNOWN)
		add_textf(cli, _("UID"), "%u (%s)", crash->uid, crash_user_name(crash->uid, user));
	if (crash->gid != (gid_t)-1)
		add_textf(cli, _("GID"), "%u (%s)", crash->gid, group ? group->gr_name : "?");
	if (crash->signal)
		add_textf(cli, _("Signal"), "%d (%s)", crash->signal,
			crash_signal_name(crash->signal, name) + strlen("SIG"));
}

static void add_time(Cli *cli, const Crash *crash)
{
	char when[64], ago[64];

	add_textf(cli, _("Timestamp"), "%s (%s)",
		format_timestamp(crash->when_realtime, TIMESTAMP_FULL, when),
		format_relative(crash->when_realtime, now_usec(CLOCK_REALTIME), ago));
}

static void add_place(Cli *cli, const Crash *crash)
{
	add_text(cli, _("Command Line"), crash->cmdline);
	add_text(cli, _("Container"), crash->container_cmdline);
	add_text(cli, _("Executable"), crash->exe);
	add_text(cli, _("Working Dir"), crash->cwd);
	if (crash->root && !streq(crash->root, "/"))
		add_text(cli, _("Root"), crash->root);
	add_text(cli, _("Control Group"), crash->cgroup);
	add_text(cli, _("Unit"), crash->unit);
	add_text(cli, _("User Unit"), crash->user_unit);
	add_text(cli, _("Slice"), crash->slice);
	add_text(cli, _("Boot ID"), crash->boot_id);
	add_text(cli, _("Machine ID"), crash->machine_id);
	add_text(cli, _("Hostname"), crash->hostname);
}

static void add_core(Cli *cli, const CrashSource *source, const CrashRow *row)
{
	const Crash *crash = &row->crash;
	char bytes[2][32];
	CoreInfo core;
	bool copy;

	crash_core_look(source, row, &core, &copy);
	const char *why = crash_core_why(crash, &core);
	const char *state = core_state_to_string(core.state);
	_cleanup_(freep) char *safe = escaped_terminal(crash->core_file ? crash->core_file : "");
	add_key(cli, _("Storage"));
	strbuf_addf(&cli->out, "%s%s%s%s%s%s\n", safe ? safe : "", safe && *safe ? " (" : "",
		style_on(crash_core_style(core.state), cli->colour), state,
		style_off(crash_core_style(core.state), cli->colour), safe && *safe ? ")" : "");
	if (why)
		add_prose(cli, _("Reason"), _(why));
	if (copy)
		add_prose(cli, "", _("systemd has let go of it; this is Vigil's copy"));
	if (core.state == CORE_INACCESSIBLE)
		add_prose(cli, "", _("vigil crash dump asks for authorisation to read it"));
	if (core.size_bytes)
		add_textf(cli, _("Size on Disk"), "%s%s%s", format_bytes(core.disk_bytes, bytes[0]),
			core.compression[0] ? ", " : "", core.compression);
}

static void add_vigil(Cli *cli, const CrashSource *source, const CrashRow *row)
{
	uint64_t n = crash_repeats(source, row);
	_cleanup_(freep) char *package = crash_package(&row->crash);
	char marks[96], program[32];

	add_text(cli, _("Package"), package);
	if (row->title && *row->title)
		add_textf(cli, _("Signature"), "%s (%s)", row->signature, row->title);
	else
		add_text(cli, _("Signature"), row->signature);
	if (n > 1)
		add_textf(cli, _("Repeats"),
			P_("%llu crash like this is known: vigil crash list signature=%s",
				"%llu crashes like this are known: vigil crash list signature=%s",
				n),
			(unsigned long long)n, row->signature);
	add_text(cli, _("Note"), crash_marks(row, marks));
	if (row->crash.trust != CRASH_GENUINE)
		add_prose(cli, "", _("any program of that user may have written this entry"));
	if (row->reported && *row->reported)
		add_text(cli, _("Reported"), row->reported);
	add_textf(cli, _("In Words"), "%s %s", crash_program(&row->crash, program),
		_(crash_signal_words(row->crash.signal)));
}

static void add_kcrash(Cli *cli, const Crash *crash)
{
	const char *group, *key;
	const json_t *values, *value;

	json_object_foreach (crash->kcrash, group, values) {
		json_object_foreach ((json_t *)values, key, value) {
			const char *text = json_string_value(value);
			if (text)
				add_textf(cli, group, "%s=%s", key, text);
		}
	}
}

static void show_info(Cli *cli, const CrashSource *source, const CrashRow *row)
{
	char id[CRASH_ID_DIGITS + 1];

	if (cli->out.length)
		strbuf_add_char(&cli->out, '\n');
	add_text(cli, _("ID"), crash_short_id(&row->crash, id));
	add_process(cli, &row->crash);
	add_time(cli, &row->crash);
	add_place(cli, &row->crash);
	add_core(cli, source, row);
	add_vigil(cli, source, row);
	add_kcrash(cli, &row->crash);
	add_text(cli, _("Message"), row->crash.message);
}

/* ---- the command ----------------------------------------------------------------------------- */

typedef struct Showing {
	Cli *cli;
	const CrashSource *source;
	json_t *crashes;
	size_t shown;
} Showing;

static int show_row(const CrashRow *row, void *userdata)
{
	Showing *showing = userdata;

	showing->shown++;
	if (!showing->crashes)
		show_info(showing->cli, showing->source, row);
	else if (json_array_append_new(
			 showing->crashes, crash_row_json(showing->source, row, true)) < 0)
		return -ENOMEM;
	return 0;
}

static int show_one(Showing *showing, const char *selector)
{
	CrashRow row;
	int r;

	r = crash_select_one(showing->cli, showing->source, selector, &row);
	if (r != EXIT_DONE)
		return r;
	r = show_row(&row, showing);
	index_row_done(&row);
	return r < 0 ? cli_fail(EXIT_FAILED, _("Out of memory.")) : EXIT_DONE;
}

/* With a filter of time or number, all that match; else each argument names one crash. */
static bool asks_for_many(const Cli *cli)
{
	const CliOptions *options = &cli->options;

	return options->since || options->until || options->limit || options->one;
}

static int show_many(Showing *showing, int argc, const char **argv)
{
	CrashSelection selection;
	int r;

	r = crash_selection_parse(showing->cli, showing->source, argc, argv, &selection);
	if (r == EXIT_DONE) {
		selection.query.full = true;
		r = index_query(showing->source->index, &selection.query, show_row, showing);
		r = r == -EINVAL
			    ? cli_fail(EXIT_USAGE, _("'%s': no such field is indexed."), argv[0])
		    : r < 0 ? cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r))
		    : showing->shown ? EXIT_DONE
				     : cli_fail(EXIT_FAILED, _("No crash matches."));
	}
	crash_selection_done(&selection);
	return r;
}

static int finish(Showing *showing)
{
	Cli *cli = showing->cli;

	if (!showing->crashes) {
		crash_source_note(cli, showing->source);
		return cli_show(cli);
	}
	json_t *root = json_object();
	json_add_u64(root, "version", 1);
	(void)json_object_set(root, "crashes", showing->crashes);
	return cli_print_json(cli, root);
}

int cmd_crash_info(Cli *cli, int argc, const char **argv)
{
	CrashSource source;
	int r;

	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	_cleanup_(json_decrefp) json_t *crashes = cli->options.json ? json_array() : NULL;
	Showing showing = {.cli = cli, .source = &source, .crashes = crashes};
	if (asks_for_many(cli))
		r = show_many(&showing, argc, argv);
	else if (argc == 0)
		r = show_one(&showing, "latest");
	for (int i = 0; i < argc && r == EXIT_DONE && !asks_for_many(cli); i++)
		r = show_one(&showing, argv[i]);
	if (r == EXIT_DONE)
		r = finish(&showing);
	crash_source_done(&source);
	return r;
}
