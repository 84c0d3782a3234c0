/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash bt: where a program was when it crashed. The trace that is kept is shown; without
 * one, or with --refresh, the core is unwound. */
#include "cli/core-fetch.h"
#include "cli/crash-select.h"
#include "cli/crash-trace.h"
#include "cli/crash-view.h"
#include "cli/os-release.h"

#include "common/i18n.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "common/words.h"
#include "coredump/core-notes.h"
#include "coredump/trace-text.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Backtrace {
	Cli *cli;
	const CrashSource *source; /* NULL: a file */
	CrashRow *row;
	ShownTrace shown;
	const char *systemd; /* the text of systemd's own trace, or of a language's; else NULL */
	CoreInfo core;
} Backtrace;

/* ---- text ------------------------------------------------------------------------------------ */

static void add_heading(const Backtrace *bt)
{
	const Crash *crash = &bt->row->crash;
	char id[CRASH_ID_DIGITS + 1], buf[32], when[64];
	_cleanup_(freep) char *program = escaped_terminal(crash_program(crash, buf));
	StrBuf *out = &bt->cli->out;

	strbuf_addf(out, "%s", style_on(CELL_BOLD, bt->cli->colour));
	strbuf_addf(out, _("Crash %s: %s, PID %d, %s"), crash_short_id(crash, id),
		program ? program : "?", (int)crash->pid,
		format_timestamp(crash->when_realtime, TIMESTAMP_FULL, when));
	strbuf_addf(out, "%s\n", style_off(CELL_BOLD, bt->cli->colour));
}

/* Line by line, each escaped. */
static void add_lines(StrBuf *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		escape_terminal(out, text, n);
		strbuf_add_char(out, '\n');
		text += n + (text[n] == '\n');
	}
}

static void add_stats(Cli *cli, const TraceStats *stats)
{
	char core[32], read_bytes[32], written[32];

	strbuf_addf(&cli->out,
		_("Core: %s; read of its file: %s; written to disk: %s; took %.2f s\n"),
		stats->core_bytes ? format_bytes(stats->core_bytes, core) : "?",
		format_bytes(stats->read_bytes, read_bytes),
		format_bytes(stats->written_bytes, written),
		(double)stats->usec / (double)USEC_PER_SEC);
}

static void add_advice(const Backtrace *bt, const TraceAdvice *advice)
{
	Cli *cli = bt->cli;

	if (advice->command)
		cli_note(cli, _("For more names and lines: %s"), advice->command);
	if (advice->command && advice->note)
		cli_note(cli, "(%s)", _(advice->note));
}

static void add_notes(const Backtrace *bt)
{
	const CrashTrace *kept = &bt->shown.kept;
	_cleanup_(trace_advice_done) TraceAdvice advice = {};
	_cleanup_(freep) char *os = os_release_read(bt->source ? bt->source->root_fd : -EBADF);
	Cli *cli = bt->cli;
	char when[64];

	if (trace_advice(&bt->shown.trace, os, &advice) >= 0)
		add_advice(bt, &advice);
	if (!cli->options.threads && !cli->options.full && bt->shown.trace.n_threads > 1)
		cli_note(cli,
			P_("%zu more thread: --threads", "%zu more threads: --threads",
				bt->shown.trace.n_threads - 1),
			bt->shown.trace.n_threads - 1);
	if (!bt->shown.fresh)
		cli_note(cli, _("Unwound %s; --refresh does it anew."),
			format_timestamp(kept->analyzed_realtime, TIMESTAMP_FULL, when));
	if (bt->shown.store_error < 0)
		cli_note(cli, _("It cannot be kept in the index: %s."),
			strerror(-bt->shown.store_error));
}

static void add_systemd_note(const Backtrace *bt)
{
	const char *why = crash_core_why(&bt->row->crash, &bt->core);

	if (bt->core.state == CORE_INACCESSIBLE)
		cli_note(bt->cli,
			_("This trace came with the crash. The core is not yours to read: %s. --refresh asks for authorisation."),
			why ? _(why) : "?");
	else
		cli_note(bt->cli, _("This trace came with the crash. There is no core: %s."),
			why ? _(why) : "?");
}

