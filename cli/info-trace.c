/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/info-trace.h"

#include "cli/info-lines.h"
#include "cli/os-release.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "coredump/trace-text.h"

void info_fault(Cli *cli, const Trace *trace)
{
	char buf[160];
	const char *words = trace_fault_words(trace, buf);

	if (words)
		info_prose(cli, _("Fault"), words);
}

char *info_package(const Trace *trace)
{
	char *text;

	for (size_t i = 0; i < trace->n_modules; i++) {
		const TraceModule *module = &trace->modules[i];
		if (!module->is_executable_file || !module->package)
			continue;
		return asprintf(&text, "%s%s%s", module->package, module->version ? " " : "",
			       module->version ? module->version : "") < 0
			       ? NULL
			       : text;
	}
	return NULL;
}

/* ---- the trace ------------------------------------------------------------------------------- */

static void add_frames(Cli *cli, const Trace *trace)
{
	const TraceTextOptions options = {
		.width = info_room(cli),
		.max_frames = INFO_FRAMES,
		.colour = cli->colour,
	};
	_cleanup_(strbuf_done) StrBuf frames = {};

	trace_text_frames(trace, &options, &frames);
	info_lines(cli, _("Backtrace"), strbuf_text(&frames));
}

static int advice_of(const CrashSource *source, const Trace *trace, TraceAdvice *ret)
{
	_cleanup_(freep) char *os = os_release_read(source->root_fd);

	return trace_advice(trace, os, ret);
}

/* A command to type, and the one that makes use of what it brought. */
static void add_advice(Cli *cli, const TraceAdvice *advice, const char *id)
{
	if (advice->command) {
		info_textf(cli, "", _("for more names and lines: %s"), advice->command);
		if (advice->note)
			info_prose(cli, "", _(advice->note));
		info_textf(cli, "", _("and then: vigil crash bt --refresh %s"), id);
	} else if (advice->debuginfod) {
		info_textf(cli, "", _("for more names and lines: %s %s"),
			"vigil crash bt --debuginfod", id);
	}
}

static void add_rating(Cli *cli, const CrashSource *source, const Trace *trace, const char *id)
{
	static const CellStyle styles[RATING_MAX] = {CELL_BAD, CELL_WARNING, CELL_GOOD, CELL_GOOD};
	_cleanup_(trace_advice_done) TraceAdvice advice = {};
	TraceQuality quality;

	trace_quality(trace, &quality);
	info_key(cli, _("Rating"));
	strbuf_addf(&cli->out, "%s%s%s\n", style_on(styles[quality.rating], cli->colour),
		_(trace_rating_words(quality.rating)),
		style_off(styles[quality.rating], cli->colour));
	if (quality.rating < RATING_USEFUL && advice_of(source, trace, &advice) >= 0)
		add_advice(cli, &advice, id);
	if (trace->partial)
		info_text(cli, _("Incomplete"), trace->partial);
}

void info_trace(Cli *cli, const CrashSource *source, const ShownTrace *shown, const char *id)
{
	if (shown->kept.trace) {
		add_frames(cli, &shown->trace);
		add_rating(cli, source, &shown->trace, id);
	}
	info_text(cli, shown->kept.trace ? _("Last Attempt") : _("Backtrace"), shown->kept.error);
}

/* ---- the log --------------------------------------------------------------------------------- */

static void add_line(Cli *cli, const char *key, const json_t *line)
{
	const char *message = json_string_value(json_object_get(line, "message"));
	json_int_t time = json_integer_value(json_object_get(line, "time"));
	json_t *priority = json_object_get(line, "priority");
	/* As journalctl: errors stand out, notices do a little. */
	CellStyle style = !json_is_integer(priority)	      ? CELL_PLAIN
			  : json_integer_value(priority) <= 3 ? CELL_BAD
			  : json_integer_value(priority) == 4 ? CELL_WARNING
							      : CELL_PLAIN;
	char when[64];

	info_key(cli, key);
	strbuf_addf(&cli->out, "%s %s",
		time > 0 ? format_timestamp((usec_t)time, TIMESTAMP_SECONDS, when) : "-",
		style_on(style, cli->colour));
	escape_terminal(&cli->out, message ? message : "", strlen(message ? message : ""));
	strbuf_addf(&cli->out, "%s\n", style_off(style, cli->colour));
}

void info_log(Cli *cli, const json_t *log)
{
	size_t n = json_array_size(log), first = n > INFO_LINES ? n - INFO_LINES : 0;

	for (size_t i = first; i < n; i++)
		add_line(cli, i == first ? _("Last Words") : "", json_array_get(log, i));
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_advice_json(json_t *root, const CrashSource *source, const Trace *trace)
{
	_cleanup_(trace_advice_done) TraceAdvice advice = {};
	json_t *object = json_object();

	if (advice_of(source, trace, &advice) >= 0) {
		json_add_string(object, "command", advice.command);
		json_add_bool(object, "debuginfod", advice.debuginfod);
	}
	(void)json_object_set_new(root, "advice", object);
}

void info_trace_json(
	json_t *root, const CrashSource *source, const ShownTrace *shown, bool has_trace)
{
	const CrashTrace *kept = &shown->kept;
	TraceQuality quality;
	char buf[160];

	json_add_string(root, "traceError", kept->error);
	if (kept->log)
		(void)json_object_set(root, "logLines", kept->log);
	if (!has_trace)
		return;
	trace_quality(&shown->trace, &quality);
	(void)json_object_set(root, "trace", kept->trace);
	json_add_string(root, "rating", trace_rating_to_string(quality.rating));
	json_add_string(root, "fault", trace_fault_words(&shown->trace, buf));
	json_add_u64(root, "analyzed", kept->analyzed_realtime);
	json_add_bool(root, "complete", kept->complete);
	add_advice_json(root, source, &shown->trace);
}
