/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text form of a trace: threads and frames. What stands above and below is in trace-notes.c. */
#include "coredump/trace-text.h"

#include "common/i18n.h"
#include "common/style.h"
#include "common/text.h"
#include "coredump/frame-list.h"
#include "coredump/trace-notes.h"
#include <inttypes.h>

#define FUNCTION_COLUMNS 400 /* of one name; the rest is in the JSON */
#define NAME_COLUMNS_MIN 24  /* in a narrower place none is cut */
#define CYCLE_NAMES	 6
#define ROUNDS_SHOWN	 2
#define GROUP_TIDS	 8 /* told of threads that wait in one place */

typedef struct Writer {
	const Trace *trace;
	const TraceTextOptions *options;
	StrBuf *out;
	/* of the crashed thread: keys[i] is of frame i; first: where the crash is. n is 0 for
	 * others */
	FrameList list;
	size_t first;
} Writer;

static const char *said(const Writer *w, const char *text)
{
	return said_in(w->options->english, text);
}

static void add_styled(Writer *w, CellStyle style, const char *text)
{
	strbuf_addf(w->out, "%s%s%s", style_on(style, w->options->colour), text,
		style_off(style, w->options->colour));
}

/* ---- one frame ------------------------------------------------------------------------------- */

static const char *name_of(const TraceFrame *frame)
{
	return frame->function ? frame->function : frame->symbol;
}

/* A name of a template may take a screen of its own: where lines have a width, it keeps to one. */
static size_t room_for_name(const Writer *w, const TraceFrame *frame, size_t indent)
{
	size_t taken = indent + (frame->inlined ? strlen(" (inlined)") : 0) + 1;

	if (w->options->width < taken + NAME_COLUMNS_MIN || w->options->whole_names)
		return FUNCTION_COLUMNS;
	return MIN_OF(w->options->width - taken, (size_t)FUNCTION_COLUMNS);
}

/* Escaped, at most so many columns. */
static void add_function(const Writer *w, const TraceFrame *frame, size_t indent, StrBuf *out)
{
	const char *name = name_of(frame);
	_cleanup_(freep) char *safe = NULL;

	if (frame->signal && !name) {
		strbuf_add(out, said(w, N_("<signal handler called>")));
	} else if (!name && frame->module >= 0) {
		safe = escaped_terminal(trace_module_name(w->trace, frame->module));
		strbuf_addf(out, "%s+0x%" PRIx64, safe ? safe : "?", frame->offset);
	} else if (!name) {
		strbuf_addf(out, "0x%" PRIx64 " %s", frame->pc,
			said(w, N_("(no file is mapped there)")));
	} else {
		size_t n = strlen(name), cut = MIN_OF(n, room_for_name(w, frame, indent));
		while (cut < n && cut > 0 && ((unsigned char)name[cut] & 0xc0) == 0x80)
			cut--;
		escape_terminal(out, name, cut);
		strbuf_add(out, cut < n ? "…" : "");
	}
	if (frame->inlined)
		strbuf_addf(out, " %s", said(w, N_("(inlined)")));
}

/* "at file.c:12  [libfoo.so.1]"; "" where the function's text says it all. */
static void add_place(const Writer *w, const TraceFrame *frame, StrBuf *out)
{
	bool named = name_of(frame), line = frame->file && frame->line;

	if (frame->file) {
		strbuf_addf(out, "%s ", said(w, N_("at")));
		escape_terminal(out, frame->file, strlen(frame->file));
		if (line)
			strbuf_addf(out, ":%u", frame->line);
	}
	if (!named || frame->module < 0)
		return;
	const char *module = trace_module_name(w->trace, frame->module);
	strbuf_addf(out, "%s%s[", out->length ? "  " : "", style_on(CELL_DIM, w->options->colour));
	escape_terminal(out, module, strlen(module));
	if (!line)
		strbuf_addf(out, "+0x%" PRIx64, frame->offset);
	strbuf_addf(out, "]%s", style_off(CELL_DIM, w->options->colour));
}

