/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Enters vigil-unwind's sandbox, then tries what must not be possible in it.
 *
 * usage: sandbox-probe [--may-read FILE]... [--keep FD]... [--image FD] WHAT [ARGUMENT]
 *
 * Says "in" once it is inside. Then the kernel ends it (SIGSYS), or it says "refused: ERROR" or
 * "done". WHAT, one of the rows below; ARGUMENT is a file, a program, or an fd. */
#include "coredump/unwind/sandbox.h"

#include "common/text.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#define MEMORY_BYTES ((size_t)256 * 1024 * 1024)
#define FILE_BYTES   ((size_t)1024 * 1024)
#define MAX_FILES    8

/* Each gives a negative number with errno for "refused". */
static long try_read(const char *file)
{
	char byte;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fd : read(fd, &byte, 1);
}

static long try_write(const char *file)
{
	return open(file, O_WRONLY | O_CLOEXEC);
}

static long try_create(const char *file)
{
	return open(file, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_truncate(const char *file)
{
	return open(file, O_RDONLY | O_TRUNC | O_CLOEXEC);
}

static long try_unlink(const char *file)
{
	return unlink(file);
}

static long try_exec(const char *program)
{
	return execl(program, program, (char *)NULL);
}

static long try_fork(const char *argument)
{
	(void)argument;
	return fork();
}

static long try_tcp(const char *argument)
{
	(void)argument;
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_unix(const char *argument)
{
	(void)argument;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_kill(const char *argument)
{
	(void)argument;
	return kill(getppid(), SIGCONT);
}

static long try_ptrace(const char *argument)
{
	(void)argument;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_code(const char *argument)
{
	void *p;

	(void)argument;
	p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : 0;
}

static long try_make_code(const char *argument)
{
	(void)argument;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long try_memory(const char *argument)
{
	(void)argument;
	void *p = mmap(NULL, 2 * MEMORY_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : 0;
}

static long try_fd(const char *fd)
{
	return fcntl(atoi(fd), F_GETFD);
}

static long try_pwrite(const char *fd)
{
	return pwrite(atoi(fd), "x", 1, 0);
}

static long try_grow(const char *fd)
{
	return pwrite(atoi(fd), "x", 1, (off_t)FILE_BYTES);
}

static long try_spin(const char *argument)
{
	for (volatile unsigned i = 0;; i++)
		if (argument && i == UINT32_MAX)
			return 0;
}

/* Waits for good, without using any CPU. */
static long try_hang(const char *fd)
{
	char byte;

	return read(atoi(fd), &byte, 1);
}

/* clang-format off */
static const struct {
	const char *name;
	long (*attempt)(const char *argument);
} attempts[] = {
	{"read", try_read}, {"write", try_write}, {"create", try_create}, {"truncate", try_truncate},
	{"unlink", try_unlink}, {"exec", try_exec}, {"fork", try_fork}, {"tcp", try_tcp},
	{"unix", try_unix}, {"kill", try_kill}, {"ptrace", try_ptrace}, {"code", try_code},
	{"make-code", try_make_code}, {"memory", try_memory}, {"fd", try_fd}, {"pwrite", try_pwrite}, {"grow", try_grow},
	{"spin", try_spin}, {"hang", try_hang},
};
/* clang-format on */

static int say(const char *text)
{
	return printf("%s\n", text) < 0 || fflush(stdout) == EOF;
}

static int attempt(const char *what, const char *argument)
{
	for (size_t i = 0; i < ELEMENTSOF(attempts); i++) {
		if (!streq(attempts[i].name, what))
			continue;
		if (attempts[i].attempt(argument) >= 0)
			return say("done");
		return printf("refused: %s\n", strerrorname_np(errno)) < 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	const char *files[MAX_FILES];
	int fds[MAX_FILES], at = 1;
	SandboxRequest request = {.fds = fds,
		.memory_bytes = MEMORY_BYTES,
		.file_bytes = FILE_BYTES,
		.cpu_seconds = 1,
		.wall_seconds = 60};
	SandboxState state;

	for (; at + 2 < argc && request.n_files < MAX_FILES && request.n_fds < MAX_FILES; at += 2) {
		if (streq(argv[at], "--may-read"))
			files[request.n_files++] = argv[at + 1];
		else if (streq(argv[at], "--keep") || streq(argv[at], "--image"))
			fds[request.n_fds++] = atoi(argv[at + 1]);
		else
			break;
		request.writes |= streq(argv[at], "--image");
	}
	if (request.n_files)
		request.files = files;
	if (at < argc && streq(argv[at], "hang"))
		request.wall_seconds = 1;
	if (at >= argc || sandbox_enter(&request, &state) < 0)
		return 2;
	if (printf("in: seccomp %d, landlock %d\n", state.seccomp, state.landlock) < 0 ||
		fflush(stdout) == EOF)
		return 2;
	return attempt(argv[at], argv[at + 1]);
}
