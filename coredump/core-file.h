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

/* root_fd: what stands for "/" (paths and symlinks in them stay beneath it; -EBADF: this
 * machine's). Never fails. A plain core that is shorter than its program headers say counts as
 * truncated too; of a compressed one only the entry's COREDUMP_TRUNCATED tells. */
void core_look(int root_fd, const Crash *crash, CoreInfo *ret);

typedef enum CoreAcl {
	CORE_ACL_UNKNOWN,
	CORE_ACL_UNSUPPORTED, /* the filesystem keeps none */
	CORE_ACL_ABSENT,
	CORE_ACL_PRESENT,
} CoreAcl;

typedef struct CoreViewer {
	uid_t uid;	      /* who wants to read it */
	uid_t system_uid_max; /* SYS_UID_MAX of login.defs(5), 999 */
	bool folder_closed;   /* not even its name could be looked up */
	CoreAcl acl;	      /* of the file */
} CoreViewer;

/* The rule that withheld a core from the viewer: N_(), static, a clause to follow a colon; NULL: no
 * rule that is known. Pure. Rules: fix_acl() and grant_user_access() of systemd's
 * coredump-submit.c; what the process was is taken from COREDUMP_DUMPABLE, and of the crash's
 * fields from COREDUMP_PROC_AUXV (in hexadecimal, or raw where it survived being text) and
 * COREDUMP_PROC_STATUS. */
const char *core_withheld(const Crash *crash, const CoreViewer *viewer);

/* Opens the core for reading. fd, or -ENOENT, -EACCES, -ELOOP, -EINVAL (no regular file). */
int core_open(int root_fd, const Crash *crash);

typedef struct CoreCopied {
	uint64_t written_bytes, data_bytes; /* length of the result; of it not holes */
} CoreCopied;

/* Decompresses (by content, not by name) fd into the regular file out: sparse, zero runs become
 * holes; never more than max_bytes (-EFBIG). progress may be NULL; a negative result of it ends the
 * copy with that error. out must be no O_APPEND fd; it is emptied first, and after a failure again,
 * so that the space is free at once (the caller unlinks). 0 or -errno (-ENOSPC; -EBADMSG: not a
 * core or damaged; -EINVAL: out). */
int core_copy(int fd, int out, uint64_t max_bytes,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata, CoreCopied *ret);
/* How large the decompressed core will be: from the format's header where it tells (zstd frame
 * content size, lz4 content size, xz index), else from the core's own program headers, which is
 * exact but for cores that were cut, and marked as an estimate. 0 or -errno. */
int core_uncompressed_size(int fd, uint64_t *ret, bool *ret_exact);
