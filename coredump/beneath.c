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

ssize_t read_file_beneath(int root_fd, const char *path, size_t max, char **ret)
{
	_cleanup_(closep) int fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fd < 0 ? fd : -errno;
	return S_ISREG(st.st_mode) ? read_fd_max(fd, max, ret) : -EINVAL;
}
