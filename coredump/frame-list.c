/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which frames of a thread tell one crash from another. */
#include "coredump/frame-list.h"

#include "common/text.h"
#include "coredump/trace-fault.h"
#include <glib.h>
#include <signal.h>

#define TITLE_FRAMES 3
/* Of the recursion that used up a stack; what is called out of it may recurse as well. */
#define RUNAWAY_ROUNDS 8

void frame_list_done(FrameList *list)
{
	free(list->keys);
	*list = (FrameList){};
}

/* Room for one more. 1; 0: it is full; -ENOMEM. */
static int add(FrameList *list, FrameKey **ret)
{
	if (list->n == FRAME_LIST_MAX)
		return 0;
	if (!list->keys)
		list->keys = calloc(FRAME_LIST_MAX, sizeof *list->keys);
	if (!list->keys)
		return -ENOMEM;
	*ret = &list->keys[list->n++];
	return 1;
}

int frame_list_add_text(FrameList *list, const char *text)
{
	FrameKey *at;
	int r;

	r = add(list, &at);
	if (r <= 0)
		return r;
	(void)snprintf(at->key, sizeof at->key, "%s", text);
	memcpy(at->title, at->key, sizeof at->key);
	at->named = true;
	return 0;
}

int frame_list_add(FrameList *list, const FrameFacts *facts)
{
	FrameKey *at;
	int r;

	r = add(list, &at);
	if (r <= 0)
		return r;
	at->named = facts->function && facts->function[0];
	at->class = facts->module ? frame_module_class(facts->module) : FRAME_OWN;
	at->signal = facts->signal;
	if (at->named) {
		frame_name_fold(facts->function, at->key);
		FrameClass class = frame_name_class(at->key);
		at->class = class == FRAME_OWN ? at->class : class;
		at->signal |= frame_name_is_signal(at->key);
		memcpy(at->title, at->key, sizeof at->key);
		return 0;
	}
	bool known = facts->module && facts->module[0];
	const char *where =
		known && facts->build_id && facts->build_id[0] ? facts->build_id : facts->module;
	(void)snprintf(at->key, sizeof at->key, known ? "%.200s+0x%llx" : "?", where,
		(unsigned long long)facts->offset);
	(void)snprintf(at->title, sizeof at->title, known ? "%.200s+0x%llx" : "?", facts->module,
		(unsigned long long)facts->offset);
	return 0;
}

int frame_list_from_trace(const Trace *trace, FrameList *list)
{
	const TraceThread *thread = trace_crashed(trace);
	int r;

	if (!thread || thread->n_frames == 0)
		return -ENODATA;
	for (size_t i = 0; i < thread->n_frames; i++) {
		const TraceFrame *frame = &thread->frames[i];
		bool known = frame->module >= 0;
		r = frame_list_add(list,
			&(FrameFacts){
				.function = frame->function ? frame->function : frame->symbol,
				.module = known ? trace_module_name(trace, frame->module) : NULL,
				.build_id = known ? trace->modules[frame->module].build_id : NULL,
				.offset = frame->offset,
				.signal = frame->signal,
			});
		if (r < 0)
			return r;
	}
	list->sent = trace->has_code && trace->code <= 0;
	list->overflow = trace_is_stack_overflow(trace);
	return 0;
}

/* ---- what matters ---------------------------------------------------------------------------- */

static void drop(FrameList *list, size_t at, size_t n)
{
	if (n == 0)
		return;
	memmove(list->keys + at, list->keys + at + n, (list->n - at - n) * sizeof *list->keys);
	list->n -= n;
}

/* How many frames from `at` on say that the program ended itself. Frames without a name in between
 * are the C library's own that nobody exports. */
static size_t count_ending(const FrameList *list, size_t at)
{
	size_t n = 0;

	for (size_t i = at; i < list->n; i++) {
		const FrameKey *key = &list->keys[i];
		if (key->class == FRAME_ENDING)
			n = i + 1 - at;
		else if (key->class != FRAME_LIBRARY && key->named)
			break;
	}
	return n;
}

/* A handler of crashes gives the signal back by sending it: the crash is below it. One that crashes
 * itself is the crash. */
size_t frame_list_first(const FrameList *list)
{
	size_t first = 0, ending = count_ending(list, 0);

	for (size_t i = 0; (list->sent || ending) && i + 1 < list->n; i++)
		if (list->keys[i].signal)
			first = i + 1;
	first += count_ending(list, first);
	return first < list->n ? first : 0;
}

static void keep_class(FrameList *list, FrameClass class)
{
	for (size_t i = list->n; i-- > 0;)
		if (list->keys[i].class != class)
			drop(list, i, 1);
}

static bool has_class(const FrameList *list, FrameClass class)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->keys[i].class == class)
			return true;
	return false;
}

/* ---- recursion ------------------------------------------------------------------------------- */

