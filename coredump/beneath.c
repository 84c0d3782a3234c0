/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/beneath.h"

#include "common/cleanup.h"
#include "common/io.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int open_beneath(int root_fd, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int fd;

	if (path[0] != '/')
		return -EINVAL;
	if (root_fd < 0)
		fd = open(path, flags | O_CLOEXEC);
	else
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
	return fd < 0 ? -errno : fd;
}

int open_regular_beneath(int root_fd, const char *path, int flags)
{
	_cleanup_(closep) int path_fd = open_beneath(root_fd, path, flags | O_PATH);
	char self[64];
	struct stat st;
	int fd;

	if (path_fd < 0 || fstat(path_fd, &st) < 0)
		return path_fd < 0 ? path_fd : -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISLNK(st.st_mode) ? -ELOOP : -EINVAL;
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", path_fd);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t read_file_beneath(int root_fd, const char *path, size_t max, char **ret)
{
	_cleanup_(closep) int fd = open_regular_beneath(root_fd, path, 0);

	return fd < 0 ? fd : read_fd_max(fd, max, ret);
}