static int show_text(Backtrace *bt)
{
	Cli *cli = bt->cli;
	const CliOptions *options = &cli->options;
	const TraceTextOptions form = {
		.width = cli->terminal ? cli->width : 0,
		.whole_names = options->full,
		.all_threads = options->threads || options->full,
		.modules = options->full,
		.registers = options->full,
		.rating = true,
		.colour = cli->colour,
	};

	add_heading(bt);
	if (bt->systemd) {
		strbuf_add_char(&cli->out, '\n');
		add_lines(&cli->out, bt->systemd);
		add_systemd_note(bt);
		return cli_show(cli);
	}
	trace_text(&bt->shown.trace, &form, &cli->out);
	if (options->stats)
		add_stats(cli, &bt->shown.trace.stats);
	add_notes(bt);
	return cli_show(cli);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *words_json(char *const *words)
{
	json_t *array = json_array();

	for (; words && *words; words++)
		(void)json_array_append_new(array, json_text(*words, strlen(*words)));
	return array;
}

static void add_advice_json(const Backtrace *bt, json_t *root)
{
	_cleanup_(trace_advice_done) TraceAdvice advice = {};
	_cleanup_(freep) char *os = os_release_read(bt->source ? bt->source->root_fd : -EBADF);

	if (trace_advice(&bt->shown.trace, os, &advice) < 0 || !advice.modules)
		return;
	json_t *object = json_object();
	json_add_string(object, "command", advice.command);
	(void)json_object_set_new(object, "lacking", words_json(advice.modules));
	json_add_bool(object, "debuginfod", advice.debuginfod);
	(void)json_object_set_new(root, "advice", object);
}

static void add_trace_json(const Backtrace *bt, json_t *root)
{
	const CrashTrace *kept = &bt->shown.kept;
	json_t *trace = trace_to_json(&bt->shown.trace);

	json_add_u64(root, "analyzed", kept->analyzed_realtime);
	json_add_string(root, "rating", trace_rating_to_string((TraceRating)kept->rating));
	json_add_bool(root, "complete", kept->complete);
	json_add_bool(root, "fresh", bt->shown.fresh);
	(void)json_object_set_new(root, "trace", trace);
	if (kept->log)
		(void)json_object_set(root, "log", kept->log);
	add_advice_json(bt, root);
}

static int show_json(const Backtrace *bt)
{
	const Crash *crash = &bt->row->crash;
	char id[CRASH_ID_DIGITS + 1], program[32];
	json_t *root = json_object();

	json_add_u64(root, "version", 1);
	json_add_string(root, "id", crash_short_id(crash, id));
	json_add_string(root, "hash", crash->hash);
	json_add_string(root, "program", crash_program(crash, program));
	json_add_u64(root, "pid", (uint64_t)crash->pid);
	json_add_u64(root, "time", crash->when_realtime);
	json_add_string(root, "signature", bt->row->signature[0] ? bt->row->signature : NULL);
	json_add_string(root, "title", bt->row->title && *bt->row->title ? bt->row->title : NULL);
	json_add_string(root, "source", bt->systemd ? "systemd" : "vigil");
	json_add_string(root, "text", bt->systemd);
	if (!bt->systemd)
		add_trace_json(bt, root);
	return cli_print_json(bt->cli, root);
}

/* ---- where it comes from --------------------------------------------------------------------- */

/* MESSAGE begins with a sentence; after an empty line stands a trace, if systemd made one or a
 * language gave its own. NULL: none. */
static const char *systemd_trace(const Crash *crash)
{
	const char *text = crash->message ? strstr(crash->message, "\n\n") : NULL;

	while (text && *text == '\n')
		text++;
	return text && *text ? text : NULL;
}

/* Without asking anybody for a password. */
static bool has_core(const Backtrace *bt)
{
	return bt->core.state == CORE_PRESENT || bt->core.state == CORE_TRUNCATED ||
	       bt->core.state == CORE_JOURNAL;
}

/* Nobody need try again what is not the core's fault. */
static void keep_failure(const Backtrace *bt, const char *why)
{
	if (why)
		(void)index_set_trace_error(bt->source->index, bt->row->crash.hash, why);
}

static int unwind(Backtrace *bt)
{
	_cleanup_(closep) int core = -EBADF;
	_cleanup_(freep) char *why = NULL;
	const char *withheld = bt->core.withheld;
	int r;

	if (bt->core.state == CORE_INACCESSIBLE && withheld && !bt->cli->options.quiet)
		(void)cli_fail(
			EXIT_DONE, _("Note: this core is not yours to read: %s."), _(withheld));
	r = core_acquire(bt->cli, bt->source, bt->row, CORE_SPARE_DIRECTORY, &core);
	if (r != EXIT_DONE)
		return r;
	const TraceMaking making = {
		.cli = bt->cli, .source = bt->source, .crash = &bt->row->crash, .core = core};
	r = shown_trace_make(&making, &bt->shown, &why);
	if (r != EXIT_DONE)
		keep_failure(bt, why);
	else
		shown_trace_keep(bt->source, bt->row, &bt->shown);
	return r;
}

/* 1: the trace that is kept will do; 0: none is kept, or not one that will; -errno. */
static int load(Backtrace *bt)
{
	const CliOptions *options = &bt->cli->options;
	int r;

	if (options->refresh)
		return 0;
	r = shown_trace_load(bt->source, bt->row, &bt->shown);
	if (r > 0 && options->debuginfod && !bt->shown.kept.complete && has_core(bt))
		r = 0;
	if (r <= 0)
		shown_trace_done(&bt->shown);
	return r;
}

static int obtain(Backtrace *bt)
{
	const char *systemd = systemd_trace(&bt->row->crash);
	int r;

	crash_core_look(bt->source, bt->row, &bt->core, NULL);
	r = load(bt);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r));
	if (r > 0)
		return EXIT_DONE;
	if (has_core(bt) || !systemd || bt->cli->options.refresh)
		return unwind(bt);
	bt->systemd = systemd;
	return EXIT_DONE;
}

