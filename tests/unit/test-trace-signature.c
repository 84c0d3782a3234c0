/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/trace-signature.h, and signature.h beside it: which frames count, and when two crashes
 * are one. Frames are written "inner | outer": a name, a name " @ module", "0x12 @ module", "!" for
 * the kernel's frame of a signal, "-" for frames that were left out. */
#include "coredump/trace-signature.h"

#include "common/text.h"
#include "tests/unit/test.h"
#include <signal.h>

#define PLACES_MAX 16

typedef struct Made {
	Trace trace;
	TraceThread thread;
	TraceFrame frames[TRACE_FRAMES_MAX];
	TraceModule modules[PLACES_MAX];
	char text[8192];
} Made;

static int module_of(Made *made, char *name)
{
	size_t n = made->trace.n_modules;

	for (size_t i = 0; i < n; i++)
		if (streq(made->modules[i].path, name))
			return (int)i;
	made->modules[n].path = name;
	(void)snprintf(made->modules[n].build_id, sizeof made->modules[n].build_id, "%02x%02zx",
		(unsigned)name[3], n);
	made->trace.n_modules++;
	return (int)n;
}

static void add_frame(Made *made, char *text)
{
	TraceFrame *frame = &made->frames[made->thread.n_frames];
	char *at = strstr(text, " @ ");

	if (streq(text, "-")) {
		made->thread.left_at = made->thread.n_frames;
		made->thread.n_left = 1000;
		return;
	}
	made->thread.n_frames++;
	frame->module = -1;
	if (at) {
		*at = '\0';
		frame->module = module_of(made, at + 3);
	}
	frame->signal = streq(text, "!");
	if (startswith(text, "0x"))
		frame->offset = strtoull(text, NULL, 16);
	else if (!frame->signal && !streq(text, "?"))
		frame->function = text;
}

static void make(Made *made, const char *text)
{
	memset(made, 0, sizeof *made);
	assert_true(strlen(text) < sizeof made->text);
	strcpy(made->text, text);
	for (char *p = made->text, *next; p; p = next) {
		next = strstr(p, " | ");
		if (next) {
			*next = '\0';
			next += 3;
		}
		add_frame(made, p);
	}
	made->thread.crashed = true;
	made->thread.frames = made->frames;
	made->trace.threads = &made->thread;
	made->trace.n_threads = 1;
	made->trace.modules = made->modules;
	made->trace.signal = SIGSEGV;
}

static char exe[] = "/usr/bin/program";

/* The fault is just below the stack pointer. */
static void make_overflow(Made *made, const char *frames)
{
	make(made, frames);
	made->trace.code = SEGV_MAPERR;
	made->trace.has_code = made->trace.has_fault_address = true;
	made->trace.fault_address = 0x7ffc000ffff8;
	made->trace.registers[0] = (TraceRegister){"rsp", 0x7ffc00100000};
	made->trace.n_registers = 1;
}

static void signature_of(const char *frames, int signal, char ret[static CRASH_SIGNATURE_SIZE])
{
	const Crash crash = {.exe = exe, .signal = signal};
	static Made made;

	make(&made, frames);
	assert_int_equal(trace_signature(&made.trace, &crash, ret), 0);
	assert_int_equal(strlen(ret), 16);
	assert_int_equal(strspn(ret, "0123456789abcdef"), 16);
}

static char *title_of(const char *frames)
{
	static Made made;

	make(&made, frames);
	return trace_signature_title(&made.trace);
}

