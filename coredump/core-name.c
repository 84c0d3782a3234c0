/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/core-name.h"

#include "common/text.h"
#include <ctype.h>
#include <limits.h>
#include <string.h>

#define SECONDS_MAX 100000000000ULL /* a time below it is in seconds: year 5138 */

/* The next part of a dotted name, cut out of rest. NULL: none, or empty. */
static char *next_part(char **rest)
{
	char *part = strsep(rest, ".");

	return part && *part ? part : NULL;
}

static bool take_boot_id(const char *part, char ret[static 33])
{
	size_t n = strlen(part);

	if (n != 32)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isxdigit((unsigned char)part[i]))
			return false;
		ret[i] = (char)tolower((unsigned char)part[i]);
	}
	ret[n] = '\0';
	return true;
}

/* What may follow the time: nothing, or a compression's suffix. */
static bool take_suffix(const char *rest, CoreCompression *ret)
{
	*ret = CORE_PLAIN;
	if (!rest)
		return true;
	for (int i = CORE_ZSTD; i < CORE_COMPRESSION_MAX; i++)
		if (streq(rest, core_compression_suffix((CoreCompression)i) + 1)) {
			*ret = (CoreCompression)i;
			return true;
		}
	return false;
}

bool core_name_parse(const char *name, CoreName *ret)
{
	char copy[NAME_MAX + 1], *rest = copy;
	uint64_t uid, pid, when;
	CoreName parsed = {};

	if (strlen(name) > NAME_MAX)
		return false;
	strcpy(copy, name);
	const char *prefix = next_part(&rest), *comm = prefix ? next_part(&rest) : NULL,
		   *uid_part = comm ? next_part(&rest) : NULL,
		   *boot = uid_part ? next_part(&rest) : NULL,
		   *pid_part = boot ? next_part(&rest) : NULL,
		   *when_part = pid_part ? next_part(&rest) : NULL;
	if (!when_part || !streq(prefix, "core") || !take_boot_id(boot, parsed.boot_id) ||
		parse_u64(uid_part, UINT32_MAX - 1, &uid) < 0 ||
		parse_u64(pid_part, INT32_MAX, &pid) < 0 || pid == 0 ||
		parse_u64(when_part, INT64_MAX, &when) < 0 || when == 0 ||
		!take_suffix(rest, &parsed.compression))
		return false;
	_cleanup_(freep) char *unescaped = unit_name_unescape(comm, strlen(comm));
	(void)snprintf(parsed.comm, sizeof parsed.comm, "%s", unescaped ? unescaped : comm);
	parsed.uid = (uid_t)uid;
	parsed.pid = (pid_t)pid;
	parsed.when_realtime = when < SECONDS_MAX ? when * USEC_PER_SEC : when;
	*ret = parsed;
	return true;
}

bool core_name_is_of(const CoreName *name, const Crash *crash)
{
	return streq(name->boot_id, crash->boot_id) && name->pid == crash->pid &&
	       name->when_realtime == crash->when_realtime && name->uid == crash->uid;
}

int core_name_take(const CoreName *name, Crash *crash)
{
	if (!crash->boot_id[0])
		memcpy(crash->boot_id, name->boot_id, sizeof crash->boot_id);
	if (crash->uid == CRASH_UID_UNKNOWN)
		crash->uid = name->uid;
	if (crash->pid == 0)
		crash->pid = name->pid;
	if (crash->when_realtime == 0)
		crash->when_realtime = name->when_realtime;
	if (!crash->comm && name->comm[0]) {
		crash->comm = strdup(name->comm);
		if (!crash->comm)
			return -ENOMEM;
	}
	return 0;
}
