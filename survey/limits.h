/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* inotify's limits: what the files say, and which of them binds.
 * `fs.inotify.*` are the init user namespace's `user.max_inotify_*`: the same variables (facts.md;
 * kernel/ucount.c, fs/notify/inotify/inotify_user.c). A child namespace has its own
 * `user.max_inotify_*`, and every level above is charged too; the tightest refuses. From inside
 * only the own level and `fs.inotify.*` can be read. */
#include "common/forward.h"

typedef enum LimitSource {
	LIMIT_UNKNOWN,	 /* unreadable, zero, or not a number */
	LIMIT_FS,	 /* /proc/sys/fs/inotify/max_user_* */
	LIMIT_NAMESPACE, /* /proc/sys/user/max_inotify_* of the viewer's user namespace */
} LimitSource;

typedef struct InotifyLimit {
	uint64_t value; /* meaningful when source is not LIMIT_UNKNOWN; never 0 then */
	LimitSource source;
} InotifyLimit;

typedef struct InotifyLimits {
	InotifyLimit fs_instances, fs_watches, queued_events;
	InotifyLimit ns_instances, ns_watches; /* user.max_inotify_* here */
	InotifyLimit instances, watches; /* what binds the viewer: the smaller of the known ones */
	bool in_child_userns;  /* then limits between here and the init namespace are not visible */
	uint64_t memory_bytes; /* MemTotal; 0 unknown */
	uint64_t default_watches; /* what the kernel would set from memory: 1 %, 8192 … 1048576; 0
				     unknown */
	uint64_t watch_cost_bytes; /* kernel memory of one watch, about (LIMITS_WATCH_COST_BYTES) */
} InotifyLimits;

/* What the kernel reckons a watch at for its own default: inotify_inode_mark and two inodes (6.18,
 * x86-64, measured from its default and MemTotal). */
#define LIMITS_DEFAULT_COST_BYTES 1312
#define LIMITS_WATCH_COST_BYTES	  1080 /* 64-bit: the mark and the inode that it pins, about */

/* Reads them beneath an open /proc tree. Never fails: what cannot be read is LIMIT_UNKNOWN. */
void inotify_limits_read(int proc_fd, InotifyLimits *ret);

/* part of whole in percent, negative when the limit is unknown. */
double inotify_limit_percent(uint64_t used, InotifyLimit limit);

typedef enum InotifyResource {
	INOTIFY_INSTANCES,
	INOTIFY_WATCHES,
	INOTIFY_RESOURCE_MAX,
	INOTIFY_RESOURCE_INVALID = -22,
} InotifyResource;

const char *inotify_resource_to_string(InotifyResource resource); /* "instances", "watches" */
InotifyResource inotify_resource_from_string(const char *name);

#define LIMITS_INSTANCES_CAP 8192 /* what every peer and distribution that raises them stops at */
#define LIMITS_WATCHES_CAP   1048576 /* the kernel's own ceiling for its default (inotify_user.c) */

/* Where raising stops: 8192 instances; watches: 1 % of memory or 1048576, whichever is more. Pure.
 */
uint64_t inotify_limit_cap(InotifyResource resource, uint64_t memory_bytes);

/* The next sensible value of a limit: at least twice the use and twice the limit, capped (instances
 * 8192; watches the larger of default_watches' formula without its ceiling — 1 % of memory — and
 * 1048576), never below current. Pure. Gives current itself when the cap is reached. */
uint64_t inotify_limit_target(
	InotifyResource resource, uint64_t current, uint64_t used, uint64_t memory_bytes);

/* What to ask vigil-helper for when nobody named a value: it cannot know the use (on purpose it
 * sees nobody's /proc), so whoever asks reckons with it. 0, the helper's own step, where the limit
 * is unknown or the target is no higher than it. limits' fs_instances, fs_watches are what the
 * helper changes. Pure. */
uint64_t inotify_limit_request(
	const InotifyLimits *limits, InotifyResource resource, uint64_t used);

/* The canary: asks the kernel itself by taking one instance and one watch (on dir_fd's directory)
 * and letting go. Certain whatever the survey could not see. Never fills anything up. */
typedef enum CanaryResult {
	CANARY_OK,
	CANARY_INSTANCES_EXHAUSTED,   /* EMFILE though the process has descriptors left */
	CANARY_WATCHES_EXHAUSTED,     /* ENOSPC */
	CANARY_DESCRIPTORS_EXHAUSTED, /* our own or the system's file table is full: says nothing
					 about inotify */
	CANARY_UNKNOWN,		      /* something else refused */
} CanaryResult;

CanaryResult inotify_canary(const char *directory);
const char *canary_to_string(CanaryResult result); /* "ok", "instances-exhausted", … as in JSON */
