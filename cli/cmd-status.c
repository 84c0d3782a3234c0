/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil status: one screen. */
#include "cli/bus.h"
#include "cli/cli.h"
#include "cli/crash-source.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "coredump/pipeline.h"
#include "survey/pressure.h"
#include <fcntl.h>

#define BAR_WIDTH  20
#define NAME_WIDTH 20 /* of a holder: three of them fit a line of 80 columns */

static void add_bar(Cli *cli, double percent)
{
	int full = percent < 0 ? 0 : (int)(MIN_OF(percent, 100.0) * BAR_WIDTH / 100 + 0.5);

	if (percent > 0 && full == 0)
		full = 1;
	strbuf_add(&cli->out,
		style_on(percent >= 80 ? cli_level_style(percent) : CELL_GOOD, cli->colour));
	for (int i = 0; i < BAR_WIDTH; i++) {
		if (i == full)
			strbuf_addf(&cli->out, "%s%s", style_off(CELL_GOOD, cli->colour),
				style_on(CELL_DIM, cli->colour));
		strbuf_add(&cli->out, i < full ? (cli->utf8 ? "█" : "#") : (cli->utf8 ? "░" : "."));
	}
	strbuf_add(&cli->out, style_off(CELL_DIM, cli->colour));
}

/* Of the words that stand before the bars, in whatever language. */
static size_t label_width(void)
{
	return MAX_OF(text_columns(_("instances")), text_columns(_("watches"))) + 1;
}

static void add_label(Cli *cli, const char *label, size_t width)
{
	strbuf_addf(&cli->out, "  %s", label);
	for (size_t n = text_columns(label); n < width; n++)
		strbuf_add_char(&cli->out, ' ');
}

static void add_holders(Cli *cli, const Survey *survey, InotifyResource resource)
{
	PressureHolder holders[PRESSURE_HOLDERS];
	int n = pressure_holders(survey, survey->viewer, resource, holders);

	for (int i = 0; i < n; i++) {
		_cleanup_(freep) char *name = escaped_terminal(holders[i].name);
		if (i)
			strbuf_add(&cli->out, ", ");
		else
			add_label(cli, "", label_width() + 1);
		table_add_cut(
			&cli->out, name ? name : "?", text_columns(name ? name : "?"), NAME_WIDTH);
		strbuf_addf(&cli->out, " %llu", (unsigned long long)holders[i].count);
	}
	if (n > 0)
		strbuf_add_char(&cli->out, '\n');
}

static void add_resource(
	Cli *cli, const Survey *survey, const SurveyAccount *account, InotifyResource resource)
{
	bool instances = resource == INOTIFY_INSTANCES;
	double percent = instances ? account->instance_percent : account->watch_percent;
	InotifyLimit limit = instances ? account->max_instances : account->max_watches;
	uint64_t used = instances ? account->instances : account->watches;
	char text[32];

	add_label(cli, instances ? _("instances") : _("watches"), label_width() + 1);
	add_bar(cli, percent);
	strbuf_addf(&cli->out, " %6s  ", cli_percent(percent, text));
	if (limit.source == LIMIT_UNKNOWN)
		strbuf_addf(&cli->out, _("%llu, limit unknown\n"), (unsigned long long)used);
	else
		strbuf_addf(&cli->out, _("%s%llu of %llu\n"),
			account->unreadable ? _("at least ") : "", (unsigned long long)used,
			(unsigned long long)limit.value);
	add_holders(cli, survey, resource);
}

/* The running daemon's own words, NULL without one. New reference. */
static json_t *ask_daemon(void)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(freep) char *text = NULL;

	if (bus_open_session(&bus) < 0 || bus_daemon_status(bus, &text) < 0)
		return NULL;
	return json_loads(text, 0, NULL);
}

static void add_modules(Cli *cli, const json_t *daemon)
{
	const json_t *modules = json_object_get(daemon, "modules");
	size_t i;
	const json_t *module;

	json_array_foreach (modules, i, module) {
		const char *name = json_string_value(json_object_get(module, "name"));
		const char *error = json_string_value(json_object_get(module, "error"));
		bool loaded = json_is_true(json_object_get(module, "loaded"));
		CellStyle style = loaded ? CELL_GOOD : error ? CELL_BAD : CELL_DIM;

		_cleanup_(freep) char *safe = escaped_terminal(name ? name : "?");
		_cleanup_(freep) char *why = escaped_terminal(error ? error : "");
		const json_t *status = json_object_get(module, "status");
		bool ignored = json_is_true(json_object_get(status, "ignored"));
		strbuf_addf(&cli->out, "  %-10s %s%s%s%s%s%s\n", safe ? safe : "?",
			style_on(style, cli->colour),
			loaded	? _("watching")
			: error ? _("failed")
				: _("off"),
			style_off(style, cli->colour), error ? ": " : "", error && why ? why : "",
			ignored ? _(", but says nothing until restart: you chose Ignore") : "");
	}
}

