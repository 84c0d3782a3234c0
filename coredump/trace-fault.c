/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fault was, in words: si_code, the address, who sent the signal. Whether memory was read
 * or written is in no core of x86: nothing is said of it. Sources: sigaction(2),
 * include/uapi/asm-generic/siginfo.h, arch/x86/mm/fault.c. */
#include "coredump/trace-fault.h"

#include "common/i18n.h"
#include "common/text.h"
#include <inttypes.h>
#include <signal.h>

#define WORDS_SIZE 160

/* Added to the kernel since some C libraries were built. */
#ifndef SEGV_MTEAERR
#define SEGV_MTEAERR 8
#define SEGV_MTESERR 9
#endif
#ifndef SEGV_CPERR
#define SEGV_CPERR 10
#endif
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

#define NULL_PAGES ((uint64_t)64 * 1024) /* a member of a struct, or an item, of a null pointer */
/* A fault so near to the stack pointer, where there is no memory: the stack ended. Frames that are
 * larger skip the guard page, as the kernel's gap of 1 MiB (stack_guard_gap) is made for. */
#define STACK_NEAR  ((uint64_t)1024 * 1024)
#define DEEP_ROUNDS 50

typedef struct CodeWords {
	int signal, code;
	const char *words;
} CodeWords;

/* clang-format off */
static const CodeWords plain[] = {
	{SIGFPE, FPE_INTDIV, N_("integer division by zero")},
	{SIGFPE, FPE_INTOVF, N_("integer overflow")},
	{SIGFPE, FPE_FLTDIV, N_("floating-point division by zero")},
	{SIGFPE, FPE_FLTOVF, N_("floating-point overflow")},
	{SIGFPE, FPE_FLTUND, N_("floating-point underflow")},
	{SIGFPE, FPE_FLTRES, N_("floating-point result that is not exact")},
	{SIGFPE, FPE_FLTINV, N_("floating-point operation that is not valid")},
	{SIGFPE, FPE_FLTSUB, N_("subscript out of range")},
	{SIGILL, ILL_ILLOPC, N_("instruction that does not exist")},
	{SIGILL, ILL_ILLOPN, N_("instruction that does not exist")},
	{SIGILL, ILL_ILLADR, N_("instruction with an addressing mode that does not exist")},
	{SIGILL, ILL_ILLTRP, N_("trap that does not exist")},
	{SIGILL, ILL_PRVOPC, N_("instruction that only the kernel may execute")},
	{SIGILL, ILL_PRVREG, N_("register that only the kernel may use")},
	{SIGILL, ILL_COPROC, N_("error of a coprocessor")},
	{SIGILL, ILL_BADSTK, N_("error of the internal stack")},
	{SIGTRAP, TRAP_BRKPT, N_("breakpoint instruction, as failed checks have it")},
	{SIGTRAP, SI_KERNEL, N_("breakpoint instruction, as failed checks have it")},
	{SIGTRAP, TRAP_TRACE, N_("single step of a debugger")},
};

/* %s: the address */
static const CodeWords addressed[] = {
	{SIGSEGV, SEGV_MAPERR, N_("access to address %s, where there is no memory")},
	{SIGSEGV, SEGV_ACCERR, N_("access to address %s, whose memory is not for that: read-only, or not accessible")},
	{SIGSEGV, SEGV_BNDERR, N_("access to address %s, beyond the bounds of an object")},
	{SIGSEGV, SEGV_PKUERR, N_("access to address %s, whose protection key forbids it")},
	{SIGSEGV, SEGV_MTEAERR, N_("access to address %s with the wrong memory tag, found late")},
	{SIGSEGV, SEGV_MTESERR, N_("access to address %s with the wrong memory tag")},
	{SIGBUS, BUS_ADRALN, N_("access to address %s, which is not aligned")},
	{SIGBUS, BUS_ADRERR, N_("access to address %s, beyond the end of a mapped file")},
	{SIGBUS, BUS_OBJERR, N_("access to address %s: error of the hardware")},
	{SIGBUS, BUS_MCEERR_AR, N_("access to address %s: the memory is broken")},
	{SIGBUS, BUS_MCEERR_AO, N_("access to address %s: the memory is broken")},
};
/* clang-format on */

static const char *find_words(const CodeWords *rows, size_t n, const Trace *trace)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].signal == trace->signal && rows[i].code == trace->code)
			return rows[i].words;
	return NULL;
}

/* The first of the two that the core has. False: neither. */
static bool find_register(const Trace *trace, const char *x86, const char *arm, uint64_t *ret)
{
	for (size_t i = 0; i < trace->n_registers; i++)
		if (streq(trace->registers[i].name, x86) || streq(trace->registers[i].name, arm)) {
			*ret = trace->registers[i].value;
			return true;
		}
	return false;
}

static bool is_deep(const Trace *trace)
{
	const TraceThread *thread = trace_crashed(trace);

	return thread && (thread->n_left || thread->cycle_repeats > DEEP_ROUNDS);
}

