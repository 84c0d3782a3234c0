/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system calls that are left. Whoever adds one says who needs it. */
#include "coredump/unwind/sandbox-locks.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>

/* clang-format off */
static const int calls_allowed[] = {
	/* the core, debug files and stdout */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(fstat64),
	/* memory; without PROT_EXEC, see below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* locks of libraries; time; the seeds of hash tables and of malloc() */
	SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
	/* abort() of an assertion, and the end */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* fstat(2) is one of these in newer C libraries. Of other files they tell no content. */
static const int calls_of_stat[] = {SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(statx)};

static const int calls_of_image[] = {SCMP_SYS(pwrite64), SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64)};

/* Asked in passing, by stdio whether stdout is a terminal, by libraries what there is and (malloc() may)
 * whether memory can be named: told no. */
static const int calls_refused[] = {SCMP_SYS(ioctl), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(sysinfo),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(prctl)};

static const int calls_of_sanitizers[] = {SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield)};
/* clang-format on */

static int allow_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = seccomp_rule_add(filter, action, calls[i], 0);
	return r;
}

/* Memory that can be executed is never made: no library is loaded any more. */
static int allow_memory(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(calls) && r >= 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return r;
}

/* For reading what Landlock lets through, without making or emptying anything. open(2) itself has
 * its flags elsewhere and no C library calls it. */
static int allow_open(scmp_filter_ctx filter)
{
	const unsigned writing = O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE | O_APPEND;

	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, writing & ~(unsigned)O_DIRECTORY, 0));
}

/* fcntl(2) to look, and signals to this process alone. */
static int allow_own(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)};
	static const int looks[] = {F_GETFL, F_GETFD, F_SETFD};
	int r;

	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	for (size_t i = 0; i < ELEMENTSOF(calls); i++)
		for (size_t j = 0; j < ELEMENTSOF(looks) && r >= 0; j++)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
				SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)looks[j]));
	return r;
}

static int fill(scmp_filter_ctx filter, const SandboxRequest *request)
{
	int r;

	r = allow_all(filter, SCMP_ACT_ALLOW, calls_allowed, ELEMENTSOF(calls_allowed));
	if (r >= 0)
		r = allow_all(filter, SCMP_ACT_ALLOW, calls_of_stat, ELEMENTSOF(calls_of_stat));
	if (r >= 0 && request->writes)
		r = allow_all(filter, SCMP_ACT_ALLOW, calls_of_image, ELEMENTSOF(calls_of_image));
	if (r >= 0)
		r = allow_all(
			filter, SCMP_ACT_ERRNO(EACCES), calls_refused, ELEMENTSOF(calls_refused));
	if (r >= 0 && SANDBOX_SANITIZED)
		r = allow_all(filter, SCMP_ACT_ALLOW, calls_of_sanitizers,
			ELEMENTSOF(calls_of_sanitizers));
	if (r >= 0)
		r = allow_memory(filter);
	if (r >= 0)
		r = allow_own(filter);
	if (r >= 0 && request->files)
		r = allow_open(filter);
	return r;
}

int sandbox_lock_calls(const SandboxRequest *request)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = fill(filter, request);
	if (r >= 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
