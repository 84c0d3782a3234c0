/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Copying one open file into another that a caller passed. Neither is parsed. */
#include "common/forward.h"

/* A file in memory (tmpfs, memfd) is charged to whoever writes it, and the helper may have 64 MiB.
 */
#define TRANSFER_MEMORY_MAX_BYTES ((uint64_t)16 << 20)

/* Whether a caller's fd is fit to be written: a regular file of that uid, empty, open for writing,
 * without O_APPEND and O_DIRECT. Never waits for a filesystem: it asks for what the kernel knows
 * (AT_STATX_DONT_SYNC). 0; -EBADF: not open for writing; -EINVAL: no regular file; -EPERM: not the
 * caller's; -ENOTEMPTY; -errno. */
int transfer_check_target(int fd, uid_t uid);

/* Copies exactly size bytes from the start of fd to the start of target; holes stay holes. The
 * positions of both files are neither used nor changed. 0; -ENOSPC: the disk is full but for what
 * is kept for root; -EDQUOT; -EFBIG: a limit on the size of files; -ENOTSUP: target is in memory
 * and size too large for that; -ENODATA: fd is shorter than size; -errno. On failure target is
 * empty again. May wait for the filesystem for as long as that likes. SIGXFSZ must be ignored. */
int transfer_copy(int fd, int target, uint64_t size_bytes);
