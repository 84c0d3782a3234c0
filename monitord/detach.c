/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fork(2), twice, and exec(2). Between them only what signal-safety(7) allows: other threads of
 * ours may hold locks. */
#include "monitord/detach.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "common/words.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

extern char **environ;

static char *find_in(const char *folder, size_t length, const char *name)
{
	char path[PATH_MAX];

	if (length == 0 || folder[0] != '/' ||
		(size_t)snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, name) >=
			sizeof path)
		return NULL;
	return access(path, X_OK) == 0 ? strdup(path) : NULL;
}

/* Links stay as they are: many a program goes by the name that it is called by. */
static char *made_absolute(const char *path)
{
	char folder[PATH_MAX], *joined;

	if (path[0] == '/')
		return strdup(path);
	if (!getcwd(folder, sizeof folder) || asprintf(&joined, "%s/%s", folder, path) < 0)
		return NULL;
	return joined;
}

char *detach_find_program(const char *name, const char *search_path)
{
	const char *at = search_path ? search_path : getenv("PATH");
	char own[PATH_MAX], *path = NULL;

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? made_absolute(name) : NULL;
	if (!at)
		at = "/usr/local/bin:/usr/bin:/bin";
	while (*at && !path) {
		size_t length = strcspn(at, ":");
		path = find_in(at, MIN_OF(length, (size_t)PATH_MAX), name);
		at += length + (at[length] == ':');
	}
	if (path)
		return path;
	ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
	while (n > 0 && own[n - 1] != '/')
		n--;
	return n > 1 ? find_in(own, (size_t)n - 1, name) : NULL;
}

/* ---- environment ---------------------------------------------------------------------------- */

static bool is_ours_alone(const char *variable)
{
	static const char *const names[] = {"LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES=",
		"NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "JOURNAL_STREAM=",
		"INVOCATION_ID=", "MANAGERPID=", "SYSTEMD_EXEC_PID="};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (startswith(variable, names[i]))
			return true;
	return false;
}

static bool is_added(const char *variable, const char *const *added)
{
	size_t length = strcspn(variable, "=") + 1;

	for (size_t i = 0; added && added[i]; i++)
		if (strncmp(variable, added[i], length) == 0)
			return true;
	return false;
}

char **detach_environment(const char *const *added)
{
	size_t n_own = words_count((const char *const *)environ), n_added = words_count(added);
	const char **all = calloc(n_own + n_added + 1, sizeof *all);
	size_t n = 0;

	if (!all)
		return NULL;
	for (size_t i = 0; i < n_own; i++)
		if (!is_ours_alone(environ[i]) && !is_added(environ[i], added))
			all[n++] = environ[i];
	for (size_t i = 0; i < n_added; i++)
		all[n++] = added[i];
	char **copy = words_copy(all);
	free(all);
	return copy;
}

/* ---- running --------------------------------------------------------------------------------- */

int detach_text_fd(const char *text)
{
	_cleanup_(closep) int fd = memfd_create("vigil-input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 ||
		lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return TAKE_FD(fd);
}

typedef struct Start {
	const char *path;
	char *const *argv;
	char *const *environment;
	int input, failed; /* failed: a pipe that takes the errno of exec and is closed by it */
} Start;

_Noreturn static void become(const Start *start)
{
	sigset_t none;
	int saved;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(start->input, STDIN_FILENO) >= 0)
		(void)execve(start->path, start->argv, start->environment);
	saved = errno;
	(void)!write(start->failed, &saved, sizeof saved);
	_exit(127);
}

/* The grandchild belongs to nobody, so nobody has to wait for it. 0 or -errno of fork. */
static int fork_twice(const Start *start)
{
	int status;

	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		(void)setsid();
		pid_t grandchild = fork();
		if (grandchild == 0)
			become(start);
		_exit(grandchild < 0 ? errno : 0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int detach_run(const char *path, char *const *argv, char *const *environment, int input_fd)
{
	int ends[2], failed = 0, r;

	_cleanup_(closep) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	_cleanup_(closep) int from = ends[0];
	Start start = {.path = path,
		.argv = argv,
		.environment = environment,
		.input = input_fd < 0 ? nothing : input_fd,
		.failed = ends[1]};
	r = fork_twice(&start);
	(void)close(ends[1]);
	if (r < 0)
		return r;
	ssize_t n;
	do
		n = read(from, &failed, sizeof failed);
	while (n < 0 && errno == EINTR);
	return n == sizeof failed ? -failed : 0;
}
