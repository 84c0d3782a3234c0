/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trace out of its JSON (man/schema/trace.schema.json). It comes out of a sandbox in which a
 * hostile core was parsed: it is as hostile. Nothing is believed: types, counts, ranges. */
#include "coredump/trace-json.h"

#include "common/text.h"
#include <string.h>

#define LOWER_HEX "0123456789abcdef"
#define LOWER	  "abcdefghijklmnopqrstuvwxyz"

/* One object being read; the first error stays, and every later call does nothing. Keys that are
 * not there leave the value as it is. */
typedef struct Reader {
	const json_t *object;
	int *error;
} Reader;

static const json_t *get(const Reader *in, const char *key)
{
	return *in->error < 0 ? NULL : json_object_get(in->object, key);
}

static void fail(const Reader *in, int error)
{
	if (*in->error == 0)
		*in->error = error;
}

static void get_u64(const Reader *in, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *value = get(in, key);

	if (!value)
		return;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		(uint64_t)json_integer_value(value) > max)
		fail(in, -EBADMSG);
	else
		*ret = (uint64_t)json_integer_value(value);
}

static void get_flag(const Reader *in, const char *key, bool *ret)
{
	const json_t *value = get(in, key);

	if (value && !json_is_boolean(value))
		fail(in, -EBADMSG);
	else if (value)
		*ret = json_is_true(value);
}

/* "0x" and up to 16 digits, as it is written. */
static int parse_address(const json_t *value, uint64_t *ret)
{
	const char *text = json_string_value(value);
	const char *digits = text ? startswith(text, "0x") : NULL;
	size_t n = digits ? strspn(digits, LOWER_HEX) : 0;

	if (n < 1 || n > 16 || digits[n])
		return -EBADMSG;
	*ret = strtoull(digits, NULL, 16);
	return 0;
}

static void get_address(const Reader *in, const char *key, uint64_t *ret)
{
	const json_t *value = get(in, key);

	if (value && parse_address(value, ret) < 0)
		fail(in, -EBADMSG);
}

/* A text that is too long is cut, between two code points: repairing one for JSON made it longer.
 */
