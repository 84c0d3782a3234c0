/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A core that systemd-coredump stored, found by what the kernel said of the crash. Its bytes are
 * never looked at here. File names: core.COMM.UID.BOOTID.PID.TIMESTAMP[.zst|.lz4|.xz], where COMM
 * is escaped (coredump-submit.c of systemd) and only root can make one. */
#include "common/forward.h"

#define STORED_CORE_DIRECTORY "/var/lib/systemd/coredump"
/* "BOOTID.PID.TIMESTAMP" with its NUL: 32, 10 and 20 digits, two dots. */
#define STORED_CORE_ID_SIZE	 65
#define STORED_CORE_PROGRAM_SIZE 64
/* systemd's own default ends at 32 GiB (ExternalSizeMax=, coredump.conf(5)). */
#define STORED_CORE_MAX_BYTES ((uint64_t)64 << 30)

typedef struct StoredCore {
	int fd;
	uint64_t size_bytes;
	uid_t uid; /* of the process, as the name tells; (uid_t)-1: it does not */
	/* COMM, chosen by the process: printable ASCII without markup, else '?' */
	char program[STORED_CORE_PROGRAM_SIZE];
} StoredCore;

/* Whether text is exactly BOOTID.PID.TIMESTAMP: 32 lower-case hex digits and two decimal numbers
 * above 0 as a kernel prints them (no sign, no leading zero, in range). Pure. */
bool stored_core_id_valid(const char *text);
/* Whether a file of this name is the core of the crash id; fills uid and program of ret. Pure. */
bool stored_core_name_matches(const char *name, const char *id, StoredCore *ret);
/* Finds and opens it beneath dir_fd (-EBADF: there is no such directory). 0; -ENOENT; -ELOOP,
 * -EINVAL: what stands there is a symlink, or no regular file; -EPERM: it is not root's; -EFBIG;
 * -errno. The caller closes ret->fd. */
int stored_core_open(int dir_fd, const char *id, StoredCore *ret);
