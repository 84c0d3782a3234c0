/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Files of a root that need not be this machine's: "/" and symlinks mean that root
 * (openat2(2), RESOLVE_IN_ROOT; Linux 5.6). */
#include "common/forward.h"

/* Opens an absolute path. root_fd: -EBADF for this machine's root. flags: of open(2), O_CLOEXEC is
 * added; O_NOFOLLOW is up to the caller. An fd or -errno (-EINVAL: not absolute). */
int open_beneath(int root_fd, const char *path, int flags);
/* A regular file there, for reading. What is none is not opened: opening a device does something,
 * and the path may be anybody's. flags: 0 or O_NOFOLLOW. An fd, -EINVAL: no regular file, -ELOOP: a
 * symlink that is not to be followed, -errno. */
int open_regular_beneath(int root_fd, const char *path, int flags);
/* A regular file there, read up to max bytes; symlinks are followed: for files of the
 * administrator. As read_fd_max(). */
ssize_t read_file_beneath(int root_fd, const char *path, size_t max, char **ret);