/* What ends the program and what holds it together steps back; where the crash is stands out. */
static CellStyle frame_style(const Writer *w, size_t i)
{
	if (i >= w->list.n)
		return CELL_PLAIN;
	if (i == w->first)
		return CELL_BOLD;
	return i < w->first || w->list.keys[i].class != FRAME_OWN ? CELL_DIM : CELL_PLAIN;
}

/* Columns of escaped text that may hold sequences of a style. */
static size_t visible_columns(const Writer *w, const StrBuf *text)
{
	size_t n = text_columns(strbuf_text(text));
	size_t codes = strlen(style_on(CELL_DIM, true)) + strlen(style_off(CELL_DIM, true));

	return w->options->colour && strstr(strbuf_text(text), "\033[") && n > codes ? n - codes
										     : n;
}

static void add_frame(Writer *w, const TraceThread *thread, size_t i, uint64_t number, int digits)
{
	_cleanup_(strbuf_done) StrBuf function = {}, place = {};
	size_t indent = 2 + 1 + (size_t)digits + 2, width = w->options->width;

	add_function(w, &thread->frames[i], indent, &function);
	add_place(w, &thread->frames[i], &place);
	strbuf_addf(w->out, "  #%-*" PRIu64 "  ", digits, number);
	add_styled(w, frame_style(w, i), strbuf_text(&function));
	size_t used = indent + text_columns(strbuf_text(&function));
	if (!place.length) {
		strbuf_add_char(w->out, '\n');
		return;
	}
	if (width == 0 || used + 2 + visible_columns(w, &place) <= width)
		strbuf_add(w->out, "  ");
	else
		strbuf_addf(w->out, "\n%*s", (int)indent + 2, "");
	strbuf_addf(w->out, "%s\n", strbuf_text(&place));
}

/* ---- what is not shown ------------------------------------------------------------------------
 */

/* Frames [from, to) of the whole thread, those that were left out counted, are not shown. */
typedef struct Gap {
	uint64_t from, to;
	bool cycle;
} Gap;

static bool same_frame(const TraceFrame *a, const TraceFrame *b)
{
	const char *x = name_of(a), *y = name_of(b);

	return x && y ? streq(x, y) : x == y && a->module == b->module && a->offset == b->offset;
}

/* Whether the frame is one of the round that comes over and over. */
static bool is_in_cycle(const TraceThread *thread, size_t i)
{
	for (size_t j = 0; j < thread->cycle_length; j++)
		if (same_frame(&thread->frames[thread->cycle_at + j], &thread->frames[i]))
			return true;
	return false;
}

/* Behind the last frame of the recursion, as far as frames were kept. */
static size_t cycle_end(const TraceThread *thread)
{
	size_t end = thread->cycle_at;

	while (end < thread->n_frames && is_in_cycle(thread, end))
		end++;
	return end;
}

/* How many were left out. The unwinder counts those of the stack, without what is inlined in them:
 * of a recursion, rounds tell it all. */
static uint64_t count_left(const TraceThread *thread)
{
	uint64_t frames;

	if (!thread->n_left || !thread->cycle_length || thread->left_at < thread->cycle_at ||
		__builtin_mul_overflow(thread->cycle_repeats, thread->cycle_length, &frames))
		return thread->n_left;
	size_t end = cycle_end(thread), kept = end - thread->cycle_at;
	return end > thread->left_at && frames > thread->n_left + kept ? frames - kept
								       : thread->n_left;
}

static uint64_t number_of(const TraceThread *thread, size_t i, uint64_t n_left)
{
	return i + (i >= thread->left_at ? n_left : 0);
}

/* Rounds of a recursion beyond the first ones, with what the unwinder left out of them; else what
 * it left out alone. Where the rounds end, the frames tell. */
