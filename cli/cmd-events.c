/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil events: what happens, as it happens, one line an event. The daemon's signals where it runs;
 * without it the journal is followed here, and nothing is told of inotify. */
#include "cli/bus.h"
#include "cli/cli.h"
#include "cli/crash-source.h"
#include "cli/crash-view.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/names.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "monitord/crash-follower.h"
#include <signal.h>

#define KEPT_IN_INDEX 1000 /* rows of the index in memory that tells new from known */
#define TRIM_EVERY    256  /* crashes */
#define RECENT	      32   /* ids, so that a change of sources tells none twice */

typedef struct Events {
	Cli *cli;
	sd_event *event;
	sd_bus *bus;	   /* NULL: none */
	CrashIndex *index; /* in memory: what was told already */
	CrashFollower *follower;
	const CrashSource *place;
	bool only_own;
	uint64_t told;
	char recent[RECENT][CRASH_ID_DIGITS + 1];
	int status;
} Events;

/* ---- one line -------------------------------------------------------------------------------- */

static void emit(Events *events, const char *text)
{
	if (write_all(STDOUT_FILENO, text, strlen(text)) < 0)
		(void)sd_event_exit(events->event, EXIT_DONE); /* nobody reads any more */
}

/* Takes root. */
static void emit_json(Events *events, json_t *root)
{
	_cleanup_(strbuf_done) StrBuf line = {};
	_cleanup_(freep) char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	strbuf_addf(&line, "%s\n", text ? text : "{}");
	emit(events, strbuf_text(&line));
}

static json_t *event_json(const char *kind)
{
	json_t *root = json_object();

	json_add_u64(root, "version", 1);
	json_add_string(root, "event", kind);
	json_add_u64(root, "time", now_usec(CLOCK_REALTIME));
	return root;
}

static void emit_text(Events *events, const char *kind, CellStyle style, const char *text)
{
	_cleanup_(strbuf_done) StrBuf line = {};
	_cleanup_(freep) char *safe = escaped_terminal(text);
	const Cli *cli = events->cli;
	char when[64];

	strbuf_addf(&line, "%s  %s%-8s%s  %s\n",
		format_timestamp(now_usec(CLOCK_REALTIME), TIMESTAMP_SECONDS, when),
		style_on(style, cli->colour), kind, style_off(style, cli->colour),
		safe ? safe : "?");
	emit(events, strbuf_text(&line));
}

typedef struct CrashEvent {
	const char *id, *program;
	int signal;
	const Crash *crash; /* NULL: the daemon tells no more */
} CrashEvent;

static bool was_told(Events *events, const char *id)
{
	char(*slot)[CRASH_ID_DIGITS + 1] = &events->recent[events->told % RECENT];

	for (size_t i = 0; i < RECENT; i++)
		if (streq(events->recent[i], id))
			return true;
	(void)snprintf(*slot, sizeof *slot, "%s", id);
	events->told++;
	return false;
}

static void tell_crash(Events *events, const CrashEvent *what)
{
	_cleanup_(freep) char *text = NULL;
	char name[16];
	const char *signal_name = crash_signal_name(what->signal, name);

	if (was_told(events, what->id))
		return;
	if (events->cli->options.json) {
		json_t *root = event_json("crash");
		json_add_string(root, "id", what->id);
		json_add_string(root, "program", what->program);
		if (what->signal) {
			json_add_u64(root, "signal", (uint64_t)what->signal);
			json_add_string(root, "signalName", signal_name);
		}
		if (what->crash)
			(void)json_object_set_new(root, "crash", crash_to_json(what->crash, false));
		emit_json(events, root);
		return;
	}
	if (asprintf(&text, "%s  %s  %s", what->id, what->signal ? signal_name : "-",
		    what->program) >= 0)
		emit_text(events, _("crash"), CELL_BAD, text);
}

/* ---- from the daemon ------------------------------------------------------------------------- */

static int on_arrived(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	Events *events = userdata;
	CrashEvent what = {};
	int32_t number = 0;

	(void)error;
	if (sd_bus_message_read(message, "ssi", &what.id, &what.program, &number) >= 0) {
		/* it watches by now, so this end of it is not needed */
		events->follower = crash_follower_free(events->follower);
		what.signal = number;
		tell_crash(events, &what);
	}
	return 0;
}

/* Analyzed(s), LevelChanged(s), Refused(s): one word each. */
static int on_word(Events *events, sd_bus_message *message, const char *kind, const char *key,
	const char *words)
{
	const char *word;

	if (sd_bus_message_read(message, "s", &word) < 0)
		return 0;
	if (events->cli->options.json) {
		json_t *root = event_json(kind);
		json_add_string(root, key, word);
		emit_json(events, root);
		return 0;
	}
	_cleanup_(freep) char *text = NULL;
	if (asprintf(&text, "%s %s", words, word) >= 0)
		emit_text(events, streq(key, "id") ? _("crash") : "inotify", CELL_WARNING, text);
	return 0;
}

static int on_analyzed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	(void)error;
	return on_word(userdata, message, "analyzed", "id", _("backtrace ready:"));
}

static int on_level(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	(void)error;
	return on_word(userdata, message, "inotify-level", "level", _("level is now"));
}

static int on_refused(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	(void)error;
	return on_word(userdata, message, "inotify-refused", "which", _("a program was refused:"));
}

/* ---- without it ------------------------------------------------------------------------------ */

