/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traces as a broken unwinder may hand them over: what is accepted stays within its bounds, says
 * the same after being written and read again, and everything that is made of it ends. */
#include "coredump/trace-quality.h"
#include "coredump/trace-signature.h"
#include "coredump/trace-text.h"
#include "coredump/trace.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/trace-sample.h"

static void check_length(const char *text)
{
	fuzz_check(!text || strlen(text) <= TRACE_TEXT_MAX, "a text is too long");
}

static void check_thread(const Trace *trace, const TraceThread *thread)
{
	fuzz_check(thread->n_frames <= TRACE_FRAMES_MAX, "too many frames");
	fuzz_check(thread->left_at <= thread->n_frames, "a gap outside of the frames");
	fuzz_check(thread->cycle_at <= thread->n_frames &&
			   thread->cycle_length <= thread->n_frames - thread->cycle_at,
		"a cycle outside of the frames");
	for (size_t i = 0; i < thread->n_frames; i++) {
		const TraceFrame *frame = &thread->frames[i];
		fuzz_check(frame->module >= -1 && frame->module < (int)trace->n_modules,
			"no such module");
		check_length(frame->function);
		check_length(frame->symbol);
		check_length(frame->file);
		check_length(trace_module_name(trace, frame->module));
	}
}

static void check_signature(const Trace *trace)
{
	const Crash crash = {.signal = trace->signal};
	char signature[CRASH_SIGNATURE_SIZE] = "";
	_cleanup_(freep) char *title = trace_signature_title(trace);
	int r = trace_signature(trace, &crash, signature);

	fuzz_check(title, "no title");
	fuzz_check(r == 0 ? strlen(signature) == 16 : r == -ENODATA, "no signature");
}

static void check_text(const Trace *trace)
{
	const TraceTextOptions options = {.width = 80,
		.all_threads = true,
		.modules = true,
		.registers = true,
		.rating = true};
	_cleanup_(strbuf_done) StrBuf out = {};
	TraceAdvice advice;

	trace_text(trace, &options, &out);
	for (const char *p = strbuf_text(&out); *p; p++)
		fuzz_check(*p == '\n' || (unsigned char)*p >= 0x20, "a control character");
	fuzz_check(trace_advice(trace, "ID=debian", &advice) == 0, "no advice");
	trace_advice_done(&advice);
}

static void check_trace(const Trace *trace)
{
	_cleanup_(json_decrefp) json_t *root = trace_to_json(trace);
	_cleanup_(trace_donep) Trace again = {};

	fuzz_check(trace->n_threads <= TRACE_THREADS_MAX && trace->n_modules <= TRACE_MODULES_MAX &&
			   trace->n_registers <= TRACE_REGISTERS_MAX,
		"too many of them");
	check_signature(trace);
	check_text(trace);
	for (size_t i = 0; i < trace->n_threads; i++)
		check_thread(trace, &trace->threads[i]);
	fuzz_check(root && trace_from_json(root, &again) == 0, "it cannot be read again");
	_cleanup_(json_decrefp) json_t *twice = trace_to_json(&again);
	fuzz_check(json_equal(root, twice), "it is another one after being written");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(json_decrefp) json_t *root = json_loadb((const char *)data, size, 0, NULL);
	_cleanup_(trace_donep) Trace trace = {};
	int r;

	r = trace_from_json(root, &trace);
	fuzz_check(r == 0 || r == -EBADMSG, "an error that is none of the promised");
	if (r == 0)
		check_trace(&trace);
	return 0;
}

#ifndef VIGIL_LIBFUZZER
/* Values that a number, a text or an address may be changed to. */
static json_t *odd_value(uint64_t *state)
{
	static const char *const texts[] = {"0x0", "0xffffffffffffffff", "0x1000", "", "\\u202e",
		"f<g<h>>", "(anonymous namespace)::f", "abort", "main", "replaced", "debug"};
	static const json_int_t numbers[] = {
		-1, 0, 1, 2, 4, 255, INT32_MAX, (json_int_t)UINT32_MAX, INT64_MAX};

	switch (fuzz_random(state) % 6) {
	case 0:
		return json_true();
	case 1:
		return json_array();
	case 2:
	case 3:
		return json_integer(numbers[fuzz_random(state) % ELEMENTSOF(numbers)]);
	default:
		return json_string(texts[fuzz_random(state) % ELEMENTSOF(texts)]);
	}
}

/* Changes, doubles or removes something somewhere below root. */
static void change(json_t *root, uint64_t *state)
{
	for (unsigned depth = 0; depth < 8; depth++) {
		json_t *below = NULL;
		const char *key = NULL;
		size_t at = 0;
		if (json_is_object(root) && json_object_size(root)) {
			void *iter = json_object_iter(root);
			for (at = fuzz_random(state) % json_object_size(root); at > 0; at--)
				iter = json_object_iter_next(root, iter);
			key = json_object_iter_key(iter);
			below = json_object_iter_value(iter);
		} else if (json_is_array(root) && json_array_size(root)) {
			at = fuzz_random(state) % json_array_size(root);
			below = json_array_get(root, at);
		}
		if (!below)
			return;
		bool here = !json_is_object(below) && !json_is_array(below);
		if (!here && fuzz_random(state) % 6) {
			root = below;
			continue;
		}
		if (key && fuzz_random(state) % 4 == 0)
			(void)json_object_del(root, key);
		else if (key)
			(void)json_object_set_new(root, key, odd_value(state));
		else if (fuzz_random(state) % 2)
			(void)json_array_append_new(root, json_deep_copy(below));
		else
			(void)json_array_remove(root, at);
		return;
	}
}

static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	_cleanup_(json_decrefp) json_t *root = sample_json(TRACE_SAMPLE);

	for (uint64_t n = fuzz_random(state) % 6; n > 0; n--)
		change(root, state);
	size_t length = json_dumpb(root, (char *)data, size, JSON_COMPACT);
	length = MIN_OF(length, size);
	if (length && fuzz_random(state) % 8 == 0)
		data[fuzz_random(state) % length] = (uint8_t)fuzz_random(state);
	return length;
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, 16384);
}
#endif