static bool same(const FrameList *list, size_t a, size_t b)
{
	return streq(list->keys[a].key, list->keys[b].key);
}

/* How many frames from `at` on come again and again each `period` frames; 0: not even twice. */
static size_t run_length(const FrameList *list, size_t at, size_t period)
{
	size_t n = 0;

	while (at + n + period < list->n && same(list, at + n, at + n + period))
		n++;
	return n >= period ? n + period : 0;
}

static void swap_keys(FrameKey *a, FrameKey *b)
{
	FrameKey c = *a;

	*a = *b;
	*b = c;
}

static void reverse(FrameKey *keys, size_t n)
{
	for (size_t i = 0; i < n / 2; i++)
		swap_keys(&keys[i], &keys[n - 1 - i]);
}

static int compare_rotations(const FrameKey *keys, size_t n, size_t a, size_t b)
{
	for (size_t i = 0; i < n; i++) {
		int order = strcmp(keys[(a + i) % n].key, keys[(b + i) % n].key);
		if (order != 0)
			return order;
	}
	return 0;
}

/* A round has no beginning: it gets the one that sorts first. */
static void rotate(FrameKey *keys, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (compare_rotations(keys, n, i, best) < 0)
			best = i;
	reverse(keys, best);
	reverse(keys + best, n - best);
	reverse(keys, n);
}

/* Folds the first recursion at or behind *at. False: there is none. */
static bool fold_run(FrameList *list, size_t *at)
{
	for (size_t i = *at; i < list->n; i++)
		for (size_t period = 1; i + 2 * period <= list->n; period++) {
			size_t n = run_length(list, i, period);
			if (n == 0)
				continue;
			bool runaway = list->overflow && n / period >= RUNAWAY_ROUNDS;
			rotate(list->keys + i, period);
			drop(list, i + period, n - period);
			*at = i + period;
			if (runaway) {
				drop(list, 0, i);
				*at = period;
			}
			return true;
		}
	return false;
}

/* Rounds of rounds, and one that goes on behind a gap, need another look. */
static void fold_recursion(FrameList *list)
{
	for (size_t before = list->n + 1; list->n < before;) {
		before = list->n;
		for (size_t at = 0; fold_run(list, &at);)
			;
	}
}

void frame_list_reduce(FrameList *list)
{
	drop(list, 0, frame_list_first(list));
	for (size_t i = list->n; i-- > 0;)
		if (list->keys[i].signal && list->n > 1)
			drop(list, i, 1);
	if (has_class(list, FRAME_OWN)) {
		keep_class(list, FRAME_OWN);
	} else if (has_class(list, FRAME_START)) {
		keep_class(list, FRAME_START);
		list->n = 1;
	}
	fold_recursion(list);
}

/* ---- signature ------------------------------------------------------------------------------- */

/* Which of two signals of one cause comes is chance, or the machine's choice. */
static void add_signal(StrBuf *out, const Crash *crash)
{
	int number = crash->signal;

	if (crash->not_responding)
		strbuf_add(out, "hung\n");
	else if (number == SIGSEGV || number == SIGBUS)
		strbuf_add(out, "memory\n");
	else if (number == SIGILL || number == SIGTRAP)
		strbuf_add(out, "trap\n");
	else
		strbuf_addf(out, "%d\n", number);
}

/* Where it is installed, and whether it was replaced since, does not matter. */
static void add_program(StrBuf *out, const Crash *crash)
{
	char buf[32];
	const char *program = crash->exe || crash->comm ? crash_program(crash, buf) : "";
	const char *deleted = endswith(program, " (deleted)");

	strbuf_add_n(out, program, deleted ? (size_t)(deleted - program) : strlen(program));
	strbuf_add_char(out, '\n');
}

void frame_list_signature(
	const FrameList *list, const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE])
{
	_cleanup_(strbuf_done) StrBuf text = {};

	strbuf_add(&text, "vigil-signature-2\n");
	add_program(&text, crash);
	strbuf_addf(&text, "%d\n", (int)crash->kind);
	add_signal(&text, crash);
	for (size_t i = 0; i < list->n && i < CRASH_SIGNATURE_FRAMES; i++)
		strbuf_addf(&text, "%s\n", list->keys[i].key);
	g_autofree char *digest = g_compute_checksum_for_data(
		G_CHECKSUM_SHA256, (const guchar *)strbuf_text(&text), text.length);
	(void)snprintf(ret, CRASH_SIGNATURE_SIZE, "%.16s", digest);
}

char *frame_list_title(const FrameList *list)
{
	_cleanup_(strbuf_done) StrBuf text = {};

	for (size_t i = 0; i < list->n && i < TITLE_FRAMES; i++)
		strbuf_addf(&text, "%s%s", i ? " < " : "", list->keys[i].title);
	return strbuf_take(&text);
}
