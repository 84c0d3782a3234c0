/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash info: all that is known of a crash on one page, in coredumpctl's form: what happened
 * first, what to do next last. */
#include "cli/crash-select.h"
#include "cli/crash-view.h"
#include "cli/info-group.h"
#include "cli/info-lines.h"
#include "cli/info-trace.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"
#include <grp.h>
#include <signal.h>

static void add_process(Cli *cli, const Crash *crash)
{
	const struct group *group = crash->gid == (gid_t)-1 ? NULL : getgrgid(crash->gid);
	char user[64], name[16];

	if (crash->comm)
		info_textf(cli, _("PID"), "%d (%s)", crash->pid, crash->comm);
	else
		info_textf(cli, _("PID"), "%d", crash->pid);
	info_text(cli, _("Thread"), crash->thread_name);
	if (crash->uid != CRASH_UID_UNKNOWN)
		info_textf(cli, _("UID"), "%u (%s)", crash->uid, crash_user_name(crash->uid, user));
	if (crash->gid != (gid_t)-1)
		info_textf(cli, _("GID"), "%u (%s)", crash->gid, group ? group->gr_name : "?");
	if (crash->signal)
		info_textf(cli, _("Signal"), "%d (%s)", crash->signal,
			crash_signal_name(crash->signal, name) + strlen("SIG"));
}

static void add_time(Cli *cli, const Crash *crash)
{
	char when[64], ago[64];

	info_textf(cli, _("Timestamp"), "%s (%s)",
		format_timestamp(crash->when_realtime, TIMESTAMP_FULL, when),
		format_relative(crash->when_realtime, now_usec(CLOCK_REALTIME), ago));
}

static void add_place(Cli *cli, const Crash *crash)
{
	info_text(cli, _("Command Line"), crash->cmdline);
	info_text(cli, _("Container"), crash->container_cmdline);
	info_text(cli, _("Executable"), crash->exe);
	info_text(cli, _("Working Dir"), crash->cwd);
	if (crash->root && !streq(crash->root, "/"))
		info_text(cli, _("Root"), crash->root);
	info_text(cli, _("Control Group"), crash->cgroup);
	info_text(cli, _("Unit"), crash->unit);
	info_text(cli, _("User Unit"), crash->user_unit);
	info_text(cli, _("Slice"), crash->slice);
	info_text(cli, _("Boot ID"), crash->boot_id);
	info_text(cli, _("Machine ID"), crash->machine_id);
	info_text(cli, _("Hostname"), crash->hostname);
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
	info_key(cli, _("Storage"));
	strbuf_addf(&cli->out, "%s%s%s%s%s%s\n", safe ? safe : "", safe && *safe ? " (" : "",
		style_on(crash_core_style(core.state), cli->colour), state,
		style_off(crash_core_style(core.state), cli->colour), safe && *safe ? ")" : "");
	if (why)
		info_prose(cli, _("Reason"), _(why));
	if (copy)
		info_prose(cli, "", _("systemd has let go of it; this is Vigil's copy"));
	if (core.state == CORE_INACCESSIBLE)
		info_prose(cli, "", _("vigil crash dump asks for authorisation to read it"));
	if (core.size_bytes)
		info_textf(cli, _("Size on Disk"), "%s%s%s",
			format_bytes(core.disk_bytes, bytes[0]), core.compression[0] ? ", " : "",
			core.compression);
}

/* What happened, for who reads no further. */
static void add_summary(Cli *cli, const Crash *crash, const ShownTrace *shown)
{
	char id[CRASH_ID_DIGITS + 1], program[32];

	info_text(cli, _("ID"), crash_short_id(crash, id));
	info_textf(cli, _("In Words"), "%s %s", crash_program(crash, program),
		_(crash_signal_words(crash->signal)));
	if (shown->kept.trace)
		info_fault(cli, &shown->trace);
}

static void add_package(Cli *cli, const CrashRow *row, const ShownTrace *shown)
{
	_cleanup_(freep) char *package = crash_package(&row->crash);

	if (!package && shown->kept.trace)
		package = info_package(&shown->trace);
	info_text(cli, _("Package"), package ? package : row->version);
}

static void add_vigil(Cli *cli, const CrashSource *source, const CrashRow *row)
{
	_cleanup_(info_group_donep) InfoGroup group = {};
	char marks[96];

	if (row->title && *row->title)
		info_textf(cli, _("Signature"), "%s (%s)", row->signature, row->title);
	else
		info_text(cli, _("Signature"), row->signature);
	if (info_group_read(source, row->signature, &group) >= 0)
		info_group(cli, &group);
	info_text(cli, _("Note"), crash_marks(row, marks));
	if (row->crash.trust != CRASH_GENUINE)
		info_prose(cli, "", _("any program of that user may have written this entry"));
	if (row->reported && *row->reported)
		info_text(cli, _("Reported"), row->reported);
}

