/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The core of a crash: whether it is there, why not, and its bytes. Cores may be plain, zstd, lz4
 * or xz (libarchive), beneath systemd's folder or anywhere; all are opened O_NOFOLLOW, regular
 * files only, and nothing of their content is believed. */
#include "coredump/record.h"

typedef enum CoreState { /* as coredumpctl(1) shows them */
	CORE_NONE,	 /* none was ever stored */
	CORE_PRESENT,
	CORE_MISSING,	   /* stored once, deleted since */
	CORE_INACCESSIBLE, /* there, but this user may not read it: see core_withheld() */
	CORE_TRUNCATED,	   /* there, incomplete */
	CORE_JOURNAL,	   /* in the journal entry itself */
	CORE_ERROR,	   /* the file could not be looked at */
	CORE_STATE_MAX,
} CoreState;

const char *core_state_to_string(CoreState state); /* "present", … as coredumpctl prints */

typedef struct CoreInfo {
	CoreState state;
	uint64_t size_bytes;	 /* on disk (st_size); 0: no file */
	uint64_t disk_bytes;	 /* st_blocks * 512 */
	const char *compression; /* "", "zstd", "lz4", "xz"; static */
	/* for CORE_INACCESSIBLE: which of systemd's rules withheld it (coredump-submit.c
	 * grant_user_access()), N_(), static; NULL: not known */
	const char *withheld;
} CoreInfo;

/* root_fd: what stands for "/" (openat; -EBADF: AT_FDCWD with absolute paths). Never fails. */
void core_look(int root_fd, const Crash *crash, CoreInfo *ret);

/* Opens the core for reading. fd, or -ENOENT, -EACCES, -ELOOP, -EINVAL (no regular file). */
int core_open(int root_fd, const Crash *crash);

typedef struct CoreCopied {
	uint64_t written_bytes, data_bytes; /* length of the result; of it not holes */
} CoreCopied;

/* Decompresses (by content, not by name) fd into the regular file out: sparse, zero runs become
 * holes; never more than max_bytes (-EFBIG). progress may be NULL; a negative result of it ends the
 * copy with that error. 0 or -errno (-ENOSPC, -EBADMSG: not a core or damaged). */
int core_copy(int fd, int out, uint64_t max_bytes,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata, CoreCopied *ret);
/* How large the decompressed core will be: from the format's header where it tells (zstd frame
 * content size, xz index), else an estimate marked so. 0 or -errno. */
int core_uncompressed_size(int fd, uint64_t *ret, bool *ret_exact);
