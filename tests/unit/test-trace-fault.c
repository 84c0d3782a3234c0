/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/trace.h, trace_fault_words(): what is said of a fault, and what is not. */
#include "coredump/trace-fault.h"

#include "tests/unit/test.h"
#include <signal.h>

#define SP 0x7ffc00100000

static char amd64[] = "x86_64";

static void make(Trace *trace, int signal, int code, uint64_t address)
{
	*trace = (Trace){
		.signal = signal,
		.code = code,
		.has_code = true,
		.fault_address = address,
		.has_fault_address = true,
		.registers = {{"rip", 0x5500}, {"rsp", SP}},
		.n_registers = 2,
	};
	strcpy(trace->machine, amd64);
}

static void codes_have_words(void **state)
{
	static const struct {
		int signal, code;
		uint64_t address;
		const char *words;
	} rows[] = {
		{SIGSEGV, SEGV_MAPERR, 0, "access to address 0x0 — a null pointer"},
		{SIGSEGV, SEGV_MAPERR, 0x10, "access to address 0x10 — close to a null pointer"},
		{SIGSEGV, SEGV_MAPERR, 0x123456789abc,
			"access to address 0x123456789abc, where there is no memory"},
		{SIGSEGV, SEGV_MAPERR, 0x5500, "call of address 0x5500 — close to a null pointer"},
		{SIGSEGV, SEGV_MAPERR, UINT64_MAX,
			"access to address 0xffffffffffffffff, where there is no memory"},
		{SIGSEGV, SEGV_ACCERR, 0x555500000000,
			"access to address 0x555500000000, whose memory is not for that: read-only, "
			"or not accessible"},
		{SIGSEGV, SEGV_PKUERR, 0x555500000000,
			"access to address 0x555500000000, whose protection key forbids it"},
		{SIGSEGV, SEGV_MAPERR, SP - 8,
			"the stack is used up: access to address 0x7ffc000ffff8, at its end"},
		{SIGSEGV, SEGV_ACCERR, SP - 0x8000,
			"the stack is used up: access to address 0x7ffc000f8000, at its end"},
		{SIGSEGV, SEGV_MAPERR, SP,
			"the stack is used up: access to address 0x7ffc00100000, at its end"},
		{SIGSEGV, SEGV_MAPERR, SP + 0x8000,
			"access to address 0x7ffc00108000, where there is no memory"},
		{SIGSEGV, SEGV_MAPERR, SP - 0x200000,
			"access to address 0x7ffbfff00000, where there is no memory"},
		{SIGSEGV, SI_KERNEL, 0, "access to an address that cannot exist (not canonical)"},
		{SIGSEGV, 99, 0x555500000000, NULL},
		{SIGBUS, BUS_ADRERR, 0x7f0000000000,
			"access to address 0x7f0000000000, beyond the end of a mapped file"},
		{SIGBUS, BUS_ADRALN, 0x7f0000000001,
			"access to address 0x7f0000000001, which is not aligned"},
		{SIGFPE, FPE_INTDIV, 0x5500, "integer division by zero"},
		{SIGILL, ILL_ILLOPN, 0x5500, "instruction that does not exist"},
		{SIGTRAP, SI_KERNEL, 0, "breakpoint instruction, as failed checks have it"},
		{SIGSYS, 1, 0, "system call that its filter (seccomp) forbids"},
		{SIGQUIT, SI_KERNEL, 0, NULL},
		{SIGABRT, SI_TKILL, 0, NULL},
		{0, SEGV_MAPERR, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char buf[160];
		Trace trace;
		make(&trace, rows[i].signal, rows[i].code, rows[i].address);
		const char *words = trace_fault_words(&trace, buf);
		if (rows[i].words) {
			assert_non_null(words);
			assert_string_equal(words, rows[i].words);
		} else {
			assert_null(words);
		}
	}
}

static void senders_are_named(void **state)
{
	TraceThread thread = {.tid = 100};
	char buf[160];
	Trace trace;

	(void)state;
	make(&trace, SIGSEGV, SI_USER, 0);
	trace.threads = &thread;
	trace.n_threads = 1;
	assert_null(trace_fault_words(&trace, buf));
	trace.sender_pid = 4711;
	trace.sender_uid = 1000;
	assert_string_equal(
		trace_fault_words(&trace, buf), "signal sent by process 4711 of user 1000");
	trace.sender_pid = 100;
	assert_string_equal(trace_fault_words(&trace, buf), "the program sent it to itself");
	trace.signal = SIGABRT;
	assert_null(trace_fault_words(&trace, buf));
}

static void what_is_not_told_is_not_said(void **state)
{
	char buf[160];
	Trace trace;

	(void)state;
	make(&trace, SIGSEGV, SEGV_MAPERR, 0);
	trace.has_fault_address = false;
	assert_null(trace_fault_words(&trace, buf));
	make(&trace, SIGSEGV, SEGV_MAPERR, 0);
	trace.has_code = false;
	assert_null(trace_fault_words(&trace, buf));
	/* without the stack pointer nothing tells that the stack ended */
	make(&trace, SIGSEGV, SEGV_MAPERR, SP - 8);
	trace.n_registers = 1;
	assert_string_equal(trace_fault_words(&trace, buf),
		"access to address 0x7ffc000ffff8, where there is no memory");
}

static void a_number_where_the_register_is_told(void **state)
{
	char buf[160];
	Trace trace;

	(void)state;
	make(&trace, SIGSYS, 1, 0);
	strcpy(trace.registers[0].name, "orig_rax");
	trace.registers[0].value = 110;
	assert_string_equal(trace_fault_words(&trace, buf),
		"system call number 110, which its filter (seccomp) forbids");
}

/* A frame that is just being made is above the stack pointer. */
static void deep_stacks_end_where_frames_begin(void **state)
{
	TraceThread thread = {.crashed = true, .n_left = 100000};
	Trace trace;

	(void)state;
	make(&trace, SIGSEGV, SEGV_MAPERR, SP + 0x8000);
	assert_false(trace_is_stack_overflow(&trace));
	trace.threads = &thread;
	trace.n_threads = 1;
	assert_true(trace_is_stack_overflow(&trace));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_words),
		cmocka_unit_test(senders_are_named),
		cmocka_unit_test(what_is_not_told_is_not_said),
		cmocka_unit_test(a_number_where_the_register_is_told),
		cmocka_unit_test(deep_stacks_end_where_frames_begin),
	};

	return cmocka_run_group_tests_name("trace-fault", tests, NULL, NULL);
}