static int show(Backtrace *bt)
{
	int r = bt->cli->options.json ? show_json(bt) : show_text(bt);

	shown_trace_done(&bt->shown);
	return r;
}

static int run_crash(Cli *cli, const char *selector)
{
	CrashSource source;
	CrashRow row;
	int r;

	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	r = crash_select_one(cli, &source, selector, &row);
	if (r == EXIT_DONE) {
		Backtrace bt = {.cli = cli, .source = &source, .row = &row};
		r = obtain(&bt);
		if (r == EXIT_DONE)
			r = show(&bt);
		index_row_done(&row);
	}
	crash_source_done(&source);
	return r;
}

/* ---- a core file ----------------------------------------------------------------------------- */

/* A path also names the program whose crash is meant: only a core is taken for itself. */
static int open_core_file(const char *path, Crash *ret)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(closep) int fd =
		slash ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -ENOENT;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		crash_from_core(fd, slash + 1, path, ret) < 0)
		return -ENOENT;
	return TAKE_FD(fd);
}

static int run_core(Cli *cli, int core, Crash *crash)
{
	CrashRow row = {.crash = *crash};
	Backtrace bt = {.cli = cli, .row = &row};
	const TraceMaking making = {.cli = cli, .crash = crash, .core = core};
	_cleanup_(freep) char *title = NULL;
	int r;

	r = shown_trace_make(&making, &bt.shown, NULL);
	if (r != EXIT_DONE)
		return r;
	if (shown_trace_signature(&bt.shown, crash, row.signature, &title) < 0) {
		shown_trace_done(&bt.shown);
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	}
	row.title = title;
	return show(&bt);
}

int cmd_crash_bt(Cli *cli, int argc, const char **argv)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	_cleanup_(closep) int core = argc ? open_core_file(argv[0], &crash) : -EBADF;

	return core >= 0 ? run_core(cli, core, &crash) : run_crash(cli, argc ? argv[0] : "latest");
}
