/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trace as JSON (man/schema/trace.schema.json). Addresses are text, "0x7f…", because a number of
 * JSON keeps 53 bits of it in most readers. What is 0 or false is left out. */
#include "coredump/trace-json.h"

#include <inttypes.h>

const char *const trace_module_states[MODULE_STATE_MAX] = {
	[MODULE_UNKNOWN] = "unknown",
	[MODULE_PRESENT] = "present",
	[MODULE_UNPROVEN] = "unproven",
	[MODULE_REPLACED] = "replaced",
	[MODULE_DELETED] = "deleted",
	[MODULE_UNREADABLE] = "unreadable",
	[MODULE_MEMORY] = "memory",
};

const char *const trace_symbols[SYMBOLS_MAX] = {
	[SYMBOLS_NONE] = "none",
	[SYMBOLS_EXPORTED] = "exported",
	[SYMBOLS_TABLE] = "table",
	[SYMBOLS_DEBUG] = "debug",
};

static void add_address(json_t *object, const char *key, uint64_t address)
{
	char text[32];

	(void)snprintf(text, sizeof text, "0x%" PRIx64, address);
	json_add_string(object, key, text);
}

static void add_number(json_t *object, const char *key, uint64_t number)
{
	if (number)
		json_add_u64(object, key, number);
}

static void add_flag(json_t *object, const char *key, bool flag)
{
	if (flag)
		json_add_bool(object, key, true);
}

static json_t *frame_json(const TraceFrame *frame)
{
	json_t *root = json_object();

	add_address(root, "pc", frame->pc);
	if (frame->module >= 0) {
		json_add_u64(root, "module", (uint64_t)frame->module);
		add_address(root, "offset", frame->offset);
	}
	add_flag(root, "inlined", frame->inlined);
	add_flag(root, "signal", frame->signal);
	json_add_string(root, "function", frame->function);
	json_add_string(root, "symbol", frame->symbol);
	json_add_string(root, "file", frame->file);
	add_number(root, "line", frame->line);
	add_number(root, "column", frame->column);
	return root;
}

static json_t *thread_json(const TraceThread *thread)
{
	json_t *root = json_object(), *frames = json_array();

	add_number(root, "tid", (uint64_t)thread->tid);
	json_add_string(root, "name", thread->name);
	add_flag(root, "crashed", thread->crashed);
	add_flag(root, "complete", thread->complete);
	json_add_string(root, "error", thread->error);
	if (thread->n_left) {
		json_t *left = json_object();
		json_add_u64(left, "at", thread->left_at);
		json_add_u64(left, "count", thread->n_left);
		(void)json_object_set_new(root, "left", left);
	}
	if (thread->cycle_length) {
		json_t *cycle = json_object();
		json_add_u64(cycle, "at", thread->cycle_at);
		json_add_u64(cycle, "length", thread->cycle_length);
		json_add_u64(cycle, "repeats", thread->cycle_repeats);
		(void)json_object_set_new(root, "cycle", cycle);
	}
	for (size_t i = 0; i < thread->n_frames; i++)
		(void)json_array_append_new(frames, frame_json(&thread->frames[i]));
	(void)json_object_set_new(root, "frames", frames);
	return root;
}

static json_t *module_json(const TraceModule *module)
{
	json_t *root = json_object();

	json_add_string(root, "path", module->path ? module->path : "");
	json_add_string(root, "buildId", module->build_id[0] ? module->build_id : NULL);
	add_address(root, "start", module->start);
	add_address(root, "end", module->end);
	add_address(root, "bias", module->bias);
	add_flag(root, "executable", module->is_executable_file);
	json_add_string(root, "state", trace_module_states[module->state]);
	json_add_string(root, "symbols", trace_symbols[module->symbols]);
	json_add_string(root, "debugFile", module->debug_file);
	json_add_string(root, "package", module->package);
	json_add_string(root, "version", module->version);
	return root;
}

static json_t *sender_json(const Trace *trace)
{
	json_t *root = json_object();

	json_add_u64(root, "pid", (uint64_t)trace->sender_pid);
	json_add_u64(root, "uid", trace->sender_uid);
	return root;
}

static json_t *stats_json(const TraceStats *stats)
{
	json_t *root = json_object();

	add_number(root, "coreBytes", stats->core_bytes);
	json_add_u64(root, "readBytes", stats->read_bytes);
	json_add_u64(root, "writtenBytes", stats->written_bytes);
	json_add_u64(root, "usec", stats->usec);
	return root;
}

/* What all of the process has in common. */
static void add_process(json_t *root, const Trace *trace)
{
	json_add_u64(root, "version", TRACE_VERSION);
	json_add_string(root, "machine", trace->machine[0] ? trace->machine : NULL);
	add_number(root, "bits", trace->bits);
	add_number(root, "signal", (uint64_t)trace->signal);
	if (trace->has_code)
		(void)json_object_set_new(root, "code", json_integer(trace->code));
	if (trace->has_fault_address)
		add_address(root, "faultAddress", trace->fault_address);
	if (trace->sender_pid)
		(void)json_object_set_new(root, "sender", sender_json(trace));
	json_add_string(root, "partial", trace->partial);
}

/* Without memory for a part of it, that part is missing; the lists must be there. */
json_t *trace_to_json(const Trace *trace)
{
	json_t *root = json_object(), *threads = json_array(), *modules = json_array();
	json_t *registers = json_object();

	add_process(root, trace);
	for (size_t i = 0; i < trace->n_threads; i++)
		(void)json_array_append_new(threads, thread_json(&trace->threads[i]));
	for (size_t i = 0; i < trace->n_modules; i++)
		(void)json_array_append_new(modules, module_json(&trace->modules[i]));
	for (size_t i = 0; i < trace->n_registers; i++)
		add_address(registers, trace->registers[i].name, trace->registers[i].value);
	bool whole = json_array_size(threads) == trace->n_threads &&
		     json_array_size(modules) == trace->n_modules;
	if (json_object_set_new(root, "threads", threads) < 0 ||
		json_object_set_new(root, "modules", modules) < 0)
		whole = false;
	add_number(root, "threadsLeft", trace->n_threads_left);
	(void)json_object_set_new(root, "registers", registers);
	(void)json_object_set_new(root, "stats", stats_json(&trace->stats));
	if (whole)
		return root;
	json_decref(root);
	return NULL;
}
