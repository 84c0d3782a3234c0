/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process of the scan: its descriptors, and who it is if it holds something. The process may
 * end, refuse or lie at any step; that costs its own row and nothing else. Whatever is read of it
 * is read beneath one open directory: its number may be another process' a moment later. */
#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "survey/identity.h"
#include "survey/internals.h"
#include <fcntl.h>
#include <sys/stat.h>

#define STATUS_MAX   (16 * 1024)
#define CMDLINE_MAX  4096
#define CGROUP_MAX   (16 * 1024)
#define COMM_MAX     63		 /* of a kernel thread; others have 15 */
#define STAT_KTHREAD 0x00200000u /* PF_KTHREAD, include/linux/sched.h */

void process_done(SurveyProcess *process)
{
	free(process->comm);
	free(process->exe);
	free(process->cmdline);
	free(process->arguments);
	free(process->cgroup);
	free(process->unit);
	free(process->app_id);
	free(process->app_name);
	free(process->container);
}

/* Reads at most max bytes of a file of the process into the list's buffer, NUL-terminated. Length
 * or -errno. */
static ssize_t read_text(ProcessList *list, int dir, const char *name, size_t max)
{
	_cleanup_(closep) int fd = list->procfs
					   ? openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
					   : open_regular_at(dir, name);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return list->procfs ? -errno : fd;
	do {
		n = read(fd, list->buffer + length, max - length);
		if (n < 0 && errno != EINTR)
			return -errno;
		length += n > 0 ? (size_t)n : 0;
	} while (n != 0 && length < max && (n < 0 || !list->procfs));
	list->buffer[length] = '\0';
	return (ssize_t)length;
}

/* ---- who it is ------------------------------------------------------------------------------- */

static const char *status_line(const char *status, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = status; line;
		line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, key, n) == 0)
			return line + n + strspn(line + n, "\t ");
	return NULL;
}

/* "Name:" as the kernel escapes it: "\n" and "\\" (fs/proc/array.c, proc_task_name). */
static char *unescaped_name(const char *line)
{
	char name[COMM_MAX + 1];
	size_t n = 0;

	for (; *line && *line != '\n' && n < COMM_MAX; line++) {
		if (line[0] == '\\' && (line[1] == '\\' || line[1] == 'n'))
			name[n++] = *++line == 'n' ? '\n' : '\\';
		else
			name[n++] = *line;
	}
	name[n] = '\0';
	return n ? strdup(name) : NULL;
}

/* "Uid:" gives real, effective, saved and filesystem uid. 0; -ESRCH: no such process any more, or a
 * lie; -EACCES, -EPERM. */
static int read_status(ProcessList *list, int dir, SurveyProcess *process,
	SurveyProcessDetail *detail, char *ret_state)
{
	uint64_t real, effective, parent = 0;
	const char *line;
	ssize_t n;

	n = read_text(list, dir, "status", STATUS_MAX);
	if (n < 0)
		return is_refusal((int)n) ? (int)n : -ESRCH;
	line = status_line(list->buffer, "Uid:");
	if (!line || parse_u64_prefix(line, &line, &real) < 0 || real > UINT32_MAX)
		return -ESRCH;
	line += strspn(line, "\t ");
	if (parse_u64_prefix(line, &line, &effective) < 0 || effective > UINT32_MAX)
		effective = real;
	line = status_line(list->buffer, "PPid:");
	if (line)
		(void)parse_u64_prefix(line, &line, &parent);
	line = status_line(list->buffer, "State:");
	*ret_state = line ? *line : '?';
	line = status_line(list->buffer, "Name:");
	process->comm = line ? unescaped_name(line) : NULL;
	process->uid = (uid_t)real;
	process->parent = parent <= INT32_MAX ? (pid_t)parent : 0;
	detail->effective_uid = (uid_t)effective;
	return 0;
}

/* Mounted with hidepid=1, /proc lists the processes of others and tells nothing of them but the
 * directory's owner: the effective uid, or root. */
static int read_owner(int dir, SurveyProcess *process, SurveyProcessDetail *detail)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return -errno;
	process->uid = detail->effective_uid = st.st_uid;
	return 0;
}

/* Kernel threads hold no descriptors, but nobody without privilege may look. Flags are the 7th
 * field after the name's ')'. */
