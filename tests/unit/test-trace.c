/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/trace.h: the struct, its JSON both ways, and what of JSON is refused. */
#include "coredump/trace.h"

#include "tests/unit/test.h"
#include "tests/unit/trace-sample.h"

static void all_of_a_trace_comes_back(void **state)
{
	_cleanup_(json_decrefp) json_t *root = sample_json(TRACE_SAMPLE);
	_cleanup_(trace_donep) Trace trace = {};

	(void)state;
	assert_non_null(root);
	assert_int_equal(trace_from_json(root, &trace), 0);
	_cleanup_(json_decrefp) json_t *again = trace_to_json(&trace);
	_cleanup_(freep) char *a = json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(1));
	_cleanup_(freep) char *b = json_dumps(again, JSON_SORT_KEYS | JSON_INDENT(1));
	assert_string_equal(a, b);
}

static void the_struct_holds_what_was_said(void **state)
{
	_cleanup_(json_decrefp) json_t *root = sample_json(TRACE_SAMPLE);
	_cleanup_(trace_donep) Trace trace = {};

	(void)state;
	assert_int_equal(trace_from_json(root, &trace), 0);
	assert_int_equal(trace.signal, 11);
	assert_int_equal(trace.code, 1);
	assert_true(trace.has_code && trace.has_fault_address);
	assert_int_equal(trace.fault_address, 0x10);
	assert_int_equal(trace.sender_pid, 4711);
	assert_int_equal(trace.sender_uid, 1000);
	assert_int_equal(trace.n_threads, 2);
	assert_int_equal(trace.n_threads_left, 3);
	const TraceThread *crashed = trace_crashed(&trace);
	assert_ptr_equal(crashed, &trace.threads[0]);
	assert_int_equal(crashed->tid, 100);
	assert_int_equal(crashed->left_at, 2);
	assert_int_equal(crashed->n_left, 261870);
	assert_int_equal(crashed->cycle_length, 2);
	assert_int_equal(crashed->cycle_repeats, 130935);
	assert_false(crashed->complete);
	assert_int_equal(crashed->n_frames, 4);
	assert_true(crashed->frames[0].inlined);
	assert_string_equal(crashed->frames[0].symbol, "_ZN2ns1fIiEEii");
	assert_int_equal(crashed->frames[0].line, 7);
	assert_true(crashed->frames[2].signal);
	assert_int_equal(crashed->frames[3].module, -1);
	assert_int_equal(crashed->frames[3].pc, UINT64_MAX);
	assert_int_equal(trace.modules[0].state, MODULE_PRESENT);
	assert_int_equal(trace.modules[0].symbols, SYMBOLS_DEBUG);
	assert_true(trace.modules[0].is_executable_file);
	assert_int_equal(trace.modules[1].state, MODULE_REPLACED);
	assert_string_equal(trace.modules[1].build_id, "");
	assert_int_equal(trace.n_registers, 2);
	assert_string_equal(trace.registers[1].name, "rsp");
	assert_int_equal(trace.registers[1].value, 0x7fffffffe000);
}

static void modules_have_short_names(void **state)
{
	static char path[] = "/usr/lib/libc.so.6", folder[] = "/usr/lib/", vdso[] = "[vdso]",
		    empty[] = "";
	TraceModule modules[] = {{.path = path}, {.path = folder}, {.path = vdso}, {.path = empty}};
	const Trace trace = {.modules = modules, .n_modules = ELEMENTSOF(modules)};

	(void)state;
	assert_string_equal(trace_module_name(&trace, 0), "libc.so.6");
	assert_string_equal(trace_module_name(&trace, 1), "/usr/lib/");
	assert_string_equal(trace_module_name(&trace, 2), "[vdso]");
	assert_string_equal(trace_module_name(&trace, 3), "?");
	assert_string_equal(trace_module_name(&trace, 4), "?");
	assert_string_equal(trace_module_name(&trace, -1), "?");
	assert_null(trace_crashed(&trace));
}

#define WITH(rest) "{'version':1," rest "}"
#define LISTS	   "'threads':[],'modules':[]"
#define FRAME(rest)                                                                                \
	WITH("'modules':[{'path':'a'}],'threads':[{'frames':[{'pc':'0x1'},{" rest "}]}]")
#define THREAD(rest)                                                                               \
	WITH("'modules':[],'threads':[{'frames':[{'pc':'0x1'},{'pc':'0x2'}]," rest "}]")
