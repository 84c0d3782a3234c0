/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/trace-text.h: what people read. */
#include "coredump/trace-text.h"

#include "tests/unit/test.h"
#include "tests/unit/trace-sample.h"

#define HEAD "{'version':1,'machine':'x86_64','bits':64,'signal':11,'code':1,'faultAddress':'0x10',"
#define MODULES                                                                                    \
	"'modules':[{'path':'/usr/bin/a','buildId':'00ff','state':'present','symbols':'debug'},"   \
	"{'path':'/usr/lib/libfoo.so.1','state':'replaced','symbols':'none'}],"
#define FRAME(function, line)                                                                      \
	"{'pc':'0x1','module':0,'offset':'0x1139','function':'" function                           \
	"','file':'a.c','line':" line "}"
#define BARE "{'pc':'0x2','module':1,'offset':'0x1234'}"

static char *text_of(const char *json, const TraceTextOptions *options)
{
	_cleanup_(json_decrefp) json_t *root = sample_json(json);
	_cleanup_(trace_donep) Trace trace = {};
	StrBuf out = {};

	assert_non_null(root);
	assert_int_equal(trace_from_json(root, &trace), 0);
	trace_text(&trace, options, &out);
	return strbuf_take(&out);
}

static void the_crashed_thread_is_told(void **state)
{
	const TraceTextOptions options = {.width = 80, .rating = true};
	_cleanup_(freep) char *text = text_of(HEAD MODULES
		"'threads':[{'tid':7,'name':'main','crashed':true,'complete':true,'frames':[" FRAME(
			"f",
			"3") ",{'pc':'0x1','module':0,'offset':'0x1','function':'g','inlined':true,'file':'b.h','line':9}," FRAME("a_function_with_a_name_of_some_length(and_one_parameter_or, two, three)",
			"12") "," BARE
			      ",{'pc':'0x1','signal':true},{'pc':'0x55'}]},{'tid':8,'frames':[]}]}",
		&options);

	(void)state;
	assert_string_equal(text,
		"SIGSEGV: access to address 0x10 — close to a null pointer\n"
		"\n"
		"Thread 7 \"main\", crashed\n"
		"  #0  f  at a.c:3  [a]\n"
		"  #1  g (inlined)  at b.h:9  [a]\n"
		"  #2  a_function_with_a_name_of_some_length(and_one_parameter_or, two, three)\n"
		"        at a.c:12  [a]\n"
		"  #3  libfoo.so.1+0x1234\n"
		"  #4  <signal handler called>\n"
		"  #5  0x55 (no file is mapped there)\n"
		"\n"
		"libfoo.so.1: the file on disk was replaced since; its symbols were not used\n"
		"\n"
		"★★☆ probably useful: of 5 frames, 3 have a name and 3 a line\n");
}

static void threads_in_one_place_stand_together(void **state)
{
	const TraceTextOptions options = {.all_threads = true};
	_cleanup_(freep) char *text = text_of(HEAD MODULES
		"'threads':[{'tid':7,'crashed':true,'frames':[" FRAME(
			"f", "3") "]},"
				  "{'tid':8,'name':'pool','frames':[" FRAME("wait",
					  "4") "]},"
					       "{'tid':9,'frames':[" BARE "]},"
					       "{'tid':10,'frames':[" FRAME("wait",
						       "4") "],'complete':true}],'threadsLeft':5}",
		&options);

	(void)state;
	assert_string_equal(text,
		"SIGSEGV: access to address 0x10 — close to a null pointer\n"
		"\n"
		"Thread 7, crashed\n"
		"  #0  f  at a.c:3  [a]\n"
		"\n"
		"2 threads in one place: 8 \"pool\", 10\n"
		"  #0  wait  at a.c:4  [a]\n"
		"\n"
		"Thread 9\n"
		"  #0  libfoo.so.1+0x1234\n"
		"\n"
		"… 5 more threads\n"
		"\n"
		"libfoo.so.1: the file on disk was replaced since; its symbols were not used\n");
}

