/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What core_pattern runs while the system tests stand: hands a crash inside the tests' container to
 * that container's own systemd-coredump, as if its kernel had called it. The kernel starts a
 * core_pattern program in the first namespaces of the machine, so this one enters the container's
 * (pidfd, setns), turns the pids into those that are valid there and execs.
 *
 *   core_pattern: |DIRECTORY/NAME %P %c %d ARGS OF THE CONTAINER'S OWN PATTERN
 *   DIRECTORY/relay.conf: lines "key value":
 *       leader    the container's PID 1, as seen here
 *       pidns     inode of its pid namespace: the leader's pid may belong to another by now
 *       program   what to run in there
 *       letters   one letter for each of ARGS, the one behind % ("P", "u", …), or "-" for plain
 * text elsewhere core_pattern as it was before uses-pid  core_uses_pid as it was
 *
 * A crash outside the container gets what it would have had without us where that was a plain name
 * (no % and no pipe): a core file in its working directory, written as the crashed user. */
#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FIRST_ARG   4 /* ours, %P, %c, %d */
#define ARGS_MAX    16
#define LEVELS_MAX  32 /* pid namespaces nest this deep, pid_namespaces(7) */
#define CONF_BYTES  4096
#define CHUNK_BYTES 65536
#define CONTAINER_ALL                                                                              \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP)

typedef struct Relay {
	uint64_t leader, pidns;
	char program[PATH_MAX], letters[ARGS_MAX + 1], elsewhere[256];
	bool uses_pid;
} Relay;

typedef struct Crash {
	uint64_t pid, core_limit;
	bool dumpable;
} Crash;

static void relay_take_line(Relay *relay, const char *line)
{
	const char *rest;

	if ((rest = startswith(line, "leader ")))
		(void)parse_u64(rest, INT_MAX, &relay->leader);
	else if ((rest = startswith(line, "pidns ")))
		(void)parse_u64(rest, UINT64_MAX, &relay->pidns);
	else if ((rest = startswith(line, "program ")))
		(void)snprintf(relay->program, sizeof relay->program, "%s", rest);
	else if ((rest = startswith(line, "letters ")))
		(void)snprintf(relay->letters, sizeof relay->letters, "%s", rest);
	else if ((rest = startswith(line, "elsewhere ")))
		(void)snprintf(relay->elsewhere, sizeof relay->elsewhere, "%s", rest);
	else if ((rest = startswith(line, "uses-pid ")))
		(void)parse_boolean(rest, &relay->uses_pid);
}

/* relay.conf stands beside this program, in a directory that only root may write. */
static int relay_read(Relay *ret)
{
	_cleanup_(freep) char *text = NULL;
	char self[PATH_MAX], *save = NULL;

	*ret = (Relay){};
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		return -errno;
	self[n] = '\0';
	_cleanup_(closep) int dir = open(dirname(self), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	n = read_file_at(dir, "relay.conf", CONF_BYTES, &text);
	if (n < 0)
		return (int)n;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		relay_take_line(ret, line);
	return 0;
}

/* How many pid namespaces lie between this process's own and `inode`; -ESRCH: it is not inside. */
static int levels_below(uint64_t pid, uint64_t inode)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof path, "/proc/%llu/ns/pid", (unsigned long long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int level = 0; fd >= 0 && level < LEVELS_MAX; level++) {
		if (fstat(fd, &st) == 0 && st.st_ino == inode) {
			safe_close(fd);
			return level;
		}
		int parent = ioctl(fd, NS_GET_PARENT);
		safe_close(fd);
		fd = parent;
	}
	safe_close(fd);
	return -ESRCH;
}

/* The id of a process or thread as it is `levels` namespaces above its own, from the line NSpid of
 * its status: one number a namespace, the outermost first. 0: unknown. */
static uint64_t id_inside(const char *status_path, int levels)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t ids[LEVELS_MAX + 1];
	int n = 0;

	if (read_file_at(AT_FDCWD, status_path, CHUNK_BYTES, &text) < 0)
		return 0;
	const char *p = strstr(text, "\nNSpid:");
	p = p ? p + strlen("\nNSpid:") : "";
	while (*p == '\t' && n <= LEVELS_MAX && parse_u64_prefix(p + 1, &p, &ids[n]) == 0)
		n++;
	return levels < n ? ids[n - 1 - levels] : 0;
}

