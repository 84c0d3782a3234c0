/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crashes, in the way that is asked for: crash [BEFORE ...] WAY
 *
 * WAY      segv abort fpe ill bus trap   the fault itself, no signal sent from outside
 *          sigsys                        a seccomp filter that kills on getppid(2)
 *          stack                         recursion until the stack ends
 * BEFORE   what to be or do first; any number, in order:
 *          limit N      core limit of N bytes      nodump      PR_SET_DUMPABLE 0
 *          name TEXT    the thread's name          big MIB     so much memory, filled, not
 * compressible thread       crash in a second thread   threads N   N more threads that only wait
 *          times N      N children that crash one after the other, then end with 0
 *          wait         say "ready", then crash when SIGTERM or SIGHUP comes
 *          cd DIR       working directory          shout TEXT  TEXT on stderr, as a last word
 *
 * Its frames have names that tests look for: crash_outer, crash_inner. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024ul * 1024)

typedef struct Plan {
	const char *way;
	bool thread, wait;
	int threads, times;
} Plan;

static void crash_segv(void)
{
	volatile uintptr_t nowhere = 16; /* volatile: the compiler shall not see it coming */
	*(volatile int *)nowhere = 1;
}

static void crash_fpe(void)
{
	volatile int zero = 0, some = 42; /* 1 / x would not be divided */
	/* cppcheck-suppress zerodiv ; what this is for */
	volatile int result = some / zero; /* NOLINT */
	(void)result;
	(void)raise(SIGFPE); /* machines whose division does not trap */
}

static void crash_bus(void)
{
	FILE *empty = tmpfile();
	char *map = empty ? mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fileno(empty), 0) : MAP_FAILED;
	if (map != MAP_FAILED)
		(void)*(volatile char *)map;
}

static void crash_ill(void)
{
	__builtin_trap();
}

static void crash_trap(void)
{
	(void)raise(SIGTRAP);
}

static void crash_sigsys(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		(void)syscall(SYS_getppid);
}

static int stack_depth(volatile char *above)
{
	static volatile int endless = 1;
	volatile char here[1024];
	here[0] = above ? above[0] : 0;
	return endless ? stack_depth(here) + here[0] : 0;
}

static void crash_stack(void)
{
	(void)stack_depth(NULL);
}

static const struct {
	const char *name;
	void (*crash)(void);
} ways[] = {{"segv", crash_segv}, {"abort", abort}, {"fpe", crash_fpe}, {"bus", crash_bus},
	{"ill", crash_ill}, {"trap", crash_trap}, {"sigsys", crash_sigsys}, {"stack", crash_stack}};

static void (*find_way(const char *name))(void)
{
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (strcmp(ways[i].name, name) == 0)
			return ways[i].crash;
	return NULL;
}

__attribute__((noinline)) static int crash_inner(const Plan *plan)
{
	find_way(plan->way)();
	return 1; /* it did not crash */
}

__attribute__((noinline)) static int crash_outer(const Plan *plan)
{
	int r = crash_inner(plan);
	(void)fprintf(stderr, "crash: '%s' did not crash\n", plan->way);
	return r;
}

static void *thread_main(void *data)
{
	(void)crash_outer(data);
	exit(1);
}

static void *thread_wait(void *data)
{
	for (;;)
		(void)pause();
	return data;
}

/* Memory that a compressor cannot shrink, and that stays in the core. */
static void fill(size_t mib)
{
	uint64_t *memory =
		mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t x = 88172645463325252u;

	if (memory == MAP_FAILED)
		exit(1);
	for (size_t i = 0; i < mib * MIB / sizeof *memory; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memory[i] = x;
	}
}

static void wait_for_the_end(void)
{
	sigset_t set;
	int number;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)puts("ready");
	(void)fflush(stdout);
	(void)sigwait(&set, &number);
}

static int crash_now(Plan *plan)
{
	pthread_t thread;

	for (int i = 0; i < plan->threads; i++)
		if (pthread_create(&thread, NULL, thread_wait, NULL) != 0)
			return 1;
	if (plan->wait)
		wait_for_the_end();
	if (!plan->thread)
		return crash_outer(plan);
	if (pthread_create(&thread, NULL, thread_main, plan) != 0)
		return 1;
	(void)pthread_setname_np(thread, "worker");
	(void)pthread_join(thread, NULL);
	return 1;
}

static int crash_repeatedly(Plan *plan)
{
	for (int i = 0; i < plan->times; i++) {
		int status;
		pid_t child = fork();
		if (child == 0)
			_exit(crash_now(plan));
		if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFSIGNALED(status))
			return 1;
	}
	return 0;
}

static int limit_core(const char *bytes)
{
	rlim_t limit = strtoul(bytes, NULL, 10);
	struct rlimit old;

	if (getrlimit(RLIMIT_CORE, &old) < 0)
		return -1;
	const struct rlimit wanted = {.rlim_cur = limit, .rlim_max = old.rlim_max};
	return setrlimit(RLIMIT_CORE, &wanted);
}

/* One word and its argument; how many arguments it took, -1: no such word or it failed. */
static int prepare(Plan *plan, const char *word, const char *arg)
{
	if (strcmp(word, "thread") == 0)
		plan->thread = true;
	else if (strcmp(word, "wait") == 0)
		plan->wait = true;
	else if (strcmp(word, "nodump") == 0)
		return prctl(PR_SET_DUMPABLE, 0) < 0 ? -1 : 0;
	else if (!arg)
		return -1;
	else if (strcmp(word, "threads") == 0)
		return plan->threads = atoi(arg), 1;
	else if (strcmp(word, "times") == 0)
		return plan->times = atoi(arg), 1;
	else if (strcmp(word, "name") == 0)
		return prctl(PR_SET_NAME, arg) < 0 ? -1 : 1;
	else if (strcmp(word, "limit") == 0)
		return limit_core(arg) < 0 ? -1 : 1;
	else if (strcmp(word, "big") == 0)
		return fill(strtoul(arg, NULL, 10)), 1;
	else if (strcmp(word, "cd") == 0)
		return chdir(arg) < 0 ? -1 : 1;
	else if (strcmp(word, "shout") == 0)
		return fprintf(stderr, "%s\n", arg) < 0 ? -1 : 1;
	else
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	Plan plan = {};
	int i = 1;

	while (i < argc - 1) {
		int taken = prepare(&plan, argv[i], i + 1 < argc - 1 ? argv[i + 1] : NULL);
		if (taken < 0) {
			(void)fprintf(stderr, "crash: cannot do '%s'\n", argv[i]);
			return 2;
		}
		i += 1 + taken;
	}
	plan.way = i < argc ? argv[i] : "";
	if (!find_way(plan.way)) {
		(void)fprintf(stderr,
			"usage: crash [BEFORE ...] segv|abort|fpe|ill|bus|trap|sigsys|stack\n");
		return 2;
	}
	return plan.times > 0 ? crash_repeatedly(&plan) : crash_now(&plan);
}
