/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crashes in the way that is asked for, with a stack that the tests know: main, outer, middle (from
 * whose line inlined() is inlined), then what the way calls. Built in many ways by
 * tests/integration/crashers.py; "@name" in a comment marks the line that a test expects. */
#include <assert.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PILE_BYTES ((size_t)32 * 1024 * 1024)
#define NOINLINE   __attribute__((noinline, noclone))
/* Behind a call: it is not the last thing that its function does, so no jump takes its place. */
#define AFTERWARDS __asm__ volatile("" ::: "memory")

typedef void (*Fault)(void);

static const char *argument; /* of the way */
static Fault nowhere;	     /* NULL, or what argument says */
static volatile int depth;

static NOINLINE void fall(void)
{
	*(volatile int *)8 = 1; /* @fall */
	AFTERWARDS;
}

static NOINLINE void stop(void)
{
	abort(); /* @stop */
}

static NOINLINE void check(void)
{
	assert(depth < 0); /* @check */
	AFTERWARDS;
}

static NOINLINE void divide(void)
{
	volatile int zero = 0;
	depth = 7 / zero; /* @divide */
	AFTERWARDS;
}

static NOINLINE void jump(void)
{
	nowhere(); /* @jump */
	AFTERWARDS;
}

static NOINLINE void jump_far(void)
{
	nowhere = (Fault)0x4141414141; /* @jump_far_to */
	nowhere();		       /* @jump_far */
	AFTERWARDS;
}

/* @recurse1 is called from @recurse2 and the other way round, as long as there is stack. */
static NOINLINE int recurse2(int n);

static NOINLINE int recurse1(int n)
{
	volatile char room[64];
	room[n & 63] = (char)n;
	int result = recurse2(n + 1) + room[(n + 1) & 63]; /* @recurse1 */
	AFTERWARDS;
	return result;
}

static NOINLINE int recurse2(int n)
{
	volatile char room[64];
	room[n & 63] = (char)n;
	int result = recurse1(n + 2) - room[n & 31]; /* @recurse2, not the same as the other */
	AFTERWARDS;
	return result;
}

static NOINLINE void recurse(void)
{
	(void)recurse1(0); /* @recurse */
	AFTERWARDS;
}

static NOINLINE void handle(int number)
{
	(void)number;
	stop(); /* @handle */
	AFTERWARDS;
}

static NOINLINE void handled(void)
{
	(void)signal(SIGSEGV, handle);
	fall(); /* @handled */
	AFTERWARDS;
}

/* The handler has a stack of its own, which lies below or above: wherever malloc() put it. */
static NOINLINE void handled_elsewhere(void)
{
	stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};

	if (!stack.ss_sp || sigaltstack(&stack, NULL) < 0)
		_exit(99);
	(void)sigaction(SIGSEGV, &action, NULL);
	fall(); /* @handled_elsewhere */
	AFTERWARDS;
}

/* Returns to 0x4242…: what a function keeps on the stack is overwritten. */
static NOINLINE void smash(void)
{
	void **frame = __builtin_frame_address(0);
	for (int i = 0; i < 8; i++)
		((volatile unsigned long *)frame)[i] = 0x4242424242424242ul;
	AFTERWARDS;
}

/* Frame pointers that lead around: each frame's caller is said to be itself. */
static NOINLINE void circle(void)
{
	volatile unsigned long *frame = __builtin_frame_address(0);
	frame[0] = (unsigned long)frame;
	fall(); /* @circle */
	AFTERWARDS;
}

/* Frame pointers that lead through more frames than anybody wants: a chain of them above a thread's
 * stack, where mappings made before it lie. */
static NOINLINE void pile_up(void *memory)
{
	volatile unsigned long *own = __builtin_frame_address(0), *pile = memory;
	const char *middle_of_code = (const char *)fall + 4;
	for (size_t i = 0; i + 3 < PILE_BYTES / sizeof *pile; i += 2) {
		pile[i] = (unsigned long)&pile[i + 2];
		pile[i + 1] = (unsigned long)middle_of_code;
	}
	own[0] = (unsigned long)pile;
	fall(); /* @pile_up */
	AFTERWARDS;
}

static NOINLINE void *pile_in_thread(void *memory)
{
	pile_up(memory);
	AFTERWARDS;
	return memory;
}

static NOINLINE void pile(void)
{
	void *memory =
		mmap(NULL, PILE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;

	if (memory == MAP_FAILED || pthread_create(&thread, NULL, pile_in_thread, memory))
		_exit(99);
	(void)pthread_join(thread, NULL);
}

static NOINLINE void load(void)
{
	void *plugin = dlopen(argument, RTLD_NOW);
	Fault start = plugin ? (Fault)dlsym(plugin, "plugin_start") : NULL;

	if (!start)
		_exit(99);
	start(); /* @load */
	AFTERWARDS;
}

/* A file that goes while it is used: the program itself, or a library. */
static NOINLINE void forget(void)
{
	if (unlink(argument) < 0)
		_exit(99);
	fall(); /* @forget */
	AFTERWARDS;
}

static NOINLINE void fork_and_fall(void)
{
	if (vfork() == 0) /* @parent */
		fall();	  /* @child */
	AFTERWARDS;
}

static pthread_barrier_t barrier;

static NOINLINE void *wait_in_thread(void *unused)
{
	(void)pthread_barrier_wait(&barrier);
	for (;;)
		(void)pause(); /* @wait_in_thread */
	return unused;
}

static NOINLINE void *fall_in_thread(void *unused)
{
	(void)pthread_barrier_wait(&barrier);
	fall(); /* @fall_in_thread */
	AFTERWARDS;
	return unused;
}

/* As many threads as the argument says, the main one among them; the last one falls. */
static NOINLINE void in_threads(void)
{
	pthread_t thread;
	int n = atoi(argument);

	(void)pthread_barrier_init(&barrier, NULL, (unsigned)n);
	for (int i = 1; i < n; i++)
		if (pthread_create(
			    &thread, NULL, i + 1 < n ? wait_in_thread : fall_in_thread, NULL))
			_exit(99);
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_join(thread, NULL); /* @in_threads */
	AFTERWARDS;
}

static const struct {
	const char *name;
	Fault fault;
} ways[] = {{"segv", fall}, {"abort", stop}, {"assert", check}, {"fpe", divide}, {"null", jump},
	{"wild", jump_far}, {"stack", recurse}, {"handler", handled},
	{"altstack", handled_elsewhere}, {"smash", smash}, {"circle", circle}, {"pile", pile},
	{"plugin", load}, {"delete", forget}, {"vfork", fork_and_fall}, {"threads", in_threads}};

__attribute__((always_inline)) static inline void inlined(Fault fault)
{
	fault(); /* @inlined */
	AFTERWARDS;
}

static NOINLINE void middle(Fault fault)
{
	inlined(fault); /* @middle */
	AFTERWARDS;
}

static NOINLINE void outer(Fault fault)
{
	middle(fault); /* @outer */
	AFTERWARDS;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(ways[i].name, argv[1]) == 0) {
			argument = argc > 2 ? argv[2] : "";
			outer(ways[i].fault); /* @main */
		}
	return 99;
}