static void what_counts_is_the_title(void **state)
{
	static const struct {
		const char *frames, *title;
	} rows[] = {
		{"f | g | main | _start", "f < g"},
		{"raise @ libc.so.6 | abort @ libc.so.6 | f | main", "f"},
		/* without symbols of the C library */
		{"0x8a @ libc.so.6 | raise @ libc.so.6 | abort @ libc.so.6 | f | main", "f"},
		{"0x8a @ libc.so.6 | f | main", "f"},
		{"__strlen_avx2 @ libc.so.6 | f | g | main", "f < g"},
		{"f | qsort @ libc.so.6 | g | main", "f < g"},
		{"abort | __assert_fail | f | g | main", "f < g"},
		{"0x1 @ libglib-2.0.so.0 | g_logv | g_log | f | g", "f < g"},
		{"abort | malloc_printerr | _int_free | free | f", "f"},
		{"abort | std::terminate() | __cxa_throw | f(int) | g()", "f < g"},
		{"abort | rust_panic | core::panicking::panic | prog::f::h0123456789abcdef | prog::main",
			"prog::f < prog::main"},
		/* what holds the program's functions together */
		{"f() | std::function<void ()>::operator()() const | g()", "f < g"},
		{"std::vector<int>::operator[](unsigned long) | f", "f"},
		/* three are told */
		{"a | b | c | d | e | f", "a < b < c"},
		/* without a name */
		{"0x12 @ libfoo.so.1 | f", "libfoo.so.1+0x12 < f"},
		{"? | f", "? < f"},
		{"? | ? | ? | f", "? < f"},
		/* a handler gave the signal back; one that crashes */
		{"raise | handler | ! | f | main", "f"},
		{"kill | handler | __restore_rt @ libc.so.6 | f | main", "f"},
		{"on_timer | ! | f | main", "on_timer < f"},
		/* recursion is one round */
		{"f | walk | walk | walk | main", "f < walk"},
		{"a | b | a | b | main", "a < b"},
		{"b | a | b | a | main", "a < b"},
		{"b | a | b | a | b | main", "a < b"},
		{"a | a | b | a | a | b | main", "a < b"},
		{"a | b | c", "a < b < c"},
		{"x | b | a | - | a | b | a | b | main", "x < a < b"},
		{"b | a | b | a | - | a | b | a | b | g | main", "a < b < g"},
		{"x | b | a | b | a | - | a | b | a | b | g | main", "x < a < b"},
		/* nothing of its own is left */
		{"main | __libc_start_main @ libc.so.6 | _start", "main"},
		{"poll @ libc.so.6 | main", "main"},
		{"poll @ libc.so.6 | start_thread @ libc.so.6", "start_thread"},
		{"raise | abort", "raise < abort"},
		{"raise @ libc.so.6", "raise"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *title = title_of(rows[i].frames);
		if (!title || !streq(title, rows[i].title))
			fail_msg("%s: %s, not %s", rows[i].frames, title, rows[i].title);
	}
}

static void pairs_are_told_apart(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"f | g | main", "f | g | main", true},
		{"f | g | main", "f | h | main", false},
		{"f | g", "g | f", false},
		{"a | b | c | d | e | f", "a | b | c | d | e | g", true},
		{"a | b | c | d | e | f", "a | b | c | d | x | f", false},
		{"f<int>(int) | g", "f<char>(char) | g", true},
		{"f.constprop.0 | g", "f | g.cold", true},
		{"0x12 @ libfoo.so.1 | f", "0x12 @ libfoo.so.1 | f", true},
		{"0x12 @ libfoo.so.1 | f", "0x13 @ libfoo.so.1 | f", false},
		{"0x12 @ libfoo.so.1 | f", "0x12 @ libbar.so.1 | f", false},
		{"walk | walk | main", "walk | walk | walk | walk | main", true},
		{"a | b | a | b | main", "b | a | b | a | b | main", true},
		{"free | f", "abort | malloc_printerr | _int_free | free | f", true},
		{"a::f::h0123456789abcdef", "a::f::hfedcba9876543210", true},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char a[CRASH_SIGNATURE_SIZE], b[CRASH_SIGNATURE_SIZE];
		signature_of(rows[i].a, SIGSEGV, a);
		signature_of(rows[i].b, SIGSEGV, b);
		if (streq(a, b) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void signal_and_program_count(void **state)
{
	char a[CRASH_SIGNATURE_SIZE], b[CRASH_SIGNATURE_SIZE];
	char moved[] = "/opt/x/program (deleted)", other[] = "/usr/bin/other";
	static Made made;

	(void)state;
	signature_of("f", SIGSEGV, a);
	signature_of("f", SIGBUS, b);
	assert_string_equal(a, b);
	signature_of("f", SIGABRT, b);
	assert_string_not_equal(a, b);
	make(&made, "f");
	assert_int_equal(
		trace_signature(&made.trace, &(Crash){.exe = moved, .signal = SIGSEGV}, b), 0);
	assert_string_equal(a, b);
	assert_int_equal(
		trace_signature(&made.trace, &(Crash){.exe = other, .signal = SIGSEGV}, b), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(
		trace_signature(&made.trace,
			&(Crash){.exe = exe, .signal = SIGSEGV, .not_responding = true}, b),
		0);
	assert_string_not_equal(a, b);
	assert_int_equal(trace_signature(&made.trace, &(Crash){.signal = SIGSEGV}, b), 0);
}

/* A handler that gave the signal back with nothing to tell it by but si_code. */
static void what_was_sent_comes_from_below(void **state)
{
	static Made made;

	(void)state;
	make(&made, "handler | ! | f | main");
	made.trace.has_code = true;
	made.trace.code = SI_TKILL;
	_cleanup_(freep) char *sent = trace_signature_title(&made.trace);
	assert_string_equal(sent, "f");
	make(&made, "handler | ! | f | main");
	made.trace.has_code = true;
	made.trace.code = SEGV_MAPERR;
	_cleanup_(freep) char *fault = trace_signature_title(&made.trace);
	assert_string_equal(fault, "handler < f");
}

static void nothing_to_go_by(void **state)
{
	const Crash crash = {.exe = exe, .signal = SIGSEGV};
	char ret[CRASH_SIGNATURE_SIZE] = "as it was";
	TraceThread thread = {.crashed = true};

	(void)state;
	assert_int_equal(trace_signature(&(Trace){}, &crash, ret), -ENODATA);
	assert_int_equal(trace_signature(&(Trace){.threads = &thread, .n_threads = 1}, &crash, ret),
		-ENODATA);
	assert_string_equal(ret, "as it was");
	_cleanup_(freep) char *title = trace_signature_title(&(Trace){});
	assert_string_equal(title, "");
}

/* Two builds of libfoo hold other things at one offset. */
static void builds_are_told_apart(void **state)
{
	const Crash crash = {.exe = exe, .signal = SIGSEGV};
	char a[CRASH_SIGNATURE_SIZE], b[CRASH_SIGNATURE_SIZE];
	static Made made;

	(void)state;
	make(&made, "0x12 @ libfoo.so.1 | f");
	assert_int_equal(trace_signature(&made.trace, &crash, a), 0);
	strcpy(made.modules[0].build_id, "ffff");
	assert_int_equal(trace_signature(&made.trace, &crash, b), 0);
	assert_string_not_equal(a, b);
}

static void runaway_recursion_ends_anywhere(void **state)
{
	static char texts[2][8192];
	char a[CRASH_SIGNATURE_SIZE], b[CRASH_SIGNATURE_SIZE];

	(void)state;
	strcpy(texts[0], "format | one");
	strcpy(texts[1], "three");
	for (size_t i = 0; i < 60; i++) {
		strcat(texts[0], i == 40 ? " | - | two | three | one" : " | two | three | one");
		strcat(texts[1], " | one | two | three");
	}
	strcat(texts[0], " | entry | main");
	strcat(texts[1], " | one | entry | main");
	static Made made;
	const Crash crash = {.exe = exe, .signal = SIGSEGV};
	make_overflow(&made, texts[0]);
	_cleanup_(freep) char *title = trace_signature_title(&made.trace);
	assert_int_equal(trace_signature(&made.trace, &crash, a), 0);
	make_overflow(&made, texts[1]);
	assert_int_equal(trace_signature(&made.trace, &crash, b), 0);
	assert_string_equal(a, b);
	assert_string_equal(title, "one < two < three");
	/* any other crash is where it is, however deep */
	make(&made, texts[0]);
	_cleanup_(freep) char *crashed = trace_signature_title(&made.trace);
	assert_string_equal(crashed, "format < one < two");
}

/* ---- on arrival ------------------------------------------------------------------------------ */

#define HEAD "Process 1 (program) of user 1000 dumped core.\n\nStack trace of thread 1:\n"

static void messages_count_as_traces_do(void **state)
{
	static const struct {
		const char *message, *title;
	} rows[] = {
		{HEAD "#0  0x00007f0000000001 raise (libc.so.6 + 0x3c)\n"
		      "#1  0x00007f0000000002 abort (libc.so.6 + 0x2)\n"
		      "#2  0x0000550000000001 f (program + 0x1)\n"
		      "#3  0x0000550000000002 ns::g<int>(int) (program + 0x2)\n"
		      "#4  0x0000550000000003 main (program + 0x3)\n"
		      "\nStack trace of thread 2:\n"
		      "#0  0x0000550000000001 other (program + 0x1)\n",
			"f < ns::g<>"},
		{HEAD "#0  0x0000550000000001 n/a (/usr/lib/libfoo.so.1 + 0x12)\n"
		      "#1  0x0000000000000000 n/a (n/a + 0x0)\n",
			"libfoo.so.1+0x12 < ?"},
		{HEAD "#0  0x1 n/a\n", ""},
		{HEAD, ""},
		{NULL, ""},
		{"", ""},
	};
	char a[CRASH_SIGNATURE_SIZE], b[CRASH_SIGNATURE_SIZE];

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const Crash crash = {.exe = exe, .signal = 6, .message = (char *)rows[i].message};
		_cleanup_(freep) char *title = crash_signature_title(&crash);
		assert_string_equal(title, rows[i].title);
	}
	/* no other group once the core was looked at, where the names are the same */
	crash_signature(&(Crash){.exe = exe, .signal = 6, .message = (char *)rows[0].message}, a);
	signature_of("raise @ libc.so.6 | abort @ libc.so.6 | f | ns::g<int>(int) | main", 6, b);
	assert_string_equal(a, b);
}

static void tracebacks_have_a_type_and_a_place(void **state)
{
	static char first[] =
		"Traceback:\n  File \"a.py\", line 3, in f\n  File \"b.py\", line 9, in g\n"
		"ValueError: bad 17\n";
	static char second[] = "Traceback:\n  File \"a.py\", line 4, in f\n"
			       "  File \"b.py\", line 10, in g\nValueError: bad 18\n";
	char a[CRASH_SIGNATURE_SIZE], b[CRASH_SIGNATURE_SIZE];

	(void)state;
	const Crash one = {.exe = exe, .kind = CRASH_TRACEBACK, .message = first};
	const Crash two = {.exe = exe, .kind = CRASH_TRACEBACK, .message = second};
	crash_signature(&one, a);
	crash_signature(&two, b);
	assert_string_equal(a, b);
	_cleanup_(freep) char *title = crash_signature_title(&one);
	assert_string_equal(title, "ValueError < \"b.py\", in g");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_counts_is_the_title),
		cmocka_unit_test(pairs_are_told_apart),
		cmocka_unit_test(signal_and_program_count),
		cmocka_unit_test(what_was_sent_comes_from_below),
		cmocka_unit_test(nothing_to_go_by),
		cmocka_unit_test(builds_are_told_apart),
		cmocka_unit_test(runaway_recursion_ends_anywhere),
		cmocka_unit_test(messages_count_as_traces_do),
		cmocka_unit_test(tracebacks_have_a_type_and_a_place),
	};

	return cmocka_run_group_tests_name("trace-signature", tests, NULL, NULL);
}