/* %P %p: the process, %I %i: the thread; both as the container counts. */
static void translate(char *arg, size_t size, char letter, const Crash *crash, int levels)
{
	char path[96];
	uint64_t thread;

	if (letter == 'P' || letter == 'p')
		(void)snprintf(
			path, sizeof path, "/proc/%llu/status", (unsigned long long)crash->pid);
	else if (letter == 'I' && parse_u64(arg, INT_MAX, &thread) == 0)
		(void)snprintf(path, sizeof path, "/proc/%llu/task/%llu/status",
			(unsigned long long)crash->pid, (unsigned long long)thread);
	else /* %i counts as the thread itself does, which is right but in nested containers */
		return;
	(void)snprintf(arg, size, "%llu", (unsigned long long)id_inside(path, levels));
}

static int run_inside(const Relay *relay, char **argv)
{
	int status;

	_cleanup_(closep) int leader = (int)syscall(SYS_pidfd_open, (pid_t)relay->leader, 0);
	if (leader < 0 || levels_below(relay->leader, relay->pidns) != 0)
		return 1; /* the container is gone */
	if (setns(leader, CONTAINER_ALL) < 0)
		return 1;
	pid_t child = fork(); /* a pid namespace takes effect for children */
	if (child == 0) {
		(void)execv(relay->program, argv);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int relay_crash(Relay *relay, const Crash *crash, int levels, int argc, char **argv)
{
	static char texts[ARGS_MAX][256];
	char *out[ARGS_MAX + 2] = {relay->program};
	int n = 0;

	for (; n < argc && n < ARGS_MAX && relay->letters[n]; n++) {
		(void)snprintf(texts[n], sizeof texts[n], "%s", argv[n]);
		translate(texts[n], sizeof texts[n], relay->letters[n], crash, levels);
		out[n + 1] = texts[n];
	}
	return run_inside(relay, out);
}

/* Whose core it is: the real ids, as /proc has them. */
static int become_owner(uint64_t pid)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof path, "/proc/%llu", (unsigned long long)pid);
	if (stat(path, &st) < 0 || setgroups(0, NULL) < 0 || setegid(st.st_gid) < 0 ||
		seteuid(st.st_uid) < 0)
		return -errno;
	return 0;
}

static int copy_core(int to, uint64_t limit)
{
	char buf[CHUNK_BYTES];
	int r;

	while (limit > 0) {
		ssize_t n =
			read(STDIN_FILENO, buf, limit < sizeof buf ? (size_t)limit : sizeof buf);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = write_all(to, buf, (size_t)n);
		if (r < 0)
			return r;
		limit -= (uint64_t)n;
	}
	return 0;
}

static int plain_core(const Relay *relay, const Crash *crash)
{
	char path[64], name[300];
	struct stat st;

	if (!crash->dumpable || crash->core_limit == 0 || !relay->elsewhere[0] ||
		strpbrk(relay->elsewhere, "%|@"))
		return 0;
	(void)snprintf(path, sizeof path, "/proc/%llu/cwd", (unsigned long long)crash->pid);
	(void)snprintf(name, sizeof name, relay->uses_pid ? "%s.%llu" : "%s", relay->elsewhere,
		(unsigned long long)crash->pid);
	_cleanup_(closep) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || become_owner(crash->pid) < 0)
		return 1;
	_cleanup_(closep) int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
		st.st_uid != geteuid())
		return 1;
	if (ftruncate(fd, 0) < 0)
		return 1;
	return copy_core(fd, crash->core_limit) < 0;
}

int main(int argc, char **argv)
{
	Crash crash = {};
	Relay relay;

	if (argc < FIRST_ARG || parse_u64(argv[1], INT_MAX, &crash.pid) < 0 ||
		parse_u64(argv[2], UINT64_MAX, &crash.core_limit) < 0)
		return 2;
	crash.dumpable = streq(argv[3], "1");
	if (relay_read(&relay) < 0)
		return 1;
	int levels = relay.leader ? levels_below(crash.pid, relay.pidns) : -ESRCH;
	if (levels < 0)
		return plain_core(&relay, &crash);
	return relay_crash(&relay, &crash, levels, argc - FIRST_ARG, argv + FIRST_ARG);
}