static void recursion_is_one_line(void **state)
{
	const TraceTextOptions options = {};
	_cleanup_(freep) char *text =
		text_of("{'version':1," MODULES
			"'threads':[{'tid':7,'crashed':true,'left':{'at':6,'count':1000000},"
			"'cycle':{'at':1,'length':2,'repeats':500002},'frames':[" FRAME(
				"leaf", "1") "," FRAME("b<int>(int)", "2") "," FRAME("a()",
				"3") "," FRAME("b<int>(int)", "2") "," FRAME("a()",
				"3") "," FRAME("b<int>(int)", "2") "," FRAME("a()",
				"3") "," FRAME("main", "4") "]}]}",
			&options);

	(void)state;
	assert_string_equal(text, "\n"
				  "Thread 7, crashed\n"
				  "  #0        leaf  at a.c:1  [a]\n"
				  "  #1        b<int>(int)  at a.c:2  [a]\n"
				  "  #2        a()  at a.c:3  [a]\n"
				  "  #3        b<int>(int)  at a.c:2  [a]\n"
				  "  #4        a()  at a.c:3  [a]\n"
				  "  … 1000002 more frames, over and over: a → b<>\n"
				  "  #1000007  main  at a.c:4  [a]\n");
}

/* The unwinder counts what it left out without what is inlined; debuggers number that, too. */
static void rounds_tell_how_many_there_are(void **state)
{
	_cleanup_(freep) char *text =
		text_of("{'version':1," MODULES
			"'threads':[{'tid':7,'crashed':true,'left':{'at':6,'count':100},"
			"'cycle':{'at':0,'length':2,'repeats':104},'frames':[" FRAME(
				"b", "1") "," FRAME("a", "2") "," FRAME("b", "1") "," FRAME("a",
				"2") "," FRAME("b", "1") "," FRAME("a", "2") "," FRAME("b",
				"1") "," FRAME("a", "2") "," FRAME("main", "3") "]}]}",
			&(TraceTextOptions){});

	(void)state;
	assert_string_equal(text,
		"\nThread 7, crashed\n  #0    b  at a.c:1  [a]\n  #1    a  at a.c:2  [a]\n"
		"  #2    b  at a.c:1  [a]\n  #3    a  at a.c:2  [a]\n"
		"  … 204 more frames, over and over: a → b\n"
		"  #208  main  at a.c:3  [a]\n");
}

static void what_is_left_out_is_counted(void **state)
{
	const char *json =
		"{'version':1," MODULES
		"'threads':[{'tid':7,'crashed':true,'left':{'at':1,'count':1},'frames':[" FRAME(
			"a", "1") "," FRAME("b", "2") "," FRAME("c", "3") "]}]}";
	_cleanup_(freep) char *all = text_of(json, &(TraceTextOptions){});
	_cleanup_(freep) char *two = text_of(json, &(TraceTextOptions){.max_frames = 2});
	_cleanup_(freep) char *one = text_of(json, &(TraceTextOptions){.max_frames = 1});

	(void)state;
	assert_string_equal(all,
		"\nThread 7, crashed\n  #0  a  at a.c:1  [a]\n"
		"  … 1 more frame\n  #2  b  at a.c:2  [a]\n  #3  c  at a.c:3  [a]\n");
	assert_string_equal(two, "\nThread 7, crashed\n  #0  a  at a.c:1  [a]\n"
				 "  … 1 more frame\n  #2  b  at a.c:2  [a]\n  … 1 more frame\n");
	assert_non_null(strstr(one, "  #0  a  at a.c:1  [a]\n"));
	assert_null(strstr(one, " b "));
}

/* Nothing of a crashed process reaches the terminal as it is. */
static void foreign_text_is_escaped(void **state)
{
#define EVIL "\\u001b[31m\\n\\u202e"
	const TraceTextOptions options = {
		.all_threads = true, .modules = true, .registers = true, .rating = true};
	_cleanup_(freep) char *text =
		text_of("{'version':1,'partial':'" EVIL "','modules':[{'path':'/a/" EVIL
			"','state':'deleted',"
			"'debugFile':'" EVIL "','package':'" EVIL "','version':'" EVIL
			"'},{'path':'/a/" EVIL "2'}],"
			"'threads':[{'tid':7,'crashed':true,'name':'" EVIL "','error':'" EVIL "',"
			"'cycle':{'at':0,'length':1,'repeats':9},'frames':["
			"{'pc':'0x1','module':0,'function':'" EVIL "','file':'" EVIL "','line':1},"
			"{'pc':'0x1','module':0,'function':'" EVIL "','file':'" EVIL "'},"
			"{'pc':'0x1','module':0,'function':'" EVIL
			"'},{'pc':'0x1','module':0,'symbol':'" EVIL "'},"
			"{'pc':'0x1','module':0,'symbol':'" EVIL "'},{'pc':'0x1','module':1}]}]}",
			&options);

	(void)state;
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strstr(text, "\n[31m"));
	assert_non_null(strstr(text, "over and over"));
}

