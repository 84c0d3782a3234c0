/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process of the scan: its descriptors, and who it is if it holds something. The process may
 * end, refuse or lie at any step; that costs its own row and nothing else. Nothing is allocated for
 * a descriptor that is not ours. */
#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "survey/fdinfo.h"
#include "survey/identity.h"
#include "survey/internals.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define STATUS_MAX   (16 * 1024)
#define CMDLINE_MAX  4096
#define CGROUP_MAX   (16 * 1024)
#define STAT_KTHREAD 0x00200000u /* PF_KTHREAD, include/linux/sched.h */

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

typedef enum FdKind {
	FD_OTHER,
	FD_INOTIFY,
	FD_FANOTIFY,
} FdKind;

void process_done(SurveyProcess *process)
{
	free(process->comm);
	free(process->exe);
	free(process->cmdline);
	free(process->cgroup);
	free(process->unit);
	free(process->app_id);
	free(process->app_name);
	free(process->container);
}

/* ---- descriptors
 * --------------------------------------------------------------------------------- */

/* Only the link's text tells: all anonymous inodes share one inode number. Before 2.6.33 it was a
 * bare "inotify". */
static FdKind classify(const char *link, size_t length)
{
	static const char inotify[] = "anon_inode:inotify", fanotify[] = "anon_inode:[fanotify]";

	if (length == sizeof inotify - 1 && memcmp(link, inotify, length) == 0)
		return FD_INOTIFY;
	if (length == sizeof fanotify - 1 && memcmp(link, fanotify, length) == 0)
		return FD_FANOTIFY;
	return length == 7 && memcmp(link, "inotify", 7) == 0 ? FD_INOTIFY : FD_OTHER;
}

static SurveyReference *add_reference(ProcessList *list)
{
	if (list->n_references == list->references_allocated) {
		size_t want = MAX_OF(list->references_allocated * 2, (size_t)64);
		SurveyReference *grown = reallocarray(list->references, want, sizeof *grown);
		if (!grown)
			return NULL;
		list->references = grown;
		list->references_allocated = want;
	}
	return &list->references[list->n_references++];
}

/* Reads fdinfo through to its end, once: the kernel makes it whole at the first read (facts:
 * seq_file). */
static void count_watches(
	ProcessList *list, int info_dir, const char *fd_name, SurveyReference *reference)
{
	FdinfoCounter counter = {.hashing = list->hashing};
	_cleanup_(closep) int fd = open_regular_at(info_dir, fd_name);

	if (fd < 0)
		return;
	for (;;) {
		ssize_t n =
			read(fd, list->buffer + PROCESS_BUFFER_BYTES / 2, PROCESS_BUFFER_BYTES / 2);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		fdinfo_feed(&counter, list->buffer + PROCESS_BUFFER_BYTES / 2, (size_t)n);
	}
	fdinfo_end(&counter);
	reference->watches = reference->fanotify ? counter.marks : counter.watches;
	reference->list_hash = counter.hash;
}

typedef struct FdWalk {
	ProcessList *list;
	int proc_fd, fd_dir, info_dir;
	pid_t pid;
} FdWalk;

static int take_descriptor(FdWalk *walk, const char *name)
{
	char link[32]; /* one more than the longest that matters, so a longer link never matches */
	uint64_t fd;

	ssize_t n = readlinkat(walk->fd_dir, name, link, sizeof link);
	if (n <= 0 || n == sizeof link)
		return 0;
	FdKind kind = classify(link, (size_t)n);
	if (kind == FD_OTHER || parse_u64(name, INT32_MAX, &fd) < 0)
		return 0;

	SurveyReference *reference = add_reference(walk->list);
	if (!reference)
		return -ENOMEM;
	*reference = (SurveyReference){.pid = walk->pid,
		.fd = (int)fd,
		.fanotify = kind == FD_FANOTIFY,
		.instance = INSTANCE_NONE};
	if (walk->list->skip_watches)
		return 0;
	if (walk->info_dir < 0) {
		char path[32];
		(void)snprintf(path, sizeof path, "%d/fdinfo", walk->pid);
		walk->info_dir =
			openat(walk->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (walk->info_dir >= 0)
		count_watches(walk->list, walk->info_dir, name, reference);
	return 0;
}

/* 0, -ENOMEM, or the errno with which /proc/PID/fd refused. */
static int walk_descriptors(FdWalk *walk)
{
	int r;

	for (;;) {
		long n = syscall(
			SYS_getdents64, walk->fd_dir, walk->list->buffer, PROCESS_BUFFER_BYTES / 2);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		for (long at = 0; at < n;) {
			const struct linux_dirent64 *entry =
				(const void *)(walk->list->buffer + at);
			at += entry->d_reclen;
			if (entry->d_type != DT_LNK)
				continue;
			r = take_descriptor(walk, entry->d_name);
			if (r < 0)
				return r;
		}
	}
}

/* ---- who it is
 * ------------------------------------------------------------------------------------ */

static const char *status_line(const char *status, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = status; line;
		line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, key, n) == 0)
			return line + n + strspn(line + n, "\t ");
	return NULL;
}

