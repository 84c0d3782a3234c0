/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Changing the limits: decides, then acts on one /proc/sys value and one file. Root's work, so
 * everything it touches comes in as a directory that the caller opened; no path, no text from
 * outside. */
#include "helper/dropin.h"

typedef struct ChangeRoots {
	int inotify_fd; /* /proc/sys/fs/inotify */
	int sysctl_fd;	/* /etc/sysctl.d */
	int root_fd;	/* "/", to look for sysctl.d files that win at boot */
	uint64_t memory_bytes;
	/* Called before each numbered step; tests kill the process there. NULL: not called. */
	void (*step)(int number);
} ChangeRoots;

/* Where an authorised caller's own VALUE ends: beyond it memory, not the limit, is what runs out.
 */
#define CHANGE_INSTANCES_MAX 65536
/* A quarter of memory's worth of watches, at least LIMITS_WATCHES_CAP. */
uint64_t change_maximum(InotifyResource resource, uint64_t memory_bytes);

typedef enum ChangeError { /* each has its own D-Bus error, see methods.c */
	CHANGE_OK,
	CHANGE_OUT_OF_RANGE,
	CHANGE_READ_ONLY, /* /proc/sys or the disk: a container, an immutable system */
	CHANGE_NO_SPACE,
	CHANGE_FOREIGN_FILE,  /* the drop-in was changed by hand */
	CHANGE_NOT_EFFECTIVE, /* the kernel did not take it */
	CHANGE_FAILED,
	CHANGE_ERROR_MAX,
} ChangeError;

/* What would be set: value 0 asks for twice the limit, capped (who knows the use asks for more, see
 * inotify_limit_request()). Reads the present value. *ret_new ==
 * *ret_old: nothing to do. */
ChangeError change_plan(const ChangeRoots *roots, InotifyResource resource, uint64_t value,
	uint64_t *ret_old, uint64_t *ret_new);
/* Does it: file, then kernel, then reads back. On failure the file is as it was. */
ChangeError change_raise(const ChangeRoots *roots, InotifyResource resource, uint64_t new_value,
	uid_t uid, usec_t now_realtime, uint64_t *ret_in_force);

typedef struct ChangeReset {
	bool restored[INOTIFY_RESOURCE_MAX]; /* false: somebody else changed it since, left alone */
	uint64_t before[INOTIFY_RESOURCE_MAX], after[INOTIFY_RESOURCE_MAX];
} ChangeReset;

/* Restores what the file recorded, then removes it. No file: nothing to do, CHANGE_OK. */
ChangeError change_reset(const ChangeRoots *roots, ChangeReset *ret);