/* "  3 backtraces are yet to be made, once there is mains power". */
static void add_unwinding(Cli *cli, const json_t *daemon)
{
	static const struct {
		const char *waits_for, *words;
	} reasons[] = {
		{"memory", N_(", once memory is not short")},
		{"battery", N_(", once there is mains power")},
		{"index", N_(", once the index can be written")},
		{"program", N_(", but 'vigil' is not found")},
	};
	const json_t *module;
	size_t i;

	json_array_foreach (json_object_get(daemon, "modules"), i, module) {
		const json_t *unwinding =
			json_object_get(json_object_get(module, "status"), "unwinding");
		json_int_t waiting = json_integer_value(json_object_get(unwinding, "waiting"));
		const char *why = json_string_value(json_object_get(unwinding, "waitsFor"));
		const char *words = "";
		if (waiting <= 0 || !json_is_true(json_object_get(unwinding, "enabled")))
			continue;
		for (size_t j = 0; why && j < ELEMENTSOF(reasons); j++)
			if (streq(why, reasons[j].waits_for))
				words = _(reasons[j].words);
		strbuf_addf(&cli->out,
			P_("  %llu backtrace is yet to be made%s\n",
				"  %llu backtraces are yet to be made%s\n",
				(unsigned long long)waiting),
			(unsigned long long)waiting, words);
	}
}

static void add_daemon(Cli *cli, const json_t *daemon)
{
	const char *version = json_string_value(json_object_get(daemon, "version"));

	strbuf_addf(&cli->out, "\n%s%s%s\n", style_on(CELL_BOLD, cli->colour), _("Daemon"),
		style_off(CELL_BOLD, cli->colour));
	if (!daemon) {
		strbuf_addf(&cli->out,
			_("  %snot running%s: nobody warns you. To start it:\n"
			  "    systemctl --user enable --now vigil-monitord\n"),
			style_on(CELL_WARNING, cli->colour), style_off(CELL_WARNING, cli->colour));
		return;
	}
	_cleanup_(freep) char *safe = escaped_terminal(version ? version : "?");
	strbuf_addf(&cli->out, _("  running, version %s\n"), safe ? safe : "?");
	add_modules(cli, daemon);
	add_unwinding(cli, daemon);
}

/* ---- crashes --------------------------------------------------------------------------------- */

typedef struct CrashStatus {
	bool readable; /* the figures are there */
	bool complete; /* nothing says that some are missing */
	uint64_t today, untold, dropped;
	CoreTakerKind taker;
	JournalStorage journal;
} CrashStatus;

/* What hides every crash; NULL: nothing. */
static const char *pipeline_trouble(const CrashStatus *crashes)
{
	if (crashes->taker == CORE_TAKER_NOTHING)
		return N_("the kernel throws crashes away");
	if (crashes->taker == CORE_TAKER_APPORT || crashes->taker == CORE_TAKER_ABRT ||
		crashes->taker == CORE_TAKER_OTHER)
		return N_("another program takes the crashes");
	if (crashes->journal == JOURNAL_NONE &&
		(crashes->taker == CORE_TAKER_SYSTEMD || crashes->taker == CORE_TAKER_SOCKET))
		return N_("there is no journal");
	return NULL;
}

static void read_crashes(const Cli *cli, CrashStatus *ret)
{
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Whose crashes vigil crash list shows: an ordinary user's own. */
	char uid[16];
	const CrashMatch own = {.field = "uid", .value = uid};
	CrashQuery today = {.matches = &own, .n_matches = geteuid() != 0};
	CrashQuery untold = {.matches = &own, .n_matches = geteuid() != 0, .untold = true};
	CrashSource source;
	Pipeline pipeline;
	usec_t last;

	(void)snprintf(uid, sizeof uid, "%u", geteuid());
	*ret = (CrashStatus){.journal = crash_journal_storage("")};
	pipeline_read(root, cli->proc_fd, &pipeline);
	ret->taker = pipeline.taker.kind;
	if (crash_source_open(cli, CRASH_SOURCE_READ, &source) != EXIT_DONE)
		return;
	(void)parse_timestamp("today", now_usec(CLOCK_REALTIME), &today.since_realtime);
	ret->complete = crash_source_complete(&source);
	ret->readable = index_count(source.index, &today, &ret->today) >= 0 &&
			index_count(source.index, &untold, &ret->untold) >= 0 &&
			index_dropped(source.index, &ret->dropped, &last) >= 0;
	crash_source_done(&source);
}

