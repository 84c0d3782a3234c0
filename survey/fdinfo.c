/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A streaming counter over /proc/PID/fdinfo/N. It keeps at most the head of one line, so an
 * instance of half a million watches costs no more memory than one of ten. Pure: no I/O here. */
#include "survey/fdinfo.h"

#include <string.h>

static const char inotify_prefix[] = "inotify wd:";
static const char *const mark_prefixes[] = {"fanotify ino:", "fanotify mnt_id:", "fanotify sdev:"};
#define HEAD_ENOUGH 16 /* the longest prefix: "fanotify mnt_id:" */

/* FNV-1a, byte by byte, so that it does not matter where the pieces were cut. */
static void hash_bytes(FdinfoCounter *counter, const char *data, size_t length)
{
	if (!counter->hashing || !counter->counted)
		return;
	for (const char *end = data + length; data < end; data++)
		counter->hash = (counter->hash ^ (unsigned char)*data) * 0x100000001b3u;
}

/* Counts the line that starts with these bytes; says whether it was one of ours. */
static bool count_line(FdinfoCounter *counter, const char *head, size_t length)
{
	size_t n = sizeof inotify_prefix - 1;

	if (length >= n && memcmp(head, inotify_prefix, n) == 0) {
		counter->watches++;
		return true;
	}
	for (size_t i = 0; i < ELEMENTSOF(mark_prefixes); i++) {
		n = strlen(mark_prefixes[i]);
		if (length >= n && memcmp(head, mark_prefixes[i], n) == 0) {
			counter->marks++;
			return true;
		}
	}
	return false;
}

static void decide(FdinfoCounter *counter, const char *head, size_t length)
{
	counter->counted = count_line(counter, head, length);
	counter->in_line = true;
}

/* The first bytes of a line, which the previous piece may have begun. Gives how many of data were
 * taken. */
static size_t gather_head(FdinfoCounter *counter, const char *data, size_t length, bool line_ends)
{
	if (counter->head_length == 0 && (length >= HEAD_ENOUGH || line_ends)) {
		decide(counter, data, length);
		return 0;
	}

	size_t take = MIN_OF(length, (size_t)HEAD_ENOUGH - counter->head_length);
	memcpy(counter->head + counter->head_length, data, take);
	counter->head_length += (unsigned)take;
	if (counter->head_length == HEAD_ENOUGH || line_ends) {
		decide(counter, counter->head, counter->head_length);
		hash_bytes(counter, counter->head, counter->head_length);
		counter->head_length = 0;
	}
	return take;
}

void fdinfo_feed(FdinfoCounter *counter, const char *data, size_t length)
{
	const char *end = data + length;

	while (data < end) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		const char *stop = newline ? newline : end;

		if (!counter->in_line)
			data += gather_head(counter, data, (size_t)(stop - data), newline != NULL);
		if (counter->in_line)
			hash_bytes(counter, data, (size_t)(stop - data));
		if (newline)
			counter->in_line = false;
		data = newline ? newline + 1 : end;
	}
}

void fdinfo_end(FdinfoCounter *counter)
{
	fdinfo_feed(counter, "\n", 1);
}
