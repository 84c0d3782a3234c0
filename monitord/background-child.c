/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fork(2) and exec(2); between them only what signal-safety(7) allows: other threads of ours may
 * hold locks. posix_spawn(3) cannot set what makes it a background process. */
#include "monitord/background-child.h"

#include "common/cleanup.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ioprio_set(2), which has no wrapper: IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0) of this process. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE	   (3 << 13)

struct BackgroundChild {
	pid_t pid; /* 0: none; also its process group */
	int said_fd;
	bool late;
	sd_event_source *exit_source, *timer;
	void (*ended)(const BackgroundResult *result, void *userdata);
	void *userdata;
};

typedef struct Start {
	const BackgroundRun *run;
	int nothing, said;
	pid_t parent;
} Start;

/* The daemon's unit bounds its own data (LimitDATA=, soft); debug information of a browser is
 * larger, and has bounds of its own. */
static void lift_data_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_DATA, &limit);
	}
}

static void step_back(void)
{
	static const struct sched_param none = {};
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1000", 4);
	(void)safe_close(fd);
	(void)setpriority(PRIO_PROCESS, 0, 19);
	/* Not SCHED_IDLE: on a busy machine it gets nothing at all, and its time runs out. */
	(void)sched_setscheduler(0, SCHED_BATCH, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

_Noreturn static void become(const Start *start)
{
	sigset_t none;

	(void)setpgid(0, 0);
	/* Ended before this line: nobody would tell it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != start->parent)
		_exit(127);
	step_back();
	lift_data_limit();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(start->nothing, STDIN_FILENO) >= 0 && dup2(start->nothing, STDOUT_FILENO) >= 0 &&
		dup2(start->said, STDERR_FILENO) >= 0)
		(void)execve(start->run->path, start->run->argv, start->run->environment);
	_exit(127);
}

static void kill_group(const BackgroundChild *child)
{
	(void)kill(-child->pid, SIGKILL);
	/* It may not have made its group yet. */
	(void)kill(child->pid, SIGKILL);
}

static void let_go(BackgroundChild *child)
{
	child->exit_source = sd_event_source_disable_unref(child->exit_source);
	child->timer = sd_event_source_disable_unref(child->timer);
	child->said_fd = safe_close(child->said_fd);
	child->pid = 0;
}

static void read_said(BackgroundChild *child, BackgroundResult *result)
{
	ssize_t n = read(child->said_fd, result->said, sizeof result->said - 1);

	result->said[n > 0 ? n : 0] = '\0';
}

/* Its pid is reaped when this returns: until then the group's number is its own. */
static int on_exit_of_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	BackgroundChild *child = userdata;
	BackgroundResult result = {.status = info->si_status};

	(void)source;
	result.end = child->late		   ? BACKGROUND_LATE
		     : info->si_code == CLD_EXITED ? BACKGROUND_EXITED
						   : BACKGROUND_CRASHED;
	read_said(child, &result);
	kill_group(child); /* what it left behind */
	let_go(child);
	child->ended(&result, child->userdata);
	return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
	BackgroundChild *child = userdata;

	(void)source;
	(void)usec;
	child->late = true;
	kill_group(child); /* its end is told as any other */
	return 0;
}

static int start_child(BackgroundChild *child, const BackgroundRun *run)
{
	int ends[2];

	_cleanup_(closep) int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nothing < 0)
		return -errno;
	/* Whoever says more than a pipe holds is not held up by it. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	child->said_fd = ends[0];
	_cleanup_(closep) int said = ends[1];
	const Start start = {.run = run, .nothing = nothing, .said = said, .parent = getpid()};
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(&start);
	child->pid = pid;
	return 0;
}

int background_child_start(sd_event *event, const BackgroundRun *run,
	void (*ended)(const BackgroundResult *result, void *userdata), void *userdata,
	BackgroundChild **ret)
{
	BackgroundChild *child = calloc(1, sizeof *child);
	int r;

	if (!child)
		return -ENOMEM;
	child->said_fd = -EBADF;
	child->ended = ended;
	child->userdata = userdata;
	r = start_child(child, run);
	if (r >= 0)
		r = sd_event_add_child(
			event, &child->exit_source, child->pid, WEXITED, on_exit_of_child, child);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &child->timer, CLOCK_MONOTONIC,
			run->limit_usec, USEC_PER_SEC, on_limit, child);
	if (r < 0) {
		(void)background_child_free(child);
		return r;
	}
	*ret = child;
	return 0;
}

BackgroundChild *background_child_free(BackgroundChild *child)
{
	if (!child)
		return NULL;
	if (child->pid > 0) {
		kill_group(child);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	let_go(child);
	free(child);
	return NULL;
}

pid_t background_child_pid(const BackgroundChild *child)
{
	return child ? child->pid : 0;
}
