/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A crash as the text of a bug report. What goes in is chosen field by field; whatever is not named
 * here stays on the machine. */
#include "cli/crash-report.h"

#include "cli/crash-view.h"
#include "common/i18n.h"
#include "common/text.h"
#include "common/timestamp.h"
#include <ctype.h>

/* Of foreign bytes, each of which may take four once it is escaped; together they stay below
 * CRASH_REPORT_MAX whatever they are. */
#define FIELD_MAX ((size_t)500)
#define FRAME_MAX ((size_t)1000)
#define TRACE_MAX ((size_t)34 * 1000) /* as it is written */

/* ---- hiding ---------------------------------------------------------------------------------- */

/* The length of a home directory at the start of s; 0: none is there. */
static size_t home_length(const char *s, const CrashReportContext *context)
{
	size_t n = context->home ? strlen(context->home) : 0;

	if (n > 1 && strncmp(s, context->home, n) == 0 && (!s[n] || !isalnum((unsigned char)s[n])))
		return n;
	if (startswith(s, "/home/")) {
		size_t name = strcspn(s + 6, "/ \t\n:\"'");
		return name ? 6 + name : 0;
	}
	return startswith(s, "/root") && (s[5] == '/' || !s[5] || isspace((unsigned char)s[5])) ? 5
												: 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static size_t user_length(const char *s, char before, const CrashReportContext *context)
{
	size_t n = context->user ? strlen(context->user) : 0;

	return n > 2 && !is_word(before) && strncmp(s, context->user, n) == 0 && !is_word(s[n]) ? n
												: 0;
}

void crash_report_hide(StrBuf *out, const char *text, const CrashReportContext *context)
{
	char before = ' ';

	while (*text) {
		size_t n = *text == '/' && !is_word(before) ? home_length(text, context) : 0;
		if (n) {
			strbuf_add_char(out, '~');
		} else if ((n = user_length(text, before, context))) {
			strbuf_add(out, "user");
		} else {
			n = 1;
			strbuf_add_char(out, *text);
		}
		before = text[n - 1];
		text += n;
	}
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* What would mean something in Markdown becomes an apostrophe. */
static void defuse(StrBuf *text, const char *characters)
{
	for (size_t i = 0; i < text->length; i++)
		if (strchr(characters, text->data[i]))
			text->data[i] = '\'';
}

/* Foreign text for one line of Markdown, as code: no backtick can end it early. */
static void add_code(StrBuf *out, const char *text, const CrashReportContext *context)
{
	_cleanup_(strbuf_done) StrBuf hidden = {}, safe = {};

	crash_report_hide(&hidden, text, context);
	escape_terminal(&safe, strbuf_text(&hidden), MIN_OF(hidden.length, FIELD_MAX));
	defuse(&safe, "`");
	strbuf_addf(out, "`%s%s`", strbuf_text(&safe), hidden.length > FIELD_MAX ? "…" : "");
}

static void add_fact(
	StrBuf *out, const char *name, const char *text, const CrashReportContext *context)
{
	if (!text || !*text)
		return;
	strbuf_addf(out, "- %s: ", name);
	add_code(out, text, context);
	strbuf_add_char(out, '\n');
}

/* A fence longer than any row of backticks inside. */
static void add_fence(StrBuf *out, const char *text)
{
	size_t longest = 2;

	for (const char *p = text; (p = strchr(p, '`'));) {
		size_t n = strspn(p, "`");
		longest = MAX_OF(longest, n);
		p += n;
	}
	for (size_t i = 0; i <= longest; i++)
		strbuf_add_char(out, '`');
	strbuf_add_char(out, '\n');
}

static void add_lines(StrBuf *out, const char *text, size_t max, const CrashReportContext *context)
{
	while (*text) {
		_cleanup_(strbuf_done) StrBuf hidden = {}, line = {}, safe = {};
		size_t n = strcspn(text, "\n");

		strbuf_add_n(&line, text, MIN_OF(n, FRAME_MAX));
		crash_report_hide(&hidden, strbuf_text(&line), context);
		escape_terminal(&safe, strbuf_text(&hidden), hidden.length);
		if (safe.length + 1 > max) {
			strbuf_add(out, "[…]\n");
			return;
		}
		max -= safe.length + 1;
		strbuf_addf(out, "%s\n", strbuf_text(&safe));
		text += n + (text[n] == '\n');
	}
}

static void add_trace(StrBuf *out, const Crash *crash, const CrashReportContext *context)
{
	const char *message = crash->message;

	if (!message || !strchr(message, '\n')) {
		strbuf_add(out, "\nNo stack trace was recorded.\n");
		return;
	}
	/* The first line repeats what stands above, with the user's id. */
	const char *trace = strstr(message, "Stack trace");
	if (!trace)
		trace = strchr(message, '\n') + 1;
	_cleanup_(strbuf_done) StrBuf lines = {};
	add_lines(&lines, trace, TRACE_MAX, context);
	strbuf_add(out, "\n<details><summary>Stack trace</summary>\n\n");
	add_fence(out, strbuf_text(&lines));
	strbuf_add(out, strbuf_text(&lines));
	add_fence(out, strbuf_text(&lines));
	strbuf_add(out, "\n</details>\n");
}

static const char *kcrash_value(const Crash *crash, const char *key)
{
	return json_string_value(json_object_get(json_object_get(crash->kcrash, "KCrash"), key));
}

void crash_report_markdown(const CrashRow *row, const CrashReportContext *context, StrBuf *out)
{
	const Crash *crash = &row->crash;
	_cleanup_(freep) char *package = crash_package(crash);
	char program[32], name[16], when[64];

	_cleanup_(strbuf_done) StrBuf title = {};
	escape_terminal(&title, crash_program(crash, program),
		MIN_OF(strlen(crash_program(crash, program)), FIELD_MAX));
	defuse(&title, "`<>[]*_#|");
	strbuf_addf(out, "## %s %s\n\n", strbuf_text(&title), crash_signal_words(crash->signal));
	add_fact(out, "Program", crash->exe ? crash->exe : crash->comm, context);
	add_fact(out, "Version", kcrash_value(crash, "appversion"), context);
	add_fact(out, "Package", package, context);
	if (crash->signal)
		strbuf_addf(out, "- Signal: %s (%d)\n", crash_signal_name(crash->signal, name),
			crash->signal);
	strbuf_addf(out, "- Time: %s\n",
		format_timestamp(crash->when_realtime, TIMESTAMP_SECONDS, when));
	add_fact(out, "Command line", crash->cmdline, context);
	add_fact(out, "Unit", crash->user_unit ? crash->user_unit : crash->unit, context);
	add_fact(out, "System", context->os, context);
	add_fact(out, "Kernel", context->kernel, context);
	if (row->title && *row->title)
		add_fact(out, "Where", row->title, context);
	if (context->repeats > 1)
		strbuf_addf(out, "- Seen: %llu times here\n", (unsigned long long)context->repeats);
	if (crash->truncated)
		strbuf_add(out, "- The core is incomplete.\n");
	add_trace(out, crash, context);
}