static void on_crash(const CaughtCrash *caught, bool late, void *userdata)
{
	Events *events = userdata;
	const Crash *crash = caught->crash;
	char id[CRASH_ID_DIGITS + 1], program[32];

	if (late || caught->added != INDEX_NEW || (events->only_own && crash->uid != geteuid()))
		return;
	const CrashEvent what = {.id = crash_short_id(crash, id),
		.program = crash->exe ? crash->exe : crash_program(crash, program),
		.signal = crash->signal,
		.crash = crash};
	tell_crash(events, &what);
	if (events->told % TRIM_EVERY == 0) {
		const IndexBounds bounds = {.max_rows = KEPT_IN_INDEX,
			.max_bytes = INDEX_MAX_BYTES,
			.max_age_usec = INDEX_MAX_AGE};
		IndexTrimmed trimmed;
		(void)index_trim(events->index, &bounds, now_usec(CLOCK_REALTIME), &trimmed);
	}
}

static int follow(Events *events)
{
	const char *source = "journal";
	int r;

	if (events->follower)
		return 0;
	if (!events->index) {
		r = index_open(NULL, INDEX_MEMORY, &events->index, NULL);
		if (r < 0)
			return r;
	}
	/* The past is not read: it begins now. */
	if (!events->place->elsewhere)
		(void)index_set_cursor(events->index, source, NULL, now_usec(CLOCK_REALTIME));
	return crash_follower_new(events->event, events->index, &events->place->place, source, true,
		on_crash, events, &events->follower);
}

/* ---- which of both --------------------------------------------------------------------------- */

static void note_source(const Events *events, bool daemon)
{
	if (events->cli->options.quiet || events->cli->options.json)
		return;
	if (daemon)
		(void)fprintf(stderr, "%s\n", _("The daemon tells; Ctrl-C ends it."));
	else if (events->place->elsewhere)
		(void)fprintf(stderr, "%s\n", _("Following these journals; Ctrl-C ends it."));
	else
		(void)fprintf(stderr, "%s\n",
			_("No daemon watches crashes: following the journal here, nothing is told of inotify. Ctrl-C ends it."));
}

static int choose_source(Events *events)
{
	bool daemon = !events->place->elsewhere && events->bus && crash_daemon_watches();
	int r = 0;

	if (daemon)
		events->follower = crash_follower_free(events->follower);
	else
		r = follow(events);
	note_source(events, daemon);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot follow the journal: %s."), strerror(-r));
	return EXIT_DONE;
}

/* It started or ended. Modules are loaded a moment after the name is there: the daemon's own signal
 * that it is ready does not exist, so it is asked again when it could have been. */
static int on_again(sd_event_source *source, usec_t usec, void *userdata)
{
	Events *events = userdata;

	(void)source;
	(void)usec;
	events->status = choose_source(events);
	if (events->status != EXIT_DONE)
		(void)sd_event_exit(events->event, events->status);
	return 0;
}

static int on_owner(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	Events *events = userdata;

	(void)message;
	(void)error;
	(void)sd_event_add_time_relative(
		events->event, NULL, CLOCK_MONOTONIC, 500 * USEC_PER_MSEC, 0, on_again, events);
	return 0;
}

static int listen(Events *events)
{
	static const struct {
		const char *interface, *member;
		sd_bus_message_handler_t handler;
	} signals[] = {
		{CRASH_INTERFACE, "Arrived", on_arrived},
		{CRASH_INTERFACE, "Analyzed", on_analyzed},
		{INOTIFY_INTERFACE, "LevelChanged", on_level},
		{INOTIFY_INTERFACE, "Refused", on_refused},
	};
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(signals) && r >= 0; i++)
		r = sd_bus_match_signal(events->bus, NULL, MONITOR_NAME, MONITOR_PATH,
			signals[i].interface, signals[i].member, signals[i].handler, events);
	if (r >= 0)
		r = sd_bus_add_match(events->bus, NULL,
			"type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
			"member='NameOwnerChanged',arg0='" MONITOR_NAME "'",
			on_owner, events);
	if (r >= 0)
		r = sd_bus_attach_event(events->bus, events->event, SD_EVENT_PRIORITY_NORMAL);
	return r;
}

static int add_signals(sd_event *event)
{
	sigset_t ends;
	int r;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &ends, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
	return r < 0 ? r : sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
}

static int run(Events *events)
{
	int r;

	r = add_signals(events->event);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot set up the loop: %s."), strerror(-r));
	if (!events->place->elsewhere && bus_open_session(&events->bus) >= 0 && listen(events) < 0)
		events->bus = sd_bus_flush_close_unref(events->bus);
	r = choose_source(events);
	if (r != EXIT_DONE)
		return r;
	r = sd_event_loop(events->event);
	return r < 0 ? cli_fail(EXIT_FAILED, _("The loop failed: %s."), strerror(-r))
		     : events->status;
}

int cmd_events(Cli *cli, int argc, const char **argv)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	CrashSource place;
	int r;

	(void)argc;
	(void)argv;
	r = crash_source_locate(cli, &place);
	if (r != EXIT_DONE)
		return r;
	Events events = {.cli = cli, .place = &place};
	events.only_own = !place.elsewhere && geteuid() != 0 && !cli->options.all;
	r = sd_event_new(&event);
	if (r < 0) {
		r = cli_fail(EXIT_FAILED, _("Cannot set up the loop: %s."), strerror(-r));
	} else {
		events.event = event;
		r = run(&events);
	}
	events.follower = crash_follower_free(events.follower);
	events.index = index_close(events.index);
	events.bus = sd_bus_flush_close_unref(events.bus);
	crash_source_done(&place);
	return r;
}
