/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What systemd-coredump keeps and for how long: coredump.conf(5) with its drop-ins, the bounds
 * built into systemd (coredump-vacuum.c, the same from 252 to 262), and the age after which
 * systemd-tmpfiles removes cores. */
#include "common/forward.h"

typedef enum CoreStorage {
	CORE_STORAGE_NONE,
	CORE_STORAGE_EXTERNAL, /* files; the default */
	CORE_STORAGE_JOURNAL,
} CoreStorage;

typedef struct CoreLimits { /* sizes in bytes; UINT64_MAX: infinity */
	CoreStorage storage;
	bool compress;
	uint64_t process_size_max, external_size_max, journal_size_max;
	uint64_t max_use, keep_free;	 /* as they take effect; 0: no such limit */
	bool max_use_set, keep_free_set; /* by a file, not built in */
	uint64_t disk_size, disk_free;	 /* of the filesystem of the cores; 0: unknown */
	usec_t max_age_usec;		 /* of tmpfiles.d(5); 0: kept for good */
	bool configured;		 /* some file set something */
} CoreLimits;

/* root_fd: what stands for "/". Unreadable files and bad values leave the default, as systemd does.
 * Never fails. */
void core_limits_read(int root_fd, CoreLimits *ret);
/* The built-in bounds, for what no file set: MaxUse 10 % of the disk between 1 MiB and 4 GiB,
 * KeepFree 15 % of it up to 4 GiB; unknown disk: 1 MiB each. Pure. */
void core_limits_clamp(CoreLimits *limits, uint64_t disk_size, uint64_t disk_free);
/* How much the next core may still take before old ones go; 0: they go already. used: what all
 * cores take. Pure. */
uint64_t core_limits_left(const CoreLimits *limits, uint64_t used_bytes);
/* "1G", "1.5M", "infinity"; suffixes B K M G T P E, 1024 each. 0, -EINVAL, -ERANGE. */
int parse_core_size(const char *text, uint64_t *ret);