#define MODULE(rest) WITH("'threads':[],'modules':[{" rest "}]")

static void what_is_no_trace_is_refused(void **state)
{
	static const char *const rows[] = {
		"[]",
		"{}",
		"{" LISTS "}",
		"{'version':2," LISTS "}",
		"{'version':'1'," LISTS "}",
		WITH("'modules':[]"),
		WITH("'threads':[]"),
		WITH("'threads':{},'modules':[]"),
		WITH("'threads':[1],'modules':[]"),
		WITH("'threads':[],'modules':[null]"),
		WITH(LISTS ",'bits':16"),
		WITH(LISTS ",'bits':-64"),
		WITH(LISTS ",'signal':-1"),
		WITH(LISTS ",'signal':256"),
		WITH(LISTS ",'signal':11.0"),
		WITH(LISTS ",'code':2147483648"),
		WITH(LISTS ",'code':'1'"),
		WITH(LISTS ",'machine':'X86'"),
		WITH(LISTS ",'machine':'x86_64_and_longer'"),
		WITH(LISTS ",'machine':64"),
		WITH(LISTS ",'partial':true"),
		WITH(LISTS ",'faultAddress':16"),
		WITH(LISTS ",'faultAddress':'16'"),
		WITH(LISTS ",'faultAddress':'0x'"),
		WITH(LISTS ",'faultAddress':'0x10 '"),
		WITH(LISTS ",'faultAddress':'0x-1'"),
		WITH(LISTS ",'faultAddress':'0x11112222333344445'"),
		WITH(LISTS ",'sender':1"),
		WITH(LISTS ",'sender':{'pid':2147483648}"),
		WITH(LISTS ",'sender':{'pid':1,'uid':4294967296}"),
		WITH(LISTS ",'threadsLeft':-1"),
		WITH(LISTS ",'registers':[]"),
		WITH(LISTS ",'registers':{'rip':1}"),
		WITH(LISTS ",'registers':{'RIP':'0x1'}"),
		WITH(LISTS ",'registers':{'sixteen_or_more_':'0x1'}"),
		WITH(LISTS ",'stats':{'usec':-1}"),
		WITH(LISTS ",'stats':[]"),
		FRAME("'module':0"),
		FRAME("'pc':null"),
		FRAME("'pc':'0x1','module':1"),
		FRAME("'pc':'0x1','module':-1"),
		FRAME("'pc':'0x1','module':'0'"),
		FRAME("'pc':'0x1','inlined':1"),
		FRAME("'pc':'0x1','line':4294967296"),
		FRAME("'pc':'0x1','column':-1"),
		FRAME("'pc':'0x1','function':[]"),
		FRAME("'pc':'0x1','symbol':1"),
		FRAME("'pc':'0x1','file':{}"),
		FRAME("'pc':'0x1','offset':1"),
		WITH("'modules':[],'threads':[{'frames':[{'pc':'0x1','module':0}]}]"),
		THREAD("'tid':2147483648"),
		THREAD("'tid':'1'"),
		THREAD("'name':1"),
		THREAD("'error':1"),
		THREAD("'crashed':1"),
		THREAD("'complete':null"),
		THREAD("'left':{'at':0,'count':1}"),
		THREAD("'left':{'at':3,'count':1}"),
		THREAD("'left':{'at':1,'count':0}"),
		THREAD("'left':[1,1]"),
		THREAD("'cycle':{'at':0,'length':3,'repeats':2}"),
		THREAD("'cycle':{'at':1,'length':2,'repeats':2}"),
		THREAD("'cycle':{'at':9223372036854775807,'length':1,'repeats':2}"),
		THREAD("'cycle':{'at':0,'length':9223372036854775807,'repeats':2}"),
		THREAD("'cycle':{'at':0,'length':0,'repeats':2}"),
		THREAD("'cycle':{'at':0,'length':1,'repeats':0}"),
		WITH("'modules':[],'threads':[{},{'crashed':true}]"),
		MODULE("'start':'0x1'"),
		MODULE("'path':'a','start':'0x2','end':'0x1'"),
		MODULE("'path':'a','buildId':'0'"),
		MODULE("'path':'a','buildId':'0G'"),
		MODULE("'path':'a','buildId':'../../x'"),
		MODULE("'path':'a','state':'fine'"),
		MODULE("'path':'a','state':1"),
		MODULE("'path':'a','symbols':'most'"),
		MODULE("'path':'a','executable':'yes'"),
		MODULE("'path':'a','debugFile':1"),
		MODULE("'path':'a','package':1"),
		MODULE("'path':'a','version':1"),
		MODULE("'path':1"),
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(json_decrefp) json_t *root = sample_json(rows[i]);
		Trace trace = {.n_modules = 17};
		assert_non_null(root);
		if (trace_from_json(root, &trace) != -EBADMSG)
			fail_msg("%s", rows[i]);
		assert_memory_equal(&trace, &(Trace){}, sizeof trace);
	}
	assert_int_equal(trace_from_json(NULL, &(Trace){}), -EBADMSG);
}

