/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The descriptors of one process: which are inotify instances or fanotify groups, and how many
 * watches their fdinfo lists. Nothing is allocated for a descriptor that is neither, and nothing is
 * known here of who the process is. */
#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "survey/fdinfo.h"
#include "survey/internals.h"
#include <fcntl.h>
#include <sys/syscall.h>

#define HALF_BUFFER (PROCESS_BUFFER_BYTES / 2) /* names in one half, fdinfo in the other */
#define ENTRY_MAX   280 /* bytes of a directory entry: 19 and a name of 255, aligned */
#define DIRECTORY   (O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

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

/* From the open fd directory, so that it is the same process even if the number was given away
 * since. */
static int open_fdinfo(const ProcessList *list, int fd_dir, const char *fd_name)
{
	char path[32];

	if (list->procfs &&
		(size_t)snprintf(path, sizeof path, "../fdinfo/%s", fd_name) < sizeof path) {
		int fd = openat(fd_dir, path, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	_cleanup_(closep) int dir = openat(fd_dir, "../fdinfo", O_PATH | DIRECTORY);
	return dir < 0 ? -errno : open_regular_at(dir, fd_name);
}

/* Reads fdinfo through to its end, once: the kernel makes it whole at the first read. Procfs fills
 * the buffer as long as there is more, so a short read is the end. */
static int count_watches(
	ProcessList *list, int fd_dir, const char *fd_name, SurveyReference *reference)
{
	FdinfoCounter counter = {.hashing = list->hashing};
	_cleanup_(closep) int fd = open_fdinfo(list, fd_dir, fd_name);
	char *buffer = list->buffer + HALF_BUFFER;

	if (fd < 0)
		return is_refusal(fd) ? fd : 0;
	for (;;) {
		ssize_t n = read(fd, buffer, HALF_BUFFER);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		fdinfo_feed(&counter, buffer, (size_t)n);
		if (list->procfs && n < HALF_BUFFER)
			break;
	}
	fdinfo_end(&counter);
	reference->watches = reference->fanotify ? counter.marks : counter.watches;
	reference->list_hash = counter.hash;
	return 0;
}

static int take_descriptor(ProcessList *list, int fd_dir, pid_t pid, const char *name)
{
	char link[32]; /* longer than what matters, so that a cut link never matches */
	uint64_t fd;

	ssize_t n = readlinkat(fd_dir, name, link, sizeof link);
	if (n < 0)
		return is_refusal(-errno) ? -errno : 0; /* closed meanwhile, or undumpable now */
	FdKind kind = n == sizeof link ? FD_OTHER : classify(link, (size_t)n);
	if (kind == FD_OTHER || parse_u64(name, INT32_MAX, &fd) < 0)
		return 0;

	SurveyReference *reference = add_reference(list);
	if (!reference)
		return -ENOMEM;
	*reference = (SurveyReference){.pid = pid,
		.fd = (int)fd,
		.fanotify = kind == FD_FANOTIFY,
		.instance = INSTANCE_NONE};
	return list->skip_watches ? 0 : count_watches(list, fd_dir, name, reference);
}

/* One bufferful of names. Gives 1 when there may be more, 0 at the end, or -errno; adds to
 * *n_descriptors. */
static int take_some(ProcessList *list, int fd_dir, pid_t pid, int *n_descriptors)
{
	long n = syscall(SYS_getdents64, fd_dir, list->buffer, HALF_BUFFER);
	int r;

	if (n <= 0)
		return n < 0 ? -errno : 0;
	for (long at = 0; at < n;) {
		const struct linux_dirent64 *entry = (const void *)(list->buffer + at);
		at += entry->d_reclen;
		if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
			continue;
		++*n_descriptors;
		r = take_descriptor(list, fd_dir, pid, entry->d_name);
		if (r < 0)
			return r;
	}
	return !list->procfs || n > HALF_BUFFER - ENTRY_MAX;
}

int descriptors_scan(ProcessList *list, int fd_dir, pid_t pid)
{
	size_t before = list->n_references;
	int n_descriptors = 0, r;

	do
		r = take_some(list, fd_dir, pid, &n_descriptors);
	while (r > 0);
	if (r < 0)
		list->n_references = before;
	return r < 0 ? r : n_descriptors;
}

int descriptors_scan_threads(ProcessList *list, int process_dir, pid_t leader)
{
	_cleanup_(closep) int fd = openat(process_dir, "task", O_RDONLY | DIRECTORY);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return -ESRCH;
	(void)TAKE_FD(fd);
	while ((entry = readdir(dir))) {
		char path[32];
		uint64_t tid;
		if (parse_u64(entry->d_name, INT32_MAX, &tid) < 0 || (pid_t)tid == leader)
			continue;
		(void)snprintf(path, sizeof path, "%d/fd", (int)tid);
		_cleanup_(closep) int fd_dir = openat(dirfd(dir), path, O_RDONLY | DIRECTORY);
		int r = fd_dir < 0 ? -errno : descriptors_scan(list, fd_dir, (pid_t)tid);
		if (r > 0 || r == -ENOMEM || is_refusal(r))
			return MIN_OF(r, 0);
	}
	return -ESRCH;
}
