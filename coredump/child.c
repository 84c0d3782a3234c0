/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fork(2), exec(2), and one poll(2) over all that may come: its output, its end, a signal, the
 * deadline. Between fork and exec only what signal-safety(7) allows. */
#include "coredump/child.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/strbuf.h"
#include <assert.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/ioprio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ERRORS_MAX ((uint64_t)1024 * 1024) /* bytes of stderr that are listened to */
#define CHUNK	   ((size_t)64 * 1024)

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

typedef struct Child {
	const ChildRequest *request;
	pid_t pid, parent;
	int pidfd, signals;
	bool masked;			      /* .old is to be restored */
	int output[2], errors[2], failure[2]; /* pipes: reading end, writing end */
	sigset_t watched, old;		      /* signals */
	StrBuf said;
	char line[CHILD_LINE_MAX], last[CHILD_LINE_MAX];
	size_t line_length;
	uint64_t error_bytes;
	int status; /* of waitpid */
} Child;

static void close_pipe(int ends[2])
{
	ends[0] = safe_close(ends[0]);
	ends[1] = safe_close(ends[1]);
}

/* ---- the child's side ------------------------------------------------------------------------ */

static void lower_priority(void)
{
	(void)setpriority(PRIO_PROCESS, 0, 19);
	(void)syscall(
		SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static int take_fds(const Child *child, int null)
{
	const ChildRequest *request = child->request;

	/* Linux 5.11; before, O_CLOEXEC on everything of ours has to do. */
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < request->n_fds; i++)
		if (fcntl(request->fds[i], F_SETFD, 0) < 0)
			return -errno;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(child->output[1], STDOUT_FILENO) < 0 ||
		dup2(child->errors[1], STDERR_FILENO) < 0)
		return -errno;
	return 0;
}

/* Handlers are gone with exec(2), what is ignored is not: it is what its user wants of it. */
static void become(const Child *child, int null)
{
	const ChildRequest *request = child->request;
	int r;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != child->parent) /* it died before that */
		_exit(EXIT_FAILURE);
	if (request->background)
		lower_priority();
	r = take_fds(child, null);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &child->old, NULL);
	if (r == 0) {
		(void)execve(request->path, (char *const *)request->argv,
			request->environment ? (char *const *)request->environment : environ);
		r = -errno;
	}
	(void)!write(child->failure[1], &r, sizeof r);
	_exit(EXIT_FAILURE);
}

/* ---- ours ------------------------------------------------------------------------------------ */