/* "Uid:" gives real, effective, saved and filesystem uid. False: no such process any more, or a
 * lie. */
static bool read_status(
	int dir, SurveyProcess *process, SurveyProcessDetail *detail, char *ret_state)
{
	_cleanup_(freep) char *status = NULL;
	uint64_t real, effective, parent = 0;

	if (read_file_at(dir, "status", STATUS_MAX, &status) < 0)
		return false;
	const char *line = status_line(status, "Uid:");
	if (!line || parse_u64_prefix(line, &line, &real) < 0 || real > UINT32_MAX)
		return false;
	line += strspn(line, "\t ");
	if (parse_u64_prefix(line, &line, &effective) < 0 || effective > UINT32_MAX)
		effective = real;
	line = status_line(status, "PPid:");
	if (line)
		(void)parse_u64_prefix(line, &line, &parent);
	line = status_line(status, "State:");
	*ret_state = line ? *line : '?';
	process->uid = (uid_t)real;
	process->parent = parent <= INT32_MAX ? (pid_t)parent : 0;
	detail->effective_uid = (uid_t)effective;
	return true;
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

static char *read_cmdline(int dir)
{
	_cleanup_(freep) char *data = NULL;
	ssize_t n = read_file_at(dir, "cmdline", CMDLINE_MAX, &data);

	while (n > 0 && data[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (data[i] == '\0')
			data[i] = ' ';
	if (n <= 0)
		return NULL;
	data[n] = '\0';
	return TAKE_PTR(data);
}

static char *read_cgroup(int dir)
{
	_cleanup_(freep) char *data = NULL;

	return read_file_at(dir, "cgroup", CGROUP_MAX, &data) < 0 ? NULL : identity_cgroup(data);
}

static char *read_comm(int dir)
{
	char comm[128];
	ssize_t n = read_line_at(dir, "comm", comm, sizeof comm);

	return n > 0 ? strdup(comm) : NULL;
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

/* A process that holds something, or refuses: now it is worth knowing who it is. */
static int describe(ProcessList *list, int proc_fd, const char *name, NamespaceCache *namespaces,
	SurveyProcess process, SurveyProcessDetail detail)
{
	_cleanup_(closep) int dir =
		openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char state;
	int r;

	if (dir < 0 || !read_status(dir, &process, &detail, &state))
		return 0; /* it ended */
	if (!process.readable && (state == 'Z' || state == 'X' || is_kernel_thread(dir)))
		return 0; /* holds nothing: no secret kept from us */
	process.comm = read_comm(dir);
	process.exe = read_exe(dir);
	process.cmdline = read_cmdline(dir);
	process.cgroup = read_cgroup(dir);
	detail.relation = namespace_of_process(
		namespaces, proc_fd, name, &process.userns, &detail.namespace_owner);
	process.in_child_userns = detail.relation == NAMESPACE_BELOW;
	r = add_row(list, &process, &detail);
	if (r < 0)
		process_done(&process);
	else if (!process.readable)
		list->unreadable++;
	return r < 0 ? r : 1;
}

int process_scan(ProcessList *list, int proc_fd, pid_t pid, NamespaceCache *namespaces)
{
	size_t before = list->n_references;
	FdWalk walk = {
		.list = list, .proc_fd = proc_fd, .fd_dir = -EBADF, .info_dir = -EBADF, .pid = pid};
	char name[16], path[32];
	int r;

	(void)snprintf(name, sizeof name, "%d", pid);
	(void)snprintf(path, sizeof path, "%d/fd", pid);
	walk.fd_dir = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	r = walk.fd_dir < 0 ? -errno : walk_descriptors(&walk);
	(void)safe_close(walk.fd_dir);
	(void)safe_close(walk.info_dir);
	if (r == -ENOMEM || r == -ENOENT || r == -ESRCH)
		return r == -ENOMEM ? r : 0;
	list->scanned++;
	if (r == 0 && list->n_references == before)
		return 0;

	r = describe(list, proc_fd, name, namespaces,
		(SurveyProcess){.pid = pid, .readable = r == 0}, (SurveyProcessDetail){});
	if (r <= 0) {
		list->n_references = before;
		return r;
	}
	list->details[list->n - 1].first_reference = (uint32_t)before;
	list->details[list->n - 1].n_references = (uint32_t)(list->n_references - before);
	return 0;
}
