/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/unwind/walk.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "coredump/unwind/frames.h"
#include <string.h>

typedef struct Walk {
	Modules modules;
	Unwinder unwinder;
	Symbols *symbols;
	Stack stack;
	size_t budget;
} Walk;

static void walk_done(Walk *walk)
{
	symbols_free(walk->symbols);
	stack_done(&walk->stack);
	modules_done(&walk->modules);
	unwinder_done(&walk->unwinder);
}

static int say_why_not(Trace *trace, const char *why)
{
	for (size_t i = 0; i < trace->n_threads; i++) {
		trace->threads[i].error = strdup(why);
		if (!trace->threads[i].error)
			return -ENOMEM;
	}
	return 0;
}

static void take_registers(Walk *walk, Trace *trace, pid_t tid)
{
	Registers registers;

	if (unwinder_registers(&walk->unwinder, tid, &registers) < 0)
		return;
	memcpy(trace->registers, registers.named, sizeof registers.named);
	trace->n_registers = registers.n_named;
}

static int walk_threads(Walk *walk, Trace *trace)
{
	int r;

	for (size_t i = 0; i < trace->n_threads; i++) {
		TraceThread *thread = &trace->threads[i];
		if (thread->crashed)
			take_registers(walk, trace, thread->tid);
		r = unwind_thread(&walk->unwinder, thread->tid, &walk->stack);
		if (r >= 0)
			r = frames_make(&walk->stack, walk->symbols, &walk->budget, thread);
		if (r < 0)
			return r;
	}
	return 0;
}

int walk(CoreMemory *memory, const Plan *plan, const WalkLimits *limits, Trace *trace)
{
	_cleanup_(walk_done) Walk state = {.budget = limits->json_bytes};
	int r;

	r = modules_load(memory, plan, trace, &state.modules);
	if (r < 0)
		return r;
	r = unwinder_init(memory, &state.modules,
		now_usec(CLOCK_PROCESS_CPUTIME_ID) + limits->cpu_usec, &state.unwinder);
	if (r == -EOPNOTSUPP)
		return say_why_not(trace, "stacks of this machine cannot be unwound");
	if (r < 0)
		return r;
	state.symbols = symbols_new(&state.modules, state.unwinder.cpu_end + limits->cpu_usec);
	if (!state.symbols)
		return -ENOMEM;
	r = walk_threads(&state, trace);
	if (r >= 0 && symbols_late(state.symbols) && !trace->partial) {
		trace->partial = strdup("names are missing: the time for this core is up");
		r = trace->partial ? 0 : -ENOMEM;
	}
	return r;
}
