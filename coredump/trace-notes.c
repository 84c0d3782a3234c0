/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text form of a trace: all but the frames. */
#include "coredump/trace-notes.h"

#include "common/i18n.h"
#include "common/style.h"
#include "common/text.h"
#include "coredump/record.h"
#include "coredump/trace-fault.h"
#include "coredump/trace-quality.h"
#include <inttypes.h>

#define REGISTERS_A_LINE 3

void trace_notes_fault(const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	char name[16], buf[160];
	const char *words = trace_fault_words_in(trace, options->english, buf);

	if (!trace->signal)
		return;
	strbuf_addf(out, "%s%s%s%s%s\n", style_on(CELL_BAD, options->colour),
		crash_signal_name(trace->signal, name), style_off(CELL_BAD, options->colour),
		words ? ": " : "", words ? words : "");
}

static void add_escaped(StrBuf *out, const char *text)
{
	escape_terminal(out, text, strlen(text));
}

static void add_title(const TraceTextOptions *options, const char *title, StrBuf *out)
{
	strbuf_addf(out, "\n%s%s%s\n", style_on(CELL_BOLD, options->colour),
		said_in(options->english, title), style_off(CELL_BOLD, options->colour));
}

static void add_registers(const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	if (trace->n_registers == 0)
		return;
	add_title(options, N_("Registers"), out);
	for (size_t i = 0; i < trace->n_registers; i++) {
		bool last = i + 1 == trace->n_registers || i % REGISTERS_A_LINE == 2;
		strbuf_addf(out, "%s%-6s 0x%016" PRIx64 "%s", i % REGISTERS_A_LINE ? "" : "  ",
			trace->registers[i].name, trace->registers[i].value, last ? "\n" : "  ");
	}
}

/* ---- modules --------------------------------------------------------------------------------- */

static bool is_in_thread(const TraceThread *thread, size_t module)
{
	for (size_t i = 0; i < thread->n_frames; i++)
		if (thread->frames[i].module == (int)module)
			return true;
	return false;
}

/* Whether frames that are shown lie in it. */
static bool is_used(const Trace *trace, const TraceTextOptions *options, size_t module)
{
	for (size_t i = 0; i < trace->n_threads; i++)
		if ((options->all_threads || trace->threads[i].crashed) &&
			is_in_thread(&trace->threads[i], module))
			return true;
	return false;
}

static void add_module(const TraceModule *module, const TraceTextOptions *options, StrBuf *out)
{
	static const char *const symbols[SYMBOLS_MAX] = {
		[SYMBOLS_NONE] = N_("no symbols"),
		[SYMBOLS_EXPORTED] = N_("exported symbols only"),
		[SYMBOLS_TABLE] = N_("symbols, no lines"),
		[SYMBOLS_DEBUG] = N_("debugging information"),
	};

	strbuf_add(out, "  ");
	add_escaped(out, module->path);
	if (module->package) {
		strbuf_add(out, "  ");
		add_escaped(out, module->package);
		strbuf_add(out, module->version ? " " : "");
		add_escaped(out, module->version ? module->version : "");
	}
	strbuf_addf(out, "\n      %s%s", said_in(options->english, symbols[module->symbols]),
		module->debug_file ? ": " : "");
	add_escaped(out, module->debug_file ? module->debug_file : "");
	if (module->build_id[0])
		strbuf_addf(out, "\n      %s %s", said_in(options->english, N_("build id")),
			module->build_id);
	strbuf_add_char(out, '\n');
}

static void add_modules(const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	bool any = false;

	for (size_t i = 0; i < trace->n_modules; i++) {
		if (!is_used(trace, options, i))
			continue;
		if (!any)
			add_title(options, N_("Files"), out);
		add_module(&trace->modules[i], options, out);
		any = true;
	}
}

static const char *trouble(TraceModuleState state)
{
	switch (state) {
	case MODULE_UNPROVEN:
		return N_(
			"nothing tells whether the file on disk is the one that crashed (it has no build id)");
	case MODULE_REPLACED:
		return N_("the file on disk was replaced since; its symbols were not used");
	case MODULE_DELETED:
		return N_("the file was deleted since");
	case MODULE_UNREADABLE:
		return N_("the file cannot be read");
	default:
		return NULL;
	}
}

static void add_troubles(const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	bool any = false;

	for (size_t i = 0; i < trace->n_modules; i++) {
		const char *why = trouble(trace->modules[i].state);
		if (!why || !is_used(trace, options, i))
			continue;
		strbuf_addf(out, "%s%s", any ? "" : "\n", style_on(CELL_WARNING, options->colour));
		add_escaped(out, trace_module_name(trace, (int)i));
		strbuf_addf(out, "%s: %s\n", style_off(CELL_WARNING, options->colour),
			said_in(options->english, why));
		any = true;
	}
}

/* ---- the end --------------------------------------------------------------------------------- */

static void add_rating(const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	static const char *const stars[RATING_MAX] = {"☆☆☆", "★☆☆", "★★☆", "★★★"};
	TraceQuality quality;

	trace_quality(trace, &quality);
	strbuf_addf(out, "\n%s %s", stars[quality.rating],
		said_in(options->english, trace_rating_words(quality.rating)));
	if (quality.n_frames)
		strbuf_addf(out,
			said_in(options->english,
				N_(": of %zu frames, %zu have a name and %zu a line")),
			quality.n_frames, quality.n_named, quality.n_lines);
	strbuf_add_char(out, '\n');
}

void trace_notes_below(const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	if (options->registers)
		add_registers(trace, options, out);
	if (options->modules)
		add_modules(trace, options, out);
	add_troubles(trace, options, out);
	if (trace->partial) {
		strbuf_addf(out, "\n%s ", said_in(options->english, N_("Partial:")));
		add_escaped(out, trace->partial);
		strbuf_add_char(out, '\n');
	}
	if (options->rating)
		add_rating(trace, options, out);
}
