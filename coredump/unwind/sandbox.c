/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns one lock after the other; each that the kernel has must hold. */
#include "coredump/unwind/sandbox.h"

#include "coredump/unwind/sandbox-locks.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#define IOPRIO_IDLE                                                                                \
	((3 << 13) | 7) /* IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 7); no header has it               \
			 */
#define IOPRIO_WHO_SELF 1
#define OPEN_FILES	4096

#if SANDBOX_SANITIZED
/* The leak checker would want threads, ptrace(2) and /proc; the symbolizer a program. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0";
}
#endif

static int limit(int resource, uint64_t value, uint64_t hard)
{
	struct rlimit old;

	if (getrlimit(resource, &old) < 0)
		return -errno;
	const struct rlimit wanted = {.rlim_cur = MIN_OF((rlim_t)value, old.rlim_max),
		.rlim_max = MIN_OF((rlim_t)hard, old.rlim_max)};
	return setrlimit(resource, &wanted) < 0 ? -errno : 0;
}

static int limit_resources(const SandboxRequest *request)
{
	int r;

	/* 1: neither a file nor a pipe gets one (core(5)); a crash on this core must not become one
	 * more crash to look at. */
	r = limit(RLIMIT_CORE, 1, 1);
	if (r >= 0 && !SANDBOX_SANITIZED)
		r = limit(RLIMIT_AS, request->memory_bytes, request->memory_bytes);
	if (r >= 0)
		r = limit(RLIMIT_CPU, request->cpu_seconds, request->cpu_seconds + 1);
	if (r >= 0)
		r = limit(RLIMIT_FSIZE, request->file_bytes, request->file_bytes);
	if (r >= 0)
		r = limit(RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES);
	return r < 0 ? r : limit(RLIMIT_NPROC, 0, 0);
}

/* A signal that cannot be caught, whatever the process has become. */
static int set_deadline(unsigned seconds)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	const struct itimerspec when = {.it_value.tv_sec = (time_t)seconds};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
		timer_settime(timer, 0, &when, NULL) < 0)
		return -errno;
	return 0;
}

/* A matter of manners, not of safety. */
static void step_back(void)
{
	const struct sched_param param = {};

	(void)setpriority(PRIO_PROCESS, 0, 19);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_SELF, 0, IOPRIO_IDLE);
	(void)sched_setscheduler(0, SCHED_BATCH, &param);
}

static int close_between(unsigned first, unsigned last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return 0;
	if (errno != ENOSYS) /* Linux 5.9 */
		return -errno;
	for (unsigned fd = first; fd <= MIN_OF(last, 65536U); fd++)
		(void)safe_close((int)fd);
	return 0;
}

/* From the lowest that stays to the next. */
static int close_others(const int *fds, size_t n_fds)
{
	unsigned first = 3;
	int r;

	for (;;) {
		unsigned next = UINT32_MAX;
		for (size_t i = 0; i < n_fds; i++)
			if (fds[i] >= 0 && (unsigned)fds[i] >= first)
				next = MIN_OF(next, (unsigned)fds[i]);
		r = close_between(first, next - 1);
		if (r < 0 || next == UINT32_MAX)
			return r;
		first = next + 1;
	}
}

int sandbox_enter(const SandboxRequest *request, SandboxState *ret)
{
	int landlock, r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, SANDBOX_SANITIZED, 0, 0, 0) < 0)
		return -errno;
	if (request->background)
		step_back();
	r = close_others(request->fds, request->n_fds);
	if (r >= 0)
		r = set_deadline(request->wall_seconds);
	if (r < 0)
		return r;
	landlock = sandbox_lock_files(request->files, request->n_files);
	r = landlock < 0 ? landlock : limit_resources(request);
	if (r >= 0)
		r = sandbox_lock_calls(request);
	if (r < 0)
		return r;
	*ret = (SandboxState){.seccomp = true, .landlock = landlock};
	return 0;
}