bool trace_is_stack_overflow(const Trace *trace)
{
	uint64_t sp, fault = trace->fault_address;

	if (trace->signal != SIGSEGV || !trace->has_code || !trace->has_fault_address ||
		(trace->code != SEGV_MAPERR && trace->code != SEGV_ACCERR) ||
		!find_register(trace, "rsp", "sp", &sp) || sp < STACK_NEAR || fault < STACK_NEAR)
		return false;
	if (fault < sp)
		return sp - fault < STACK_NEAR;
	/* Above it the stack should be there, but for the frame that is just being made. */
	return fault - sp < (is_deep(trace) ? STACK_NEAR : 256);
}

/* ---- words ----------------------------------------------------------------------------------- */

typedef struct Words {
	char *text; /* of WORDS_SIZE */
	bool english;
} Words;

static const char *said(const Words *words, const char *text)
{
	return said_in(words->english, text);
}

static const char *one_text(const Words *words, const char *format, const char *text)
{
	(void)snprintf(words->text, WORDS_SIZE, said(words, format), text);
	return words->text;
}

static const char *memory_words(const Trace *trace, const Words *words)
{
	uint64_t fault = trace->fault_address, pc;
	char address[32];

	(void)snprintf(address, sizeof address, "0x%" PRIx64, fault);
	if (trace->signal == SIGSEGV && trace->code == SEGV_CPERR)
		return said(words, N_("return address that was changed (control protection)"));
	if (!trace->has_fault_address)
		return NULL;
	if (trace_is_stack_overflow(trace))
		return one_text(words, N_("the stack is used up: access to address %s, at its end"),
			address);
	bool jump = find_register(trace, "rip", "pc", &pc) && pc == fault;
	if (trace->signal == SIGSEGV && fault == 0)
		return said(words, jump ? N_("call of address 0x0 — a null pointer")
					: N_("access to address 0x0 — a null pointer"));
	if (trace->signal == SIGSEGV && fault < NULL_PAGES)
		return one_text(words,
			jump ? N_("call of address %s — close to a null pointer")
			     : N_("access to address %s — close to a null pointer"),
			address);
	if (jump && trace->signal == SIGSEGV)
		return one_text(words, N_("call of address %s, where there is no code"), address);
	const char *format = find_words(addressed, ELEMENTSOF(addressed), trace);
	return format ? one_text(words, format, address) : NULL;
}

static bool is_own(const Trace *trace, pid_t pid)
{
	for (size_t i = 0; i < trace->n_threads; i++)
		if (trace->threads[i].tid == pid)
			return true;
	return false;
}

/* abort() is what everybody expects of SIGABRT. */
static const char *sent_words(const Trace *trace, const Words *words)
{
	if (trace->code != SI_USER && trace->code != SI_TKILL && trace->code != SI_QUEUE)
		return trace->code == SI_TIMER ? said(words, N_("a timer of the program ended"))
					       : NULL;
	if (is_own(trace, trace->sender_pid))
		return trace->signal == SIGABRT ? NULL
						: said(words, N_("the program sent it to itself"));
	if (trace->sender_pid <= 0) /* of another pid namespace, or not told */
		return NULL;
	(void)snprintf(words->text, WORDS_SIZE,
		said(words, N_("signal sent by process %d of user %u")), trace->sender_pid,
		trace->sender_uid);
	return words->text;
}

static const char *seccomp_words(const Trace *trace, const Words *words)
{
	uint64_t number;

	if (trace->code != SYS_SECCOMP)
		return NULL;
	if (!find_register(trace, "orig_rax", "x8", &number) || number > INT32_MAX)
		return said(words, N_("system call that its filter (seccomp) forbids"));
	(void)snprintf(words->text, WORDS_SIZE,
		said(words, N_("system call number %u, which its filter (seccomp) forbids")),
		(unsigned)number);
	return words->text;
}

/* The kernel gives neither address nor reason: on x86 that is an address that cannot be. */
static const char *kernel_words(const Trace *trace, const Words *words)
{
	if (trace->signal == SIGSEGV && streq(trace->machine, "x86_64"))
		return said(words, N_("access to an address that cannot exist (not canonical)"));
	return trace->signal == SIGSEGV
		       ? said(words, N_("access that the processor's protection forbids"))
		       : NULL;
}

const char *trace_fault_words_in(const Trace *trace, bool english, char buf[static 160])
{
	const Words words = {.text = buf, .english = english};
	const char *text;

	if (!trace->has_code || trace->signal == 0)
		return NULL;
	if (trace->code <= 0)
		return sent_words(trace, &words);
	text = find_words(plain, ELEMENTSOF(plain), trace);
	if (text)
		return said(&words, text);
	if (trace->code == SI_KERNEL)
		return kernel_words(trace, &words);
	if (trace->signal == SIGSYS)
		return seccomp_words(trace, &words);
	return trace->signal == SIGSEGV || trace->signal == SIGBUS ? memory_words(trace, &words)
								   : NULL;
}

const char *trace_fault_words(const Trace *trace, char buf[static 160])
{
	return trace_fault_words_in(trace, false, buf);
}
