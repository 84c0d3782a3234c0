/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signal, fault and threads out of the notes. */
#include "coredump/unwind/scan.h"

#include "common/text.h"
#include "coredump/unwind/core-threads.h"
#include <elf.h>
#include <signal.h>

#define SIGINFO_BYTES ((size_t)128)
#define PROCESS_BYTES ((size_t)136)
#define SIGNAL_MAX    127 /* of the kernel, as WTERMSIG(3) can tell */

static bool tells_address(int signal, int code)
{
	/* SI_KERNEL: a general protection fault, say, of which the kernel knows no address. */
	return code > 0 && code != SI_KERNEL &&
	       (signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
		       signal == SIGTRAP);
}

/* struct siginfo: three ints, and behind them, aligned to a word, what the signal is about. */
static void take_siginfo(const CoreElf *elf, const unsigned char *data, size_t length, Trace *trace)
{
	size_t word = core_elf_word(elf), about = elf->is_64 ? 16 : 12;
	size_t code = elf->machine == EM_MIPS ? 4 : 8; /* there si_errno comes last */

	if (trace->has_code || length < about + 8)
		return;
	trace->signal = (int)core_elf_number(elf, data, 4) & 0xff; /* _NSIG is 64, or 128 */
	trace->code = (int)core_elf_number(elf, data + code, 4);
	trace->has_code = true;
	trace->has_fault_address = tells_address(trace->signal, trace->code);
	if (trace->has_fault_address) {
		trace->fault_address = core_elf_number(elf, data + about, word);
	} else if (trace->code <= 0) {
		trace->sender_pid = MAX_OF((pid_t)core_elf_number(elf, data + about, 4), 0);
		trace->sender_uid = (uid_t)core_elf_number(elf, data + about + 4, 4);
	}
}

/* The name in NT_PRPSINFO is the crashed thread's own; the kernel names no other. */
static int take_name(CoreElf *elf, const CoreNote *note, char **ret)
{
	unsigned char data[PROCESS_BYTES];
	ssize_t n = core_note_read(elf, note, sizeof data, data);
	size_t at = n == 136 ? 40 : n == 128 ? 32 : 28; /* 64 bits; 32 with wide and narrow ids */

	if (n < 124 || *ret || data[at] == '\0')
		return 0;
	*ret = strndup((const char *)data + at, 16);
	return *ret ? 0 : -ENOMEM;
}

/* Of several (gdb writes one for each thread, the chosen one's first, as the kernel does) the
 * first. */
static int take_facts(CoreMemory *memory, Trace *trace, char **ret_name)
{
	CoreNotes notes = core_memory_notes(memory);
	CoreNote note;
	int r;

	while ((r = core_notes_next(&notes, &note)) > 0) {
		unsigned char data[SIGINFO_BYTES];
		if (!note.core)
			continue;
		if (note.type == NT_SIGINFO) {
			ssize_t n = core_note_read(&memory->elf, &note, sizeof data, data);
			if (n > 0)
				take_siginfo(&memory->elf, data, (size_t)n, trace);
		} else if (note.type == NT_PRPSINFO) {
			r = take_name(&memory->elf, &note, ret_name);
			if (r < 0)
				return r;
		}
	}
	return r;
}

static size_t find_crashed(const CoreThreads *threads, pid_t tid)
{
	for (size_t i = 0; tid > 0 && i < threads->n; i++)
		if (threads->thread[i].tid == tid)
			return i;
	return 0;
}

/* The crashed one first, the others as they come. */
static int take_threads(const CoreThreads *threads, pid_t tid, char **name, Trace *trace)
{
	size_t n = MIN_OF(threads->n, (size_t)TRACE_THREADS_MAX);
	size_t crashed = find_crashed(threads, tid), at = 0;

	trace->n_threads_left = threads->n - n + threads->n_left;
	if (n == 0)
		return 0;
	trace->threads = calloc(n, sizeof *trace->threads);
	if (!trace->threads)
		return -ENOMEM;
	trace->n_threads = n;
	trace->threads[at++] = (TraceThread){.tid = threads->thread[crashed].tid, .crashed = true};
	if (crashed == 0)
		trace->threads[0].name = TAKE_PTR(*name);
	for (size_t i = 0; at < n; i++)
		if (i != crashed)
			trace->threads[at++] = (TraceThread){.tid = threads->thread[i].tid};
	if (trace->signal == 0)
		trace->signal = threads->thread[crashed].signal;
	return 0;
}

/* What no kernel writes is not passed on: whoever reads the trace would take all of it for forged.
 */
static void drop_nonsense(Trace *trace)
{
	if (trace->signal < 0 || trace->signal > SIGNAL_MAX)
		trace->signal = 0;
	trace->sender_pid = MAX_OF(trace->sender_pid, 0);
}

int scan_core(CoreMemory *memory, pid_t tid, Trace *ret)
{
	_cleanup_(core_threads_donep) CoreThreads threads = {};
	_cleanup_(freep) char *name = NULL;
	int r;

	(void)core_machine_name(&memory->elf, ret->machine);
	ret->bits = memory->elf.is_64 ? 64 : 32;
	r = core_threads_read(&memory->elf, &threads);
	if (r >= 0)
		r = take_facts(memory, ret, &name);
	if (r >= 0)
		r = take_threads(&threads, tid, &name, ret);
	drop_nonsense(ret);
	return r < 0 ? r : scan_modules(memory, ret);
}