static void add_crashes(Cli *cli, const CrashStatus *crashes)
{
	const char *trouble = pipeline_trouble(crashes);

	strbuf_addf(&cli->out, "\n%s%s%s\n", style_on(CELL_BOLD, cli->colour), _("Crashes"),
		style_off(CELL_BOLD, cli->colour));
	if (crashes->readable && crashes->today)
		strbuf_addf(&cli->out,
			P_("  %llu today: vigil crash list --since today\n",
				"  %llu today: vigil crash list --since today\n", crashes->today),
			(unsigned long long)crashes->today);
	else if (crashes->readable)
		strbuf_add(&cli->out, _("  none today\n"));
	if (crashes->untold)
		strbuf_addf(&cli->out,
			P_("  %llu of which nobody was told yet\n",
				"  %llu of which nobody was told yet\n", crashes->untold),
			(unsigned long long)crashes->untold);
	if (crashes->dropped)
		strbuf_addf(&cli->out,
			P_("  %llu that was never reported had to make room\n",
				"  %llu that were never reported had to make room\n",
				crashes->dropped),
			(unsigned long long)crashes->dropped);
	if (trouble)
		strbuf_addf(&cli->out, _("  %s%s%s: vigil doctor\n"),
			style_on(CELL_BAD, cli->colour), _(trouble),
			style_off(CELL_BAD, cli->colour));
}

static json_t *crashes_json(const CrashStatus *crashes)
{
	const char *trouble = pipeline_trouble(crashes);
	json_t *root = json_object();

	json_add_bool(root, "readable", crashes->readable);
	json_add_bool(root, "complete", crashes->complete);
	json_add_u64(root, "today", crashes->today);
	json_add_u64(root, "untold", crashes->untold);
	json_add_u64(root, "dropped", crashes->dropped);
	json_add_bool(root, "pipeline", !trouble);
	json_add_string(root, "trouble", trouble);
	return root;
}

static const char *const helper_states[] = {
	[HELPER_READY] = "ready", [HELPER_ABSENT] = "absent", [HELPER_NO_BUS] = "no-system-bus"};

static void add_helper(Cli *cli, HelperState state)
{
	strbuf_addf(&cli->out, "\n%s%s%s\n", style_on(CELL_BOLD, cli->colour), _("Raising limits"),
		style_off(CELL_BOLD, cli->colour));
	strbuf_addf(&cli->out, "  %s\n",
		state == HELPER_READY ? _("vigil-helper is there: vigil inotify raise")
		: state == HELPER_ABSENT
			? _("vigil-helper is not installed; by hand: vigil inotify raise --dry-run")
			: _("no system bus; by hand: vigil inotify raise --dry-run"));
}

int cmd_status(Cli *cli, int argc, const char **argv)
{
	(void)argc;
	(void)argv;
	_cleanup_(survey_freep) Survey *survey = cli_survey(cli, false);
	if (!survey)
		return EXIT_FAILED;
	_cleanup_(json_decrefp) json_t *daemon = ask_daemon();
	const SurveyAccount *account = survey_account(survey, survey->viewer);
	HelperState helper = bus_helper_state();
	CrashStatus crashes;

	read_crashes(cli, &crashes);
	if (cli->options.json) {
		json_t *root = json_object();
		_cleanup_(json_decrefp) json_t *full = survey_to_json(survey, NULL, NULL);
		json_add_u64(root, "version", 1);
		(void)json_object_set(root, "inotify", json_object_get(full, "totals"));
		json_add_bool(root, "complete", survey->complete);
		(void)json_object_set_new(root, "crashes", crashes_json(&crashes));
		(void)json_object_set(root, "daemon", daemon ? daemon : json_null());
		json_add_string(root, "helper", helper_states[helper]);
		return cli_print_json(cli, root);
	}
	_cleanup_(freep) char *name = escaped_terminal(account->name);
	strbuf_addf(&cli->out, "%s%s%s\n", style_on(CELL_BOLD, cli->colour), _("inotify"),
		style_off(CELL_BOLD, cli->colour));
	strbuf_addf(&cli->out, _("  of %s, %u processes seen"), name ? name : "?",
		survey->scanned - survey->unreadable);
	if (survey->unreadable)
		strbuf_addf(&cli->out, _(", %u hidden"), survey->unreadable);
	strbuf_add_char(&cli->out, '\n');
	add_resource(cli, survey, account, INOTIFY_INSTANCES);
	add_resource(cli, survey, account, INOTIFY_WATCHES);
	add_crashes(cli, &crashes);
	add_daemon(cli, daemon);
	add_helper(cli, helper);
	return cli_show(cli);
}