/* Commands to type, each with what it is for. Only what would work. */
static void add_next(Cli *cli, const CrashSource *source, const CrashRow *row, bool has_trace)
{
	char id[CRASH_ID_DIGITS + 1];
	CoreInfo core;

	(void)crash_short_id(&row->crash, id);
	crash_core_look(source, row, &core, NULL);
	bool has_core = core.state == CORE_PRESENT || core.state == CORE_TRUNCATED ||
			core.state == CORE_JOURNAL || core.state == CORE_INACCESSIBLE;
	const struct {
		bool on;
		const char *command, *what;
	} steps[] = {
		{has_trace || has_core, "bt",
			has_trace ? N_("the whole backtrace") : N_("make a backtrace of the core")},
		{has_core, "debug", N_("a debugger on the core")},
		{true, "report", N_("a text for a bug report")},
		{crash_repeats(source, row) > 1, "info --similar", N_("the others like this")},
	};
	const char *key = _("Next");
	for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
		if (!steps[i].on)
			continue;
		info_key(cli, key);
		strbuf_addf(&cli->out, "vigil crash %s %s  %s%s%s\n", steps[i].command, id,
			style_on(CELL_DIM, cli->colour), _(steps[i].what),
			style_off(CELL_DIM, cli->colour));
		key = "";
	}
}

static void add_kcrash(Cli *cli, const Crash *crash)
{
	const char *group, *key;
	const json_t *values, *value;

	json_object_foreach (crash->kcrash, group, values) {
		json_object_foreach ((json_t *)values, key, value) {
			const char *text = json_string_value(value);
			if (text)
				info_textf(cli, group, "%s=%s", key, text);
		}
	}
}

/* systemd's own words; the stack traces in them only where there is no better one. */
static void add_message(Cli *cli, const Crash *crash, bool has_trace)
{
	const char *end = crash->message && has_trace ? strstr(crash->message, "\n\n") : NULL;
	_cleanup_(freep) char *first =
		end ? strndup(crash->message, (size_t)(end - crash->message)) : NULL;

	info_text(cli, _("Message"), first ? first : crash->message);
}

static void show_info(Cli *cli, const CrashSource *source, const CrashRow *row)
{
	_cleanup_(shown_trace_done) ShownTrace shown = {};
	bool has_trace = shown_trace_load(source, row, &shown) > 0;
	char id[CRASH_ID_DIGITS + 1];

	if (cli->out.length)
		strbuf_add_char(&cli->out, '\n');
	add_summary(cli, &row->crash, &shown);
	add_process(cli, &row->crash);
	add_time(cli, &row->crash);
	add_place(cli, &row->crash);
	add_package(cli, row, &shown);
	add_core(cli, source, row);
	add_vigil(cli, source, row);
	add_kcrash(cli, &row->crash);
	add_message(cli, &row->crash, has_trace);
	info_trace(cli, source, &shown, crash_short_id(&row->crash, id));
	info_log(cli, shown.kept.log);
	add_next(cli, source, row, has_trace);
}

static json_t *info_json(const CrashSource *source, const CrashRow *row)
{
	_cleanup_(shown_trace_done) ShownTrace shown = {};
	_cleanup_(info_group_donep) InfoGroup group = {};
	bool has_trace = shown_trace_load(source, row, &shown) > 0;
	json_t *root = crash_row_json(source, row, true);

	info_trace_json(root, source, &shown, has_trace);
	if (info_group_read(source, row->signature, &group) >= 0)
		(void)json_object_set_new(root, "group", info_group_json(&group));
	return root;
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
	else if (json_array_append_new(showing->crashes, info_json(showing->source, row)) < 0)
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

static int similar(Cli *cli, const CrashSource *source, int argc, const char **argv)
{
	CrashRow row;
	int r;

	if (argc > 1 || asks_for_many(cli))
		return cli_fail(EXIT_USAGE, _("--similar takes one crash."));
	r = crash_select_one(cli, source, argc ? argv[0] : "latest", &row);
	if (r != EXIT_DONE)
		return r;
	r = info_similar(cli, source, &row);
	index_row_done(&row);
	return r;
}

int cmd_crash_info(Cli *cli, int argc, const char **argv)
{
	CrashSource source;
	int r;

	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	_cleanup_(json_decrefp) json_t *crashes = cli->options.json ? json_array() : NULL;
	if (cli->options.similar) {
		r = similar(cli, &source, argc, argv);
		crash_source_done(&source);
		return r;
	}
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
