/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drop-in's text. Its head marks it as ours; a line of comment before each value records who,
 * when, and what was before. */
#include "helper/dropin.h"

#include "common/text.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>

static const char head[] =
	"# Written by vigil-helper. Change limits with 'vigil inotify raise'; 'vigil inotify reset' removes this file.\n";

static const char *const keys[INOTIFY_RESOURCE_MAX] = {
	[INOTIFY_INSTANCES] = "fs.inotify.max_user_instances",
	[INOTIFY_WATCHES] = "fs.inotify.max_user_watches",
};

const char *dropin_key(InotifyResource resource)
{
	return keys[resource];
}

bool dropin_is_empty(const DropIn *dropin)
{
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++)
		if (dropin->entries[i].set)
			return false;
	return true;
}

static size_t render_entry(char *buf, size_t size, const char *key, const DropInEntry *entry)
{
	time_t seconds = (time_t)(entry->when_realtime / USEC_PER_SEC);
	struct tm tm;
	char when[32];

	(void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	int n = snprintf(buf, size, "# by uid %u at %llu (%s) from %llu\n%s = %llu\n", entry->uid,
		(unsigned long long)entry->when_realtime, when, (unsigned long long)entry->previous,
		key, (unsigned long long)entry->value);
	return n < 0 ? 0 : MIN_OF((size_t)n, size - 1);
}

size_t dropin_render(const DropIn *dropin, char buf[static DROPIN_MAX_BYTES])
{
	size_t at = sizeof head - 1;

	memcpy(buf, head, sizeof head);
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++)
		if (dropin->entries[i].set)
			at += render_entry(
				buf + at, DROPIN_MAX_BYTES - at, keys[i], &dropin->entries[i]);
	return at;
}

/* Text, then a number; moves *p behind both. */
static bool take(const char **p, const char *text, uint64_t *ret)
{
	const char *rest = startswith(*p, text);
	return rest && parse_u64_prefix(rest, p, ret) == 0;
}

static int parse_entry(const char **p, DropIn *dropin)
{
	DropInEntry entry = {.set = true};
	uint64_t uid;

	if (!take(p, "# by uid ", &uid) || uid > UINT32_MAX ||
		!take(p, " at ", &entry.when_realtime))
		return -EBADMSG;
	*p = strstr(*p, ") from ");
	if (!*p || !take(p, ") from ", &entry.previous) || *(*p)++ != '\n')
		return -EBADMSG;
	entry.uid = (uid_t)uid;
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++) {
		const char *rest = startswith(*p, keys[i]);
		if (!rest)
			continue;
		*p = rest;
		if (!take(p, " = ", &entry.value) || *(*p)++ != '\n' || dropin->entries[i].set)
			return -EBADMSG;
		dropin->entries[i] = entry;
		return 0;
	}
	return -EBADMSG;
}

int dropin_parse(const char *text, DropIn *ret)
{
	DropIn dropin = {};
	const char *p = startswith(text, head);
	int r;

	if (!p)
		return -EBADMSG;
	while (*p) {
		r = parse_entry(&p, &dropin);
		if (r < 0)
			return r;
	}
	*ret = dropin;
	return 0;
}