static void little_is_enough(void **state)
{
	static const char *const rows[] = {
		WITH(LISTS),
		WITH(LISTS ",'unknown':{'to':'us'}"),
		WITH(LISTS ",'signal':255,'code':-6"),
		WITH("'modules':[],'threads':[{}]"),
		MODULE("'path':''"),
		FRAME("'pc':'0x1','module':0"),
		THREAD("'left':{'at':2,'count':1},'cycle':{'at':1,'length':1,'repeats':1}"),
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(json_decrefp) json_t *root = sample_json(rows[i]);
		_cleanup_(trace_donep) Trace trace = {};
		if (trace_from_json(root, &trace) != 0)
			fail_msg("%s", rows[i]);
		_cleanup_(json_decrefp) json_t *again = trace_to_json(&trace);
		assert_non_null(again);
	}
}

/* A list of n copies of item. */
static json_t *many(size_t n, const char *item)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, sample_json(item));
	return list;
}

static int read_with(json_t *threads, json_t *modules)
{
	_cleanup_(json_decrefp) json_t *root =
		json_pack("{sisoso}", "version", 1, "threads", threads, "modules", modules);
	_cleanup_(trace_donep) Trace trace = {};

	return trace_from_json(root, &trace);
}

static json_t *thread_of(size_t n_frames)
{
	return json_pack("[{so}]", "frames", many(n_frames, "{'pc':'0x1'}"));
}

static void lists_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(read_with(many(TRACE_THREADS_MAX, "{}"), json_array()), 0);
	assert_int_equal(read_with(many(TRACE_THREADS_MAX + 1, "{}"), json_array()), -EBADMSG);
	assert_int_equal(read_with(json_array(), many(TRACE_MODULES_MAX, "{'path':'a'}")), 0);
	assert_int_equal(
		read_with(json_array(), many(TRACE_MODULES_MAX + 1, "{'path':'a'}")), -EBADMSG);
	assert_int_equal(read_with(thread_of(TRACE_FRAMES_MAX), json_array()), 0);
	assert_int_equal(read_with(thread_of(TRACE_FRAMES_MAX + 1), json_array()), -EBADMSG);
}

static void registers_are_bounded(void **state)
{
	_cleanup_(json_decrefp) json_t *root = sample_json(WITH(LISTS ",'registers':{}"));
	json_t *registers = json_object_get(root, "registers");
	Trace trace;
	char name[16];

	(void)state;
	for (size_t i = 0; i < TRACE_REGISTERS_MAX; i++) {
		(void)snprintf(name, sizeof name, "r%zu", i);
		json_add_string(registers, name, "0x1");
	}
	assert_int_equal(trace_from_json(root, &trace), 0);
	assert_int_equal(trace.n_registers, TRACE_REGISTERS_MAX);
	trace_done(&trace);
	json_add_string(registers, "more", "0x1");
	assert_int_equal(trace_from_json(root, &trace), -EBADMSG);
}

/* Bytes that are no text grow threefold in JSON: what comes back is cut, not refused. */
static void long_texts_are_cut(void **state)
{
	static char text[TRACE_TEXT_MAX + 1];
	TraceModule module = {.path = text};
	const Trace trace = {.modules = &module, .n_modules = 1};
	_cleanup_(trace_donep) Trace again = {};

	(void)state;
	memset(text, 0xff, TRACE_TEXT_MAX);
	_cleanup_(json_decrefp) json_t *root = trace_to_json(&trace);
	assert_int_equal(trace_from_json(root, &again), 0);
	assert_int_equal(strlen(again.modules[0].path), TRACE_TEXT_MAX / 3 * 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_trace_comes_back),
		cmocka_unit_test(the_struct_holds_what_was_said),
		cmocka_unit_test(modules_have_short_names),
		cmocka_unit_test(what_is_no_trace_is_refused),
		cmocka_unit_test(little_is_enough),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(registers_are_bounded),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
