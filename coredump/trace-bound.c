/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Works on the JSON (man/schema/trace.schema.json): what is left out is left out of copies. */
#include "coredump/trace-bound.h"

#include "common/strbuf.h"
#include "common/text.h"

#define FRAMES_KEPT 64

static bool has_crashed(const json_t *thread)
{
	return json_is_true(json_object_get(thread, "crashed"));
}

static void drop_frames_of_others(json_t *thread)
{
	if (!has_crashed(thread) && json_object_get(thread, "frames"))
		(void)json_object_set_new(thread, "frames", json_array());
}

static void drop_symbols(json_t *thread)
{
	json_t *frames = json_object_get(thread, "frames"), *copy = json_array();
	const json_t *frame;
	size_t i;

	json_array_foreach (frames, i, frame) {
		json_t *without = json_copy((json_t *)frame);
		(void)json_object_del(without, "symbol");
		(void)json_array_append_new(copy, without);
	}
	(void)json_object_set_new(thread, "frames", copy);
}

static uint64_t count_of(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

/* What was left out before is counted with what is left out now, at the place of the new gap. */
static void drop_far_frames(json_t *thread)
{
	json_t *frames = json_object_get(thread, "frames"), *near = json_array();
	size_t n = json_array_size(frames);

	for (size_t i = 0; i < FRAMES_KEPT && i < n; i++)
		(void)json_array_append(near, json_array_get(frames, i));
	(void)json_object_set_new(thread, "frames", near);
	if (n <= FRAMES_KEPT)
		return;
	uint64_t left = n - FRAMES_KEPT + count_of(json_object_get(thread, "left"), "count");
	json_t *gap = json_object();
	json_add_u64(gap, "at", FRAMES_KEPT);
	json_add_u64(gap, "count", left);
	(void)json_object_set_new(thread, "left", gap);
	const json_t *cycle = json_object_get(thread, "cycle");
	if (count_of(cycle, "at") + count_of(cycle, "length") > FRAMES_KEPT)
		(void)json_object_del(thread, "cycle");
	(void)json_object_del(thread, "complete");
}

static const struct {
	void (*drop)(json_t *thread);
	const char *said;
} steps[] = {
	{drop_frames_of_others,
		"the frames of the threads that did not crash were too many to keep"},
	{drop_symbols, "names as linked were too long to keep"},
	{drop_far_frames, "only the first 64 frames were short enough to keep"},
};

static void say(json_t *trace, const char *said)
{
	_cleanup_(strbuf_done) StrBuf partial = {};
	const char *before = json_string_value(json_object_get(trace, "partial"));

	strbuf_addf(&partial, "%s%s%s", before ? before : "", before ? "; " : "", said);
	json_add_string(trace, "partial", strbuf_text(&partial));
}

static json_t *without(const json_t *trace, size_t step)
{
	json_t *copy = json_copy((json_t *)trace), *threads = json_array();
	const json_t *thread;
	size_t i;

	json_array_foreach (json_object_get(trace, "threads"), i, thread) {
		json_t *one = json_copy((json_t *)thread);
		steps[step].drop(one);
		(void)json_array_append_new(threads, one);
	}
	(void)json_object_set_new(copy, "threads", threads);
	say(copy, steps[step].said);
	return copy;
}

int trace_to_bounded_text(const json_t *trace, size_t max_bytes, char **ret)
{
	_cleanup_(json_decrefp) json_t *copy = json_incref((json_t *)trace);

	if (!json_is_array(json_object_get(trace, "threads")))
		return -EINVAL;
	for (size_t step = 0;; step++) {
		_cleanup_(freep) char *text = json_dumps(copy, JSON_COMPACT);
		if (!text)
			return -ENOMEM;
		if (strlen(text) <= max_bytes) {
			*ret = TAKE_PTR(text);
			return 0;
		}
		if (step == ELEMENTSOF(steps))
			return -E2BIG;
		json_t *smaller = without(copy, step);
		json_decref(copy);
		copy = smaller;
	}
}