static bool is_kernel_thread(int dir)
{
	char stat[1024];
	uint64_t flags = 0;

	if (read_line_at(dir, "stat", stat, sizeof stat) < 0)
		return false;
	const char *p = strrchr(stat, ')');
	for (int field = 0; p && field < 7; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p && parse_u64_prefix(p, &p, &flags) == 0 && (flags & STAT_KTHREAD);
}

static char *read_exe(int dir)
{
	static const char deleted[] = " (deleted)";
	char link[4097];
	ssize_t n = readlinkat(dir, "exe", link, sizeof link - 1);

	if (n <= 0)
		return NULL;
	link[n] = '\0';
	char *end = (char *)endswith(link, deleted);
	if (end)
		*end = '\0';
	return strdup(link);
}

/* Fills cmdline and arguments, or leaves them NULL. */
static void read_cmdline(ProcessList *list, int dir, SurveyProcess *process)
{
	ssize_t n = read_text(list, dir, "cmdline", CMDLINE_MAX);

	while (n > 0 && list->buffer[n - 1] == '\0')
		n--;
	if (n <= 0)
		return;
	process->arguments = calloc(1, (size_t)n + 2);
	if (process->arguments)
		memcpy(process->arguments, list->buffer, (size_t)n);
	for (ssize_t i = 0; i < n; i++)
		if (list->buffer[i] == '\0')
			list->buffer[i] = ' ';
	process->cmdline = strndup(list->buffer, (size_t)n);
}

static char *read_cgroup(ProcessList *list, int dir)
{
	return read_text(list, dir, "cgroup", CGROUP_MAX) < 0 ? NULL
							      : identity_cgroup(list->buffer);
}

static int add_row(
	ProcessList *list, const SurveyProcess *process, const SurveyProcessDetail *detail)
{
	if (list->n == list->allocated) {
		size_t want = MAX_OF(list->allocated * 2, (size_t)32);
		SurveyProcess *processes = reallocarray(list->processes, want, sizeof *processes);
		if (!processes)
			return -ENOMEM;
		list->processes = processes;
		SurveyProcessDetail *details = reallocarray(list->details, want, sizeof *details);
		if (!details)
			return -ENOMEM;
		list->details = details;
		list->allocated = want;
	}
	list->processes[list->n] = *process;
	list->details[list->n++] = *detail;
	return 0;
}

typedef struct Subject {
	ProcessList *list;
	NamespaceCache *namespaces;
	int dir; /* /proc/PID */
	size_t first_reference;
	SurveyProcess process;
	SurveyProcessDetail detail;
} Subject;

/* Who holds nothing keeps no secret from us: zombies and kernel threads. refusal: what PID/fd
 * answered, 0 if it was read. Gives 1 when the process is worth a row, 0 when not, or -ENOMEM. */
static int look_closer(Subject *subject, int refusal)
{
	ProcessList *list = subject->list;
	char state = '?';
	int r;

	r = read_status(list, subject->dir, &subject->process, &subject->detail, &state);
	if (is_refusal(r) && refusal)
		r = read_owner(subject->dir, &subject->process, &subject->detail);
	if (r < 0)
		return 0;
	if (refusal && (state == 'Z' || state == 'X')) {
		refusal = descriptors_scan_threads(list, subject->dir, subject->process.pid);
		if (refusal == -ENOMEM)
			return refusal;
		if (refusal == 0 && list->n_references == subject->first_reference)
			return 0;
	}
	if (has_ended(refusal) || (refusal && is_kernel_thread(subject->dir)))
		return 0;
	subject->process.readable = refusal == 0;
	return 1;
}

/* 1: the row is taken. Or -ENOMEM. */
static int describe(Subject *subject)
{
	ProcessList *list = subject->list;
	SurveyProcess *process = &subject->process;
	SurveyProcessDetail *detail = &subject->detail;

	process->exe = read_exe(subject->dir);
	read_cmdline(list, subject->dir, process);
	process->cgroup = read_cgroup(list, subject->dir);
	detail->relation = namespace_of_process(
		subject->namespaces, subject->dir, &process->userns, &detail->namespace_owner);
	process->in_child_userns = detail->relation == NAMESPACE_BELOW;
	detail->first_reference = (uint32_t)subject->first_reference;
	detail->n_references = (uint32_t)(list->n_references - subject->first_reference);
	list->unreadable += !process->readable;
	return add_row(list, process, detail) < 0 ? -ENOMEM : 1;
}

/* Of a process that seems to hold no descriptor at all: kernel threads and zombies have one thread.
 */
static bool has_other_threads(int fd_dir)
{
	struct stat st;

	return fstatat(fd_dir, "../task", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink > 3;
}

/* The directory above fd_dir. By its number only where that is no way any more: it refused from the
 * start, or does by now. */
static int open_process(int proc_fd, int fd_dir, pid_t pid)
{
	char name[16];
	int dir = fd_dir < 0 ? -EBADF : openat(fd_dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0)
		return dir;
	(void)snprintf(name, sizeof name, "%d", pid);
	return openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int process_scan(ProcessList *list, int proc_fd, pid_t pid, NamespaceCache *namespaces)
{
	Subject subject = {.list = list,
		.namespaces = namespaces,
		.process.pid = pid,
		.first_reference = list->n_references};
	char path[32];
	int r;

	(void)snprintf(path, sizeof path, "%d/fd", pid);
	_cleanup_(closep) int fd_dir =
		openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	r = fd_dir < 0 ? -errno : descriptors_scan(list, fd_dir, pid);
	if (r == -ENOMEM)
		return r;
	list->scanned += !has_ended(r);
	if (r == 0 && has_other_threads(fd_dir))
		r = -ENOENT; /* its first thread may have ended; the others are looked at below */
	if (r >= 0 && list->n_references == subject.first_reference)
		return 0;

	_cleanup_(closep) int dir = open_process(proc_fd, fd_dir, pid);
	subject.dir = dir;
	r = dir < 0 ? 0 : look_closer(&subject, MIN_OF(r, 0));
	if (r > 0)
		r = describe(&subject);
	if (r <= 0) {
		list->n_references = subject.first_reference;
		process_done(&subject.process);
	}
	return MIN_OF(r, 0);
}
