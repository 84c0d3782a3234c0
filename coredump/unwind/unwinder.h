/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The stack of a thread as program counters: libdwfl's unwinder (.eh_frame, .debug_frame, and frame
 * pointers where neither tells, which libebl does for x86, arm64 and some others), fed with
 * registers and memory out of the core. What it does not do itself is done here: getting from a
 * call to nowhere back to the caller, and stopping where a damaged stack leads in circles or into
 * what is no code. */
#include "coredump/unwind/modules.h"
#include "coredump/unwind/registers.h"

#define UNWIND_FRAMES_MAX ((size_t)1000000) /* 8 MiB of stack hold some 500,000 */

typedef struct StackFrame {
	uint64_t pc;
	bool is_call; /* pc is a return address: the frame's own instruction ends just before */
	bool signal;  /* delivers a signal */
} StackFrame;

typedef struct Stack {
	StackFrame *frame;
	size_t n, room;
	bool complete;
	char error[256]; /* "": none */
} Stack;

typedef struct Unwinder {
	Modules *modules;
	CoreMemory *memory;
	CoreThreads threads;
	Elf *machine; /* a header that tells the machine */
	Elf *core;    /* of machines whose registers only libdwfl knows */
	char header[64];
	usec_t cpu_end;		 /* on CLOCK_PROCESS_CPUTIME_ID */
	uint64_t signature_mask; /* of pointers to code (NT_ARM_PAC_MASK); 0: they are not signed */
	struct Unwinding *now;
} Unwinder;

/* modules: loaded; borrowed, as memory. cpu_end: when all threads' stacks must be done. 0; -ENOMEM;
 * -EOPNOTSUPP: libdwfl does not unwind this machine; -errno. Ends with unwinder_done(), also after
 * failure. */
int unwinder_init(CoreMemory *memory, Modules *modules, usec_t cpu_end, Unwinder *ret);
void unwinder_done(Unwinder *unwinder);
/* 0, whatever was found, and the reason in error where it is not complete; -ENOMEM. stack: {} or
 * one to be used again. */
int unwind_thread(Unwinder *unwinder, pid_t tid, Stack *stack);
/* The registers of a thread; as registers_read(), -ENOENT: no such thread. */
int unwinder_registers(Unwinder *unwinder, pid_t tid, Registers *ret);
void stack_done(Stack *stack);