static void colours_do_not_count(void **state)
{
	const char *json = HEAD MODULES "'threads':[{'tid':7,'crashed':true,'frames':[" FRAME(
		"a_function_with_a_name_of_some_length_that_nearly_fits", "3") "]}]}";
	_cleanup_(freep) char *plain = text_of(json, &(TraceTextOptions){.width = 80});
	_cleanup_(freep) char *coloured =
		text_of(json, &(TraceTextOptions){.width = 80, .colour = true});
	char *to = coloured;

	(void)state;
	assert_non_null(strchr(coloured, '\033'));
	for (char *p = coloured; *p;)
		if (*p == '\033')
			p += strcspn(p, "m") + 1;
		else
			*to++ = *p++;
	*to = '\0';
	assert_string_equal(plain, coloured);
}

static void a_long_name_keeps_to_its_line(void **state)
{
	const char *json = HEAD MODULES "'threads':[{'tid':7,'crashed':true,'frames':[" FRAME(
		"name_of_a_template_with_very_many_arguments<int, long, char>", "3") "]}]}";
	_cleanup_(freep) char *cut = text_of(json, &(TraceTextOptions){.width = 40});
	_cleanup_(freep) char *narrow = text_of(json, &(TraceTextOptions){.width = 20});
	_cleanup_(freep) char *whole =
		text_of(json, &(TraceTextOptions){.width = 40, .whole_names = true});

	(void)state;
	assert_non_null(
		strstr(cut, "\n  #0  name_of_a_template_with_very_many…\n        at a.c:3"));
	assert_non_null(strstr(narrow, "arguments<int, long, char>\n"));
	assert_non_null(strstr(whole, "arguments<int, long, char>\n"));
}

static void files_and_registers_when_asked(void **state)
{
	const TraceTextOptions options = {.modules = true, .registers = true};
	_cleanup_(freep) char *text = text_of(TRACE_SAMPLE, &options);

	(void)state;
	assert_non_null(strstr(text, "\nRegisters\n"
				     "  rip    0x0000555555555139  rsp    0x00007fffffffe000\n"));
	assert_non_null(
		strstr(text, "\nFiles\n"
			     "  /usr/bin/a  a 1.0-1\n"
			     "      debugging information: /usr/lib/debug/.build-id/00/ff.debug\n"
			     "      build id 00ff\n"
			     "  /usr/lib/libc.so.6\n"
			     "      no symbols\n"));
	assert_non_null(strstr(text, "\nPartial: the core ends after 12 of 40 MiB\n"));
	assert_non_null(strstr(text, "  No further: no unwind information\n"));
}

static void nothing_is_nothing(void **state)
{
	_cleanup_(freep) char *text = text_of("{'version':1,'threads':[],'modules':[]}",
		&(TraceTextOptions){.all_threads = true, .modules = true, .registers = true});
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	assert_string_equal(text, "");
	trace_text_frames(&(Trace){}, &(TraceTextOptions){}, &out);
	assert_int_equal(out.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_crashed_thread_is_told),
		cmocka_unit_test(threads_in_one_place_stand_together),
		cmocka_unit_test(recursion_is_one_line),
		cmocka_unit_test(rounds_tell_how_many_there_are),
		cmocka_unit_test(what_is_left_out_is_counted),
		cmocka_unit_test(foreign_text_is_escaped),
		cmocka_unit_test(colours_do_not_count),
		cmocka_unit_test(a_long_name_keeps_to_its_line),
		cmocka_unit_test(files_and_registers_when_asked),
		cmocka_unit_test(nothing_is_nothing),
	};

	return cmocka_run_group_tests_name("trace-text", tests, NULL, NULL);
}
