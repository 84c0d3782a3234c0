/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/unwind/frames.h"

#include "common/cleanup.h"
#include "coredump/unwind/cycle.h"
#include <string.h>

#define FRAME_JSON_BYTES 200 /* numbers and keys of one, without texts */

/* Frames of the stack that are kept: the first n_head and the last n_tail; what they become. */
typedef struct Kept {
	size_t n_head, n_tail;
	size_t head_frames, tail_frames;
} Kept;

/* Where the instruction is: of a caller the call, not what follows it. */
static uint64_t address_of(const StackFrame *frame)
{
	return frame->is_call && frame->pc ? frame->pc - 1 : frame->pc;
}

/* How many of the stack's frames from one end fit into max frames of the trace. */
static int fit(const Stack *stack, Symbols *symbols, bool from_end, size_t max, size_t *ret_n,
	size_t *ret_frames)
{
	const TraceFrame *frame;
	size_t n, total = 0, i = 0;
	int r;

	for (; i < stack->n; i++) {
		const StackFrame *at = &stack->frame[from_end ? stack->n - 1 - i : i];
		r = symbols_find(symbols, address_of(at), &frame, &n);
		if (r < 0)
			return r;
		if (total + n > max)
			break;
		total += n;
	}
	*ret_n = i;
	*ret_frames = total;
	return 0;
}

static int choose(const Stack *stack, Symbols *symbols, Kept *ret)
{
	int r;

	*ret = (Kept){};
	r = fit(stack, symbols, false, TRACE_FRAMES_MAX, &ret->n_head, &ret->head_frames);
	if (r < 0 || ret->n_head == stack->n)
		return r;
	r = fit(stack, symbols, false, TRACE_FRAMES_MAX / 2, &ret->n_head, &ret->head_frames);
	return r < 0 ? r
		     : fit(stack, symbols, true, TRACE_FRAMES_MAX / 2, &ret->n_tail,
			       &ret->tail_frames);
}

/* Bytes in JSON: control characters become "\\u0001", bytes that are no UTF-8 U+FFFD. */
static size_t cost(const char *text)
{
	size_t bytes = 0;

	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		bytes += *at < ' ' ? 6 : *at >= 0x7f ? 3 : *at == '"' || *at == '\\' ? 2 : 1;
	return bytes;
}

static int copy(const char *text, size_t *budget, char **ret)
{
	size_t bytes = text ? cost(text) : 0;

	if (!text || bytes >= *budget)
		return 0;
	*budget -= bytes;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* One frame of the stack. */
static int add(TraceThread *thread, const StackFrame *from, Symbols *symbols, size_t *budget)
{
	const TraceFrame *frame;
	size_t n;
	int r;

	r = symbols_find(symbols, address_of(from), &frame, &n);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (*budget < FRAME_JSON_BYTES)
			return -ENOBUFS;
		*budget -= FRAME_JSON_BYTES;
		TraceFrame *to = &thread->frames[thread->n_frames++];
		*to = frame[i];
		to->symbol = to->function = to->file = NULL;
		to->pc = from->pc;
		to->signal = from->signal && i + 1 == n;
		r = copy(frame[i].symbol, budget, &to->symbol);
		if (r >= 0)
			r = copy(frame[i].function, budget, &to->function);
		if (r >= 0)
			r = copy(frame[i].file, budget, &to->file);
	}
	return r;
}

/* How many frames of the trace come of the stack's first n of a kept end. */
static size_t count(const Stack *stack, Symbols *symbols, size_t from, size_t n)
{
	const TraceFrame *frame;
	size_t frames, total = 0;

	for (size_t i = from; i < from + n; i++)
		if (symbols_find(symbols, address_of(&stack->frame[i]), &frame, &frames) == 0)
			total += frames;
	return total;
}

/* Names the cycle by its first round that was kept. */
static int find_cycle(const Stack *stack, Symbols *symbols, const Kept *kept, TraceThread *thread)
{
	_cleanup_(freep) uint64_t *pcs = malloc((stack->n + 1) * sizeof *pcs);
	size_t tail = stack->n - kept->n_tail;

	if (!pcs)
		return -ENOMEM;
	for (size_t i = 0; i < stack->n; i++)
		pcs[i] = stack->frame[i].pc;
	Cycle cycle = cycle_find(pcs, stack->n);
	if (cycle.length == 0)
		return 0;
	size_t end = cycle.at + cycle.length * (size_t)cycle.repeats;
	if (cycle.at + cycle.length <= kept->n_head) {
		thread->cycle_at = count(stack, symbols, 0, cycle.at);
	} else { /* so deep down that it shows in the tail, if at all */
		if (cycle.at < tail)
			cycle.at +=
				(tail - cycle.at + cycle.length - 1) / cycle.length * cycle.length;
		if (cycle.at + cycle.length > end)
			return 0;
		thread->cycle_at = kept->head_frames + count(stack, symbols, tail, cycle.at - tail);
	}
	thread->cycle_length = count(stack, symbols, cycle.at, cycle.length);
	thread->cycle_repeats = cycle.repeats;
	return 0;
}

int frames_make(const Stack *stack, Symbols *symbols, size_t *budget, TraceThread *thread)
{
	Kept kept;
	int r;

	thread->complete = stack->complete;
	if (stack->error[0]) {
		thread->error = strdup(stack->error);
		if (!thread->error)
			return -ENOMEM;
	}
	r = choose(stack, symbols, &kept);
	if (r < 0)
		return r;
	thread->frames = calloc(kept.head_frames + kept.tail_frames + 1, sizeof *thread->frames);
	if (!thread->frames)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < kept.n_head; i++)
		r = add(thread, &stack->frame[i], symbols, budget);
	for (size_t i = stack->n - kept.n_tail; r >= 0 && i < stack->n; i++)
		r = add(thread, &stack->frame[i], symbols, budget);
	if (r == -ENOBUFS) { /* the other threads have filled the room */
		thread->complete = false;
		free(thread->error);
		thread->error = strdup("left out: there are too many frames in all");
		return thread->error ? 0 : -ENOMEM;
	}
	if (r < 0)
		return r;
	if (kept.n_head + kept.n_tail < stack->n) {
		thread->left_at = kept.head_frames;
		thread->n_left = stack->n - kept.n_head - kept.n_tail;
	}
	return find_cycle(stack, symbols, &kept, thread);
}