static void get_text(const Reader *in, const char *key, char **ret)
{
	const json_t *value = get(in, key);

	if (!value)
		return;
	if (!json_is_string(value)) {
		fail(in, -EBADMSG);
		return;
	}
	const char *text = json_string_value(value);
	size_t n = strnlen(text, TRACE_TEXT_MAX + 1);
	if (n > TRACE_TEXT_MAX)
		for (n = TRACE_TEXT_MAX; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	*ret = strndup(text, n);
	if (!*ret)
		fail(in, -ENOMEM);
}

/* A word of few characters into a buffer of size bytes. */
static void get_word(const Reader *in, const char *key, const char *accept, char *ret, size_t size)
{
	const json_t *value = get(in, key);
	const char *text = json_string_value(value);

	if (!value)
		return;
	if (!text || strlen(text) >= size || text[strspn(text, accept)])
		fail(in, -EBADMSG);
	else
		(void)snprintf(ret, size, "%s", text);
}

/* Which of the n words it is; the first where there is none. */
static unsigned get_enum(const Reader *in, const char *key, const char *const *words, size_t n)
{
	const json_t *value = get(in, key);
	const char *text = json_string_value(value);

	for (unsigned i = 0; text && i < n; i++)
		if (streq(text, words[i]))
			return i;
	if (value)
		fail(in, -EBADMSG);
	return 0;
}

static bool get_object(const Reader *in, const char *key, Reader *ret)
{
	*ret = (Reader){.object = get(in, key), .error = in->error};
	if (ret->object && !json_is_object(ret->object))
		fail(in, -EBADMSG);
	return ret->object && *in->error == 0;
}

/* The array's length, at most max; memory for that many things of size bytes. */
static size_t get_array(const Reader *in, const char *key, size_t max, size_t size,
	const json_t **ret, void **ret_items)
{
	const json_t *value = get(in, key);
	size_t n = json_array_size(value);

	*ret = value;
	if (!value)
		return 0;
	if (!json_is_array(value) || n > max) {
		fail(in, -EBADMSG);
		return 0;
	}
	*ret_items = n ? calloc(n, size) : NULL;
	if (!n || *ret_items)
		return n;
	fail(in, -ENOMEM);
	return 0;
}

/* The reader of an array's item. */
static Reader item(const Reader *in, const json_t *array, size_t i)
{
	Reader at = {.object = json_array_get(array, i), .error = in->error};

	if (!json_is_object(at.object))
		fail(&at, -EBADMSG);
	return at;
}

static void get_unsigned(const Reader *in, const char *key, unsigned *ret)
{
	uint64_t value = *ret;

	get_u64(in, key, UINT32_MAX, &value);
	*ret = (unsigned)value;
}

/* ---- parts ------------------------------------------------------------------------------------
 */

static void read_frame(const Reader *in, size_t n_modules, TraceFrame *frame)
{
	uint64_t module = UINT64_MAX;

	frame->module = -1;
	if (!get(in, "pc"))
		fail(in, -EBADMSG);
	get_address(in, "pc", &frame->pc);
	get_address(in, "offset", &frame->offset);
	if (get(in, "module")) {
		get_u64(in, "module", n_modules ? n_modules - 1 : 0, &module);
		if (n_modules == 0 || module >= n_modules)
			fail(in, -EBADMSG);
		else
			frame->module = (int)module;
	}
	get_flag(in, "inlined", &frame->inlined);
	get_flag(in, "signal", &frame->signal);
	get_text(in, "function", &frame->function);
	get_text(in, "symbol", &frame->symbol);
	get_text(in, "file", &frame->file);
	get_unsigned(in, "line", &frame->line);
	get_unsigned(in, "column", &frame->column);
}

/* What was left out of a thread, and what of it goes round: within its frames. */
static void read_gaps(const Reader *in, TraceThread *thread)
{
	uint64_t at = 0, length = 0;
	Reader part;

	if (get_object(in, "left", &part)) {
		get_u64(&part, "at", thread->n_frames, &at);
		get_u64(&part, "count", UINT64_MAX, &thread->n_left);
		thread->left_at = (size_t)at;
		if (at == 0 || thread->n_left == 0)
			fail(in, -EBADMSG);
	}
	at = 0;
	if (get_object(in, "cycle", &part)) {
		get_u64(&part, "at", thread->n_frames, &at);
		get_u64(&part, "length", thread->n_frames - at, &length);
		get_u64(&part, "repeats", UINT64_MAX, &thread->cycle_repeats);
		thread->cycle_at = (size_t)at;
		thread->cycle_length = (size_t)length;
		if (length == 0 || thread->cycle_repeats == 0)
			fail(in, -EBADMSG);
	}
}

static void read_thread(const Reader *in, size_t n_modules, TraceThread *thread)
{
	const json_t *frames;
	uint64_t tid = 0;

	get_u64(in, "tid", INT32_MAX, &tid);
	thread->tid = (pid_t)tid;
	get_text(in, "name", &thread->name);
	get_flag(in, "crashed", &thread->crashed);
	get_flag(in, "complete", &thread->complete);
	get_text(in, "error", &thread->error);
	thread->n_frames = get_array(in, "frames", TRACE_FRAMES_MAX, sizeof *thread->frames,
		&frames, (void **)&thread->frames);
	for (size_t i = 0; i < thread->n_frames; i++) {
		Reader at = item(in, frames, i);
		read_frame(&at, n_modules, &thread->frames[i]);
	}
	read_gaps(in, thread);
}

static void read_module(const Reader *in, TraceModule *module)
{
	get_text(in, "path", &module->path);
	get_word(in, "buildId", LOWER_HEX, module->build_id, sizeof module->build_id);
	get_address(in, "start", &module->start);
	get_address(in, "end", &module->end);
	get_address(in, "bias", &module->bias);
	get_flag(in, "executable", &module->is_executable_file);
	module->state = get_enum(in, "state", trace_module_states, MODULE_STATE_MAX);
	module->symbols = get_enum(in, "symbols", trace_symbols, SYMBOLS_MAX);
	get_text(in, "debugFile", &module->debug_file);
	get_text(in, "package", &module->package);
	get_text(in, "version", &module->version);
	if (!module->path || module->start > module->end || strlen(module->build_id) % 2)
		fail(in, -EBADMSG);
}

/* The crashed thread is the first one, or none is. */
static void read_lists(const Reader *in, Trace *trace)
{
	const json_t *threads, *modules;

	if (!get(in, "threads") || !get(in, "modules"))
		fail(in, -EBADMSG);
	trace->n_modules = get_array(in, "modules", TRACE_MODULES_MAX, sizeof *trace->modules,
		&modules, (void **)&trace->modules);
	for (size_t i = 0; i < trace->n_modules; i++) {
		Reader at = item(in, modules, i);
		read_module(&at, &trace->modules[i]);
	}
	trace->n_threads = get_array(in, "threads", TRACE_THREADS_MAX, sizeof *trace->threads,
		&threads, (void **)&trace->threads);
	for (size_t i = 0; i < trace->n_threads; i++) {
		Reader at = item(in, threads, i);
		read_thread(&at, trace->n_modules, &trace->threads[i]);
		if (i > 0 && trace->threads[i].crashed)
			fail(in, -EBADMSG);
	}
	get_u64(in, "threadsLeft", UINT64_MAX, &trace->n_threads_left);
}

static void read_registers(const Reader *in, Trace *trace)
{
	const char *name;
	json_t *value;
	Reader part;

	if (!get_object(in, "registers", &part))
		return;
	json_object_foreach ((json_t *)part.object, name, value) {
		TraceRegister *at = &trace->registers[trace->n_registers];
		if (trace->n_registers == TRACE_REGISTERS_MAX || strlen(name) >= sizeof at->name ||
			name[strspn(name, LOWER "0123456789_")] ||
			parse_address(value, &at->value) < 0) {
			fail(in, -EBADMSG);
			return;
		}
		(void)snprintf(at->name, sizeof at->name, "%s", name);
		trace->n_registers++;
	}
}

static void read_fault(const Reader *in, Trace *trace)
{
	const json_t *code = get(in, "code");
	uint64_t signal = 0, pid = 0, uid = 0;
	Reader part;

	get_u64(in, "signal", 255, &signal);
	trace->signal = (int)signal;
	trace->has_code = code;
	if (code && (!json_is_integer(code) || json_integer_value(code) < INT32_MIN ||
			    json_integer_value(code) > INT32_MAX))
		fail(in, -EBADMSG);
	else
		trace->code = (int)json_integer_value(code);
	trace->has_fault_address = get(in, "faultAddress");
	get_address(in, "faultAddress", &trace->fault_address);
	if (get_object(in, "sender", &part)) {
		get_u64(&part, "pid", INT32_MAX, &pid);
		get_u64(&part, "uid", UINT32_MAX, &uid);
		trace->sender_pid = (pid_t)pid;
		trace->sender_uid = (uid_t)uid;
	}
}

static void read_stats(const Reader *in, TraceStats *stats)
{
	Reader part;

	if (!get_object(in, "stats", &part))
		return;
	get_u64(&part, "coreBytes", UINT64_MAX, &stats->core_bytes);
	get_u64(&part, "readBytes", UINT64_MAX, &stats->read_bytes);
	get_u64(&part, "writtenBytes", UINT64_MAX, &stats->written_bytes);
	get_u64(&part, "usec", UINT64_MAX, &stats->usec);
}

int trace_from_json(const json_t *root, Trace *ret)
{
	int error = json_is_object(root) ? 0 : -EBADMSG;
	const Reader in = {.object = root, .error = &error};
	uint64_t version = 0, bits = 0;

	*ret = (Trace){};
	get_u64(&in, "version", UINT64_MAX, &version);
	get_u64(&in, "bits", 64, &bits);
	if (version != TRACE_VERSION || (bits != 0 && bits != 32 && bits != 64))
		fail(&in, -EBADMSG);
	ret->bits = (unsigned)bits;
	get_word(&in, "machine", LOWER "0123456789_-", ret->machine, sizeof ret->machine);
	get_text(&in, "partial", &ret->partial);
	read_fault(&in, ret);
	read_lists(&in, ret);
	read_registers(&in, ret);
	read_stats(&in, &ret->stats);
	if (error < 0)
		trace_done(ret);
	return error;
}
