/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes from fd to fd, with every way in which the kernel may do less than it was asked. Each turn
 * of a loop either moves on or ends it. */
#include "helper/transfer.h"

#include "common/cleanup.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#define BUFFER_BYTES  ((size_t)256 * 1024)
#define KERNEL_BYTES  ((size_t)16 << 20)   /* for one copy_file_range(2) */
#define RECHECK_BYTES ((uint64_t)64 << 20) /* how often free space is looked at */

int transfer_check_target(int fd, uid_t uid)
{
	struct statx st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if ((flags & O_ACCMODE) != O_WRONLY && (flags & O_ACCMODE) != O_RDWR)
		return -EBADF;
	if (flags & (O_PATH | O_APPEND | O_DIRECT))
		return -EBADF;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_UID | STATX_SIZE,
		    &st) < 0)
		return -errno;
	if (!S_ISREG(st.stx_mode))
		return -EINVAL;
	if (st.stx_uid != uid)
		return -EPERM;
	return st.stx_size == 0 ? 0 : -ENOTEMPTY;
}

/* Root may write into the blocks that a filesystem keeps for it: not on a user's behalf. */
static int check_space(int target, uint64_t wanted_bytes)
{
	struct statvfs st;

	if (fstatvfs(target, &st) < 0)
		return -errno;
	if (st.f_frsize == 0 || st.f_blocks == 0) /* it does not tell, as some in user space */
		return 0;
	return st.f_bavail < wanted_bytes / st.f_frsize ? -ENOSPC : 0;
}

static int check_memory(int target, uint64_t size_bytes)
{
	struct statfs st;

	if (fstatfs(target, &st) < 0)
		return -errno;
	bool memory = st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC ||
		      st.f_type == HUGETLBFS_MAGIC;
	return memory && size_bytes > TRANSFER_MEMORY_MAX_BYTES ? -ENOTSUP : 0;
}

static int write_at(int fd, const char *data, size_t length, uint64_t at)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, data, length, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		at += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

/* At most length bytes through a buffer. Bytes moved, or -errno. */
static ssize_t move_by_hand(int fd, int target, uint64_t at, size_t length, char *buffer)
{
	ssize_t n;
	int r;

	do
		n = pread(fd, buffer, MIN_OF(length, BUFFER_BYTES), (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	r = write_at(target, buffer, (size_t)n, at);
	return r < 0 ? r : n;
}

/* The kernel's own copy, which may share blocks; where it will not have it, by hand. */
static ssize_t move_some(
	int fd, int target, uint64_t at, size_t length, char *buffer, bool *by_hand)
{
	off_t from = (off_t)at, to = (off_t)at;

	if (!*by_hand) {
		ssize_t n =
			copy_file_range(fd, &from, target, &to, MIN_OF(length, KERNEL_BYTES), 0);
		if (n > 0)
			return n;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
			return -errno;
		*by_hand = true; /* EXDEV, EINVAL, ENOSYS, EOPNOTSUPP … or 0, which some give */
	}
	return move_by_hand(fd, target, at, length, buffer);
}

/* One stretch of data. */
static int copy_stretch(int fd, int target, uint64_t at, uint64_t end, char *buffer, bool *by_hand)
{
	uint64_t checked = at;

	while (at < end) {
		if (at >= checked) {
			int r = check_space(target, MIN_OF(end - at, RECHECK_BYTES));
			if (r < 0)
				return r;
			checked = at + RECHECK_BYTES;
		}
		ssize_t n = move_some(fd, target, at,
			(size_t)MIN_OF(end - at, (uint64_t)KERNEL_BYTES), buffer, by_hand);
		if (n < 0)
			return (int)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* The next stretch of data from at on, within size. 1, 0: none; where the filesystem cannot tell,
 * all that is left. */
static int next_stretch(int fd, uint64_t at, uint64_t size, uint64_t *ret_start, uint64_t *ret_end)
{
	off_t start = lseek(fd, (off_t)at, SEEK_DATA);

	if (start < 0 && errno == ENXIO)
		return 0;
	off_t end = start < 0 ? -1 : lseek(fd, start, SEEK_HOLE);
	*ret_start = start < 0 ? at : (uint64_t)start;
	*ret_end = end <= start ? size : MIN_OF((uint64_t)end, size);
	return *ret_start < size;
}

static int copy_data(int fd, int target, uint64_t size_bytes, char *buffer)
{
	uint64_t start, end = 0;
	bool by_hand = false;
	int r;

	while (end < size_bytes && next_stretch(fd, end, size_bytes, &start, &end) > 0) {
		r = copy_stretch(fd, target, start, end, buffer, &by_hand);
		if (r < 0)
			return r;
	}
	return ftruncate(target, (off_t)size_bytes) < 0 ? -errno : 0;
}

int transfer_copy(int fd, int target, uint64_t size_bytes)
{
	_cleanup_(freep) char *buffer = malloc(BUFFER_BYTES);
	struct stat st;
	int r;

	if (!buffer)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < size_bytes)
		return -ENODATA;
	r = check_memory(target, size_bytes);
	if (r >= 0)
		r = copy_data(fd, target, size_bytes, buffer);
	if (r < 0)
		(void)!ftruncate(target, 0);
	return r;
}