static Gap find_gap(const TraceThread *thread, uint64_t n_left)
{
	Gap left = {.from = thread->left_at, .to = thread->left_at + n_left};
	size_t begin = thread->cycle_at + ROUNDS_SHOWN * thread->cycle_length;

	if (!thread->cycle_length || begin > thread->n_frames ||
		(thread->n_left && thread->left_at < begin))
		return left;
	size_t end = cycle_end(thread);
	if (end < begin + 2 || (thread->n_left && end < thread->left_at))
		return left;
	return (Gap){.from = begin, .to = number_of(thread, end - 1, n_left) + 1, .cycle = true};
}

/* The length of the shortest round that they are made of. */
static size_t shortest_round(const TraceFrame *frames, size_t n)
{
	for (size_t period = 1; period < n; period++) {
		size_t i = 0;
		while (i + period < n && same_frame(&frames[i], &frames[i + period]))
			i++;
		if (n % period == 0 && i + period == n)
			return period;
	}
	return n;
}

/* The functions of a round, who calls first: "a → b → c". */
static void add_cycle(Writer *w, const TraceThread *thread)
{
	const TraceFrame *frames = thread->frames + thread->cycle_at;
	size_t n = shortest_round(frames, thread->cycle_length);

	for (size_t i = 0; i < n && i < CYCLE_NAMES; i++) {
		const char *name = name_of(&frames[n - 1 - i]);
		char folded[FRAME_NAME_SIZE] = "?";
		if (name)
			frame_name_fold(name, folded);
		strbuf_add(w->out, i ? " → " : "");
		escape_terminal(w->out, folded, strlen(folded));
	}
	if (n > CYCLE_NAMES)
		strbuf_add(w->out, " → …");
}

static void add_gap(Writer *w, const TraceThread *thread, const Gap *gap)
{
	unsigned long long n = gap->to - gap->from;
	const bool english = w->options->english;

	strbuf_add(w->out, "  ");
	if (gap->cycle) {
		strbuf_addf(
			w->out, said_in(english, N_("… %'llu more frames, over and over: ")), n);
		add_cycle(w, thread);
	} else {
		strbuf_addf(w->out,
			english ? n == 1 ? "… %'llu more frame" : "… %'llu more frames"
				: P_("… %'llu more frame", "… %'llu more frames", n),
			n);
	}
	strbuf_add_char(w->out, '\n');
}

/* ---- a thread -------------------------------------------------------------------------------- */

static int digits_of(uint64_t number)
{
	int n = 1;

	for (; number >= 10; number /= 10)
		n++;
	return n;
}

static void add_frames(Writer *w, const TraceThread *thread)
{
	size_t max = w->options->max_frames, shown = 0;
	uint64_t n_left = count_left(thread), total = thread->n_frames + n_left;
	int digits = digits_of(total ? total - 1 : 0);
	Gap gap = find_gap(thread, n_left);
	bool told = gap.from >= gap.to;

	/* the digits of what is shown */
	if (max && max < thread->n_frames)
		digits = digits_of(max);
	for (size_t i = 0; i < thread->n_frames; i++) {
		uint64_t number = number_of(thread, i, n_left);
		if (!told && number >= gap.from) {
			add_gap(w, thread, &gap);
			told = true;
		}
		if (number >= gap.from && number < gap.to)
			continue;
		if (max && shown == max) {
			add_gap(w, thread, &(Gap){.from = number, .to = total});
			return;
		}
		add_frame(w, thread, i, number, digits);
		shown++;
	}
	if (!told)
		add_gap(w, thread, &gap);
	if (thread->error) {
		strbuf_addf(w->out, "  %s ", said(w, N_("No further:")));
		escape_terminal(w->out, thread->error, strlen(thread->error));
		strbuf_add_char(w->out, '\n');
	}
}

static void add_tid(Writer *w, const TraceThread *thread)
{
	strbuf_addf(w->out, "%d", thread->tid);
	if (!thread->name || !thread->name[0])
		return;
	strbuf_add(w->out, " \"");
	escape_terminal(w->out, thread->name, strlen(thread->name));
	strbuf_add_char(w->out, '"');
}

