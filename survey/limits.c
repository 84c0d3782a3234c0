/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inotify's limits, read from a /proc tree; and the arithmetic about them. Unreadable or zero is
 * unknown, and nothing is ever divided by it. */
#include "survey/limits.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include "survey/internals.h"
#include <fcntl.h>

#define WATCHES_DEFAULT_MIN 8192
#define WATCHES_DEFAULT_MAX 1048576
/* user namespaces above init's: what proc shows as the inode of the first one
 * (include/linux/proc_ns.h) */
#define INIT_USER_NS_INODE 0xEFFFFFFDu

static InotifyLimit read_limit(int proc_fd, const char *path, LimitSource source)
{
	uint64_t value;

	if (read_u64_at(proc_fd, path, &value) < 0 || value == 0)
		return (InotifyLimit){};
	return (InotifyLimit){.value = value, .source = source};
}

static InotifyLimit tighter(InotifyLimit fs, InotifyLimit ns)
{
	if (fs.source == LIMIT_UNKNOWN || (ns.source != LIMIT_UNKNOWN && ns.value < fs.value))
		return ns;
	return fs;
}

static uint64_t one_percent_of_memory(uint64_t memory_bytes)
{
	return memory_bytes / 100 / LIMITS_DEFAULT_COST_BYTES;
}

static uint64_t read_memory(int proc_fd)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t kib;

	if (read_file_at(proc_fd, "meminfo", 8192, &text) < 0)
		return 0;
	const char *line = strstr(text, "MemTotal:");
	if (!line)
		return 0;
	line += strlen("MemTotal:");
	line += strspn(line, " \t");
	return parse_u64_prefix(line, &line, &kib) == 0 && kib < UINT64_MAX / 1024 ? kib * 1024 : 0;
}

static bool below_init(int proc_fd)
{
	uint64_t inode = namespace_read_link(proc_fd, "self/ns/user");
	return inode != 0 && inode != INIT_USER_NS_INODE;
}

void inotify_limits_read(int proc_fd, InotifyLimits *ret)
{
	uint64_t memory = read_memory(proc_fd);
	uint64_t share = one_percent_of_memory(memory);

	*ret = (InotifyLimits){
		.fs_instances = read_limit(proc_fd, "sys/fs/inotify/max_user_instances", LIMIT_FS),
		.fs_watches = read_limit(proc_fd, "sys/fs/inotify/max_user_watches", LIMIT_FS),
		.queued_events = read_limit(proc_fd, "sys/fs/inotify/max_queued_events", LIMIT_FS),
		.ns_instances =
			read_limit(proc_fd, "sys/user/max_inotify_instances", LIMIT_NAMESPACE),
		.ns_watches = read_limit(proc_fd, "sys/user/max_inotify_watches", LIMIT_NAMESPACE),
		.in_child_userns = below_init(proc_fd),
		.memory_bytes = memory,
		.default_watches = memory ? MIN_OF(MAX_OF(share, (uint64_t)WATCHES_DEFAULT_MIN),
						    (uint64_t)WATCHES_DEFAULT_MAX)
					  : 0,
		.watch_cost_bytes = LIMITS_WATCH_COST_BYTES,
	};
	ret->instances = tighter(ret->fs_instances, ret->ns_instances);
	ret->watches = tighter(ret->fs_watches, ret->ns_watches);
}

double inotify_limit_percent(uint64_t used, InotifyLimit limit)
{
	if (limit.source == LIMIT_UNKNOWN || limit.value == 0)
		return -1;
	return 100.0 * (double)used / (double)limit.value;
}

static const char *const resource_names[INOTIFY_RESOURCE_MAX] = {
	[INOTIFY_INSTANCES] = "instances",
	[INOTIFY_WATCHES] = "watches",
};

const char *inotify_resource_to_string(InotifyResource resource)
{
	return resource >= 0 && resource < INOTIFY_RESOURCE_MAX ? resource_names[resource] : NULL;
}

InotifyResource inotify_resource_from_string(const char *name)
{
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++)
		if (streq(name, resource_names[i]))
			return (InotifyResource)i;
	return INOTIFY_RESOURCE_INVALID;
}

uint64_t inotify_limit_cap(InotifyResource resource, uint64_t memory_bytes)
{
	if (resource == INOTIFY_INSTANCES)
		return LIMITS_INSTANCES_CAP;
	return MAX_OF(one_percent_of_memory(memory_bytes), (uint64_t)LIMITS_WATCHES_CAP);
}

static uint64_t twice(uint64_t value)
{
	return value > UINT64_MAX / 2 ? UINT64_MAX : value * 2;
}

uint64_t inotify_limit_target(
	InotifyResource resource, uint64_t current, uint64_t used, uint64_t memory_bytes)
{
	uint64_t wanted = MAX_OF(twice(current), twice(used));

	wanted = MIN_OF(wanted, inotify_limit_cap(resource, memory_bytes));
	return MAX_OF(wanted, current);
}

uint64_t inotify_limit_request(const InotifyLimits *limits, InotifyResource resource, uint64_t used)
{
	InotifyLimit limit =
		resource == INOTIFY_INSTANCES ? limits->fs_instances : limits->fs_watches;

	if (limit.source == LIMIT_UNKNOWN)
		return 0;
	uint64_t target = inotify_limit_target(resource, limit.value, used, limits->memory_bytes);
	return target > limit.value ? target : 0;
}
