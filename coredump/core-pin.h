/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Copies of cores that a person wants kept when systemd lets go of them: HASH.core[.zst|.lz4|.xz]
 * in $XDG_STATE_HOME/vigil/cores (0700, files 0600), as they were stored, under a hard cap. */
#include "coredump/record.h"

#define CORE_PINS_MAX ((uint64_t)4 * 1024 * 1024 * 1024) /* of all pins together, on disk */

/* The default folder. Caller frees; NULL: no home or no memory. */
char *core_pins_path(void);
/* Opens it; create: makes it first. A directory fd; -EPERM: it is another user's, or others may
 * write there; -ENOENT, -errno. */
int core_pins_open(const char *path, bool create);
/* Copies the core there, whole or not at all, on disk when it returns. A crash of ours at any
 * moment leaves nothing behind. max_bytes: the cap; progress as of core_copy(). 0; -EEXIST: it is
 * pinned; -EDQUOT: it would go over the cap; -ENOSPC, -EBADMSG, -errno. */
int core_pin(int pins_fd, int core_fd, const char *hash, uint64_t max_bytes,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata);
/* 0, -ENOENT, -errno. */
int core_unpin(int pins_fd, const char *hash);
/* A read-only fd of the copy; -ENOENT, -errno. *ret_name (may be NULL) is its name in the folder,
 * the caller's. */
int core_pin_get(int pins_fd, const char *hash, char **ret_name);
/* What all pins take on disk, and how many there are. 0 or -errno. */
int core_pins_usage(int pins_fd, uint64_t *ret_bytes, size_t *ret_n);