static int open_pipes(Child *child)
{
	if (pipe2(child->output, O_CLOEXEC) < 0 || pipe2(child->errors, O_CLOEXEC) < 0 ||
		pipe2(child->failure, O_CLOEXEC) < 0 ||
		fcntl(child->output[0], F_SETFL, O_NONBLOCK) < 0 ||
		fcntl(child->errors[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* dup2(2) would close what stands in the place of the first three. */
static int check_fds(const ChildRequest *request, int null)
{
	for (size_t i = 0; i < request->n_fds; i++)
		if (request->fds[i] <= STDERR_FILENO)
			return -EBADF;
	return null > STDERR_FILENO ? 0 : -EBADF;
}

/* A blocked signal is queued even where it is ignored: those are let be. */
static int watch_signals(Child *child)
{
	struct sigaction action;

	(void)sigemptyset(&child->watched);
	for (size_t i = 0; i < ELEMENTSOF(ending_signals); i++)
		if (sigaction(ending_signals[i], NULL, &action) == 0 &&
			action.sa_handler != SIG_IGN)
			(void)sigaddset(&child->watched, ending_signals[i]);
	child->masked = sigprocmask(SIG_BLOCK, &child->watched, &child->old) == 0;
	child->signals = signalfd(-1, &child->watched, SFD_CLOEXEC | SFD_NONBLOCK);
	return child->signals < 0 ? -errno : 0;
}

/* exec(2) closes the pipe, or its error is in it. */
static int await_start(Child *child)
{
	int error = 0;
	ssize_t n;

	child->failure[1] = safe_close(child->failure[1]);
	do
		n = read(child->failure[0], &error, sizeof error);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof error ? error : 0;
}

static int start(Child *child)
{
	_cleanup_(closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int r;

	if (null < 0)
		return -errno;
	r = check_fds(child->request, null);
	if (r >= 0)
		r = open_pipes(child);
	if (r >= 0)
		r = watch_signals(child);
	if (r < 0)
		return r;
	child->parent = getpid();
	child->pid = fork();
	if (child->pid < 0)
		return -errno;
	if (child->pid == 0)
		become(child, null);
	(void)setpgid(child->pid, child->pid); /* whichever of the two is first */
	child->output[1] = safe_close(child->output[1]);
	child->errors[1] = safe_close(child->errors[1]);
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return child->pidfd < 0 ? -errno : await_start(child);
}

/* Whoever is in its group goes with it; a process that is waited for cannot have passed its number
 * on. */
static void stop(Child *child)
{
	struct pollfd end = {.fd = child->pidfd, .events = POLLIN};

	if (child->pid <= 0)
		return;
	if (child->request->grace_usec && child->pidfd >= 0 && poll(&end, 1, 0) == 0) {
		(void)kill(child->pid, SIGTERM);
		(void)poll(&end, 1, (int)(child->request->grace_usec / USEC_PER_MSEC));
	}
	(void)kill(-child->pid, SIGKILL);
	(void)kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
}

static int end_line(Child *child)
{
	int r = 0;

	child->line[child->line_length] = '\0';
	if (child->line_length && child->request->line)
		r = child->request->line(child->line, child->request->userdata);
	if (child->line_length && r == 0)
		memcpy(child->last, child->line, child->line_length + 1);
	child->line_length = 0;
	return r < 0 ? r : 0;
}

static int take_errors(Child *child, const char *data, size_t n)
{
	int r = 0;

	child->error_bytes += n;
	if (child->error_bytes > ERRORS_MAX)
		return -EFBIG;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (data[i] == '\n')
			r = end_line(child);
		else if (child->line_length < sizeof child->line - 1)
			child->line[child->line_length++] = data[i];
	}
	return r;
}

static int take_output(Child *child, const char *data, size_t n)
{
	if (n > child->request->max_output - child->said.length)
		return -EFBIG;
	strbuf_add_n(&child->said, data, n);
	return child->said.failed ? -ENOMEM : 0;
}

/* What there is, and no more: 1 more may come, 0 the end. */
static int drain(Child *child, int *fd, int (*take)(Child *, const char *, size_t))
{
	_cleanup_(freep) char *data = malloc(CHUNK);
	int r;

	while (data && *fd >= 0) {
		ssize_t n = read(*fd, data, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 1;
		if (n <= 0) {
			*fd = safe_close(*fd);
			return n < 0 ? -errno : 0;
		}
		r = take(child, data, (size_t)n);
		if (r < 0)
			return r;
	}
	return data ? 0 : -ENOMEM;
}

/* The signal waits for its mask to be lifted, unless it is taken here. */
static int on_signal(Child *child)
{
	struct signalfd_siginfo info;
	sigset_t pending;

	if (child->request->takes_interrupt && sigpending(&pending) == 0 &&
		sigismember(&pending, SIGINT) == 1 && sigismember(&pending, SIGTERM) == 0 &&
		sigismember(&pending, SIGHUP) == 0)
		(void)!read(child->signals, &info, sizeof info);
	return -EINTR;
}

/* One round: 1 it runs, 0 it has ended. */
static int turn(Child *child, usec_t left_usec)
{
	struct pollfd fds[] = {{.fd = child->output[0], .events = POLLIN},
		{.fd = child->errors[0], .events = POLLIN}, {.fd = child->pidfd, .events = POLLIN},
		{.fd = child->signals, .events = POLLIN}};
	int timeout = (int)MIN_OF(left_usec / USEC_PER_MSEC + 1, (usec_t)INT32_MAX);
	int r;

	if (poll(fds, ELEMENTSOF(fds), timeout) < 0)
		return errno == EINTR ? 1 : -errno;
	if (fds[3].revents)
		return on_signal(child);
	/* Its end is noted before its output is read, so that this is all of it. */
	r = drain(child, &child->output[0], take_output);
	if (r >= 0)
		r = drain(child, &child->errors[0], take_errors);
	return r < 0 ? r : !fds[2].revents;
}

static int attend(Child *child)
{
	usec_t deadline = now_usec(CLOCK_MONOTONIC) + child->request->timeout_usec;
	int r = 1;

	while (r > 0) {
		usec_t now = now_usec(CLOCK_MONOTONIC);
		r = now >= deadline ? -ETIMEDOUT : turn(child, deadline - now);
	}
	return r < 0 ? r : end_line(child);
}

static void finish(Child *child)
{
	stop(child);
	close_pipe(child->output);
	close_pipe(child->errors);
	close_pipe(child->failure);
	child->pidfd = safe_close(child->pidfd);
	child->signals = safe_close(child->signals);
	if (child->masked) /* what waits is delivered now */
		(void)sigprocmask(SIG_SETMASK, &child->old, NULL);
}

void child_result_done(ChildResult *result)
{
	free(result->output);
	*result = (ChildResult){};
}

static int give(Child *child, ChildResult *ret)
{
	size_t length = child->said.length;
	char *output = child->said.data ? strbuf_take(&child->said) : strdup("");

	if (!output)
		return -ENOMEM;
	*ret = (ChildResult){.output = output,
		.length = length,
		.status = WIFEXITED(child->status) ? WEXITSTATUS(child->status) : -1,
		.signal = WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0};
	memcpy(ret->error, child->last, sizeof ret->error);
	return 0;
}

int child_run(const ChildRequest *request, ChildResult *ret)
{
	Child child = {.request = request,
		.pidfd = -EBADF,
		.signals = -EBADF,
		.output = {-EBADF, -EBADF},
		.errors = {-EBADF, -EBADF},
		.failure = {-EBADF, -EBADF}};
	int r;

	assert(request->n_fds <= CHILD_FDS_MAX);
	r = start(&child);
	if (r >= 0)
		r = attend(&child);
	finish(&child);
	if (r >= 0)
		r = give(&child, ret);
	strbuf_done(&child.said);
	return r;
}