static void add_thread(Writer *w, const TraceThread *thread)
{
	strbuf_addf(
		w->out, "\n%s%s ", style_on(CELL_BOLD, w->options->colour), said(w, N_("Thread")));
	add_tid(w, thread);
	if (thread->crashed)
		strbuf_addf(w->out, ", %s", said(w, N_("crashed")));
	strbuf_addf(w->out, "%s\n", style_off(CELL_BOLD, w->options->colour));
	add_frames(w, thread);
}

/* ---- threads that wait in one place -----------------------------------------------------------
 */

static bool same_frames(const TraceThread *a, const TraceThread *b)
{
	if (a->n_frames != b->n_frames || a->n_left != b->n_left || a->crashed || b->crashed ||
		a->error || b->error)
		return false;
	for (size_t i = 0; i < a->n_frames; i++)
		if (a->frames[i].pc != b->frames[i].pc)
			return false;
	return true;
}

/* Of those from `at` on that are as it is; marks them in done. 1: it is alone. */
static size_t count_like(const Trace *trace, size_t at, bool *done)
{
	size_t n = 0;

	for (size_t i = at; i < trace->n_threads; i++)
		if (!done[i] && (i == at || same_frames(&trace->threads[at], &trace->threads[i]))) {
			done[i] = true;
			n++;
		}
	return n;
}

static void add_group(Writer *w, size_t at, size_t n)
{
	const TraceThread *thread = &w->trace->threads[at];
	size_t told = 0;

	strbuf_addf(w->out, "\n%s", style_on(CELL_BOLD, w->options->colour));
	strbuf_addf(w->out, said(w, N_("%zu threads in one place: ")), n);
	for (size_t i = at; i < w->trace->n_threads && told < n; i++) {
		if (i != at && !same_frames(thread, &w->trace->threads[i]))
			continue;
		if (told == GROUP_TIDS) {
			strbuf_add(w->out, ", …");
			break;
		}
		strbuf_add(w->out, told++ ? ", " : "");
		add_tid(w, &w->trace->threads[i]);
	}
	strbuf_addf(w->out, "%s\n", style_off(CELL_BOLD, w->options->colour));
	add_frames(w, thread);
}

static void add_others(Writer *w, const TraceThread *crashed)
{
	const Trace *trace = w->trace;
	_cleanup_(freep) bool *done = calloc(trace->n_threads + 1, sizeof *done);

	if (!done) {
		w->out->failed = true;
		return;
	}
	for (size_t i = 0; i < trace->n_threads; i++) {
		if (done[i] || &trace->threads[i] == crashed)
			continue;
		size_t n = count_like(trace, i, done);
		if (n == 1)
			add_thread(w, &trace->threads[i]);
		else
			add_group(w, i, n);
	}
	if (trace->n_threads_left)
		strbuf_addf(w->out, said(w, N_("\n… %llu more threads\n")),
			(unsigned long long)trace->n_threads_left);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void writer_init(Writer *w, const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	*w = (Writer){.trace = trace, .options = options, .out = out};
	if (frame_list_from_trace(trace, &w->list) >= 0)
		w->first = frame_list_first(&w->list);
}

void trace_text_frames(const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	const TraceThread *crashed = trace_crashed(trace);
	Writer w;

	writer_init(&w, trace, options, out);
	if (crashed)
		add_frames(&w, crashed);
	frame_list_done(&w.list);
}

void trace_text(const Trace *trace, const TraceTextOptions *options, StrBuf *out)
{
	const TraceThread *crashed = trace_crashed(trace);
	Writer w;

	writer_init(&w, trace, options, out);
	trace_notes_fault(trace, options, out);
	if (crashed)
		add_thread(&w, crashed);
	frame_list_done(&w.list);
	if (options->all_threads || !crashed)
		add_others(&w, crashed);
	trace_notes_below(trace, options, out);
}
