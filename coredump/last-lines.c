/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/last-lines.h"

#include "common/text.h"
#include "coredump/journal-internals.h"

#define PASS_OVER_MAX 256 /* unreadable entries and those about crashes */
#define THRESHOLD     ((size_t)4096)

static int seek(sd_journal *journal, const Crash *crash, usec_t until)
{
	char match[64];
	int r;

	sd_journal_flush_matches(journal);
	(void)snprintf(match, sizeof match, "_BOOT_ID=%s", crash->boot_id);
	r = sd_journal_add_match(journal, match, 0);
	(void)snprintf(match, sizeof match, "_PID=%d", (int)crash->pid);
	if (r >= 0)
		r = sd_journal_add_match(journal, match, 0);
	if (r >= 0)
		r = sd_journal_seek_realtime_usec(journal, until);
	(void)sd_journal_set_data_threshold(journal, THRESHOLD);
	return r;
}

/* The field's value; NULL: it has none that can be read. */
static const char *field(sd_journal *journal, const char *name, size_t *ret_length)
{
	size_t prefix = strlen(name) + 1;
	const void *data;

	if (sd_journal_get_data(journal, name, &data, ret_length) < 0 || *ret_length < prefix)
		return NULL;
	*ret_length -= prefix;
	return (const char *)data + prefix;
}

static bool is_about_a_crash(sd_journal *journal)
{
	static const char *const ids[] = {CRASH_MESSAGE_ID_COREDUMP, CRASH_MESSAGE_ID_TRACEBACK};
	size_t length;
	const char *id = field(journal, "MESSAGE_ID", &length);

	for (size_t i = 0; id && i < ELEMENTSOF(ids); i++)
		if (length == strlen(ids[i]) && memcmp(id, ids[i], length) == 0)
			return true;
	return false;
}

/* Cut between two code points. */
static size_t cut(const char *text, size_t length)
{
	size_t n = LAST_LINES_TEXT_BYTES;

	if (length <= n)
		return length;
	while (n > LAST_LINES_TEXT_BYTES - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* NULL: no memory. */
static json_t *line_json(usec_t when, int priority, const char *text, size_t length)
{
	json_t *line = json_object();

	json_add_u64(line, "time", when);
	if (priority >= 0)
		json_add_u64(line, "priority", (uint64_t)priority);
	if (json_object_set_new(line, "message", json_text(text, cut(text, length))) < 0) {
		json_decref(line);
		return NULL;
	}
	return line;
}

/* 1 taken, 0 not, -errno. */
static int take(sd_journal *journal, usec_t when, json_t *lines)
{
	size_t length, priority_length;
	const char *found;
	int priority = -1;

	if (is_about_a_crash(journal))
		return 0;
	found = field(journal, "PRIORITY", &priority_length);
	if (found && priority_length == 1 && found[0] >= '0' && found[0] <= '7')
		priority = found[0] - '0';
	found = field(journal, "MESSAGE", &length);
	if (!found || length == 0)
		return 0;
	json_t *line = line_json(when, priority, found, length);
	/* Read from the newest on, and so put before those that came later. */
	return line && json_array_insert_new(lines, 0, line) >= 0 ? 1 : -ENOMEM;
}

static int read_back(sd_journal *journal, usec_t since, usec_t until, json_t *lines)
{
	unsigned taken = 0, passed = 0;
	usec_t when;
	int r = 0;

	while (taken < LAST_LINES_MAX && passed < PASS_OVER_MAX) {
		r = sd_journal_previous(journal);
		if (r == 0 || (r < 0 && r != -EBADMSG))
			return r;
		if (r < 0 || sd_journal_get_realtime_usec(journal, &when) < 0 || when > until) {
			passed++;
			continue;
		}
		if (when < since)
			return 0;
		r = take(journal, when, lines);
		if (r < 0)
			return r;
		taken += r > 0;
		passed += r == 0;
	}
	return 0;
}

int last_lines_read(CrashJournal *journal, const Crash *crash, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *lines = json_array();
	/* It may be known to the second only; nobody writes any more who is dead. */
	usec_t until = crash->when_realtime + USEC_PER_SEC;
	int r;

	if (!lines)
		return -ENOMEM;
	if (crash->pid > 0 && crash->boot_id[0] && crash->when_realtime > LAST_LINES_SPAN_USEC) {
		r = seek(journal->journal, crash, until);
		if (r >= 0)
			r = read_back(journal->journal, crash->when_realtime - LAST_LINES_SPAN_USEC,
				until, lines);
		(void)crash_journal_only(journal, NULL);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(lines);
	return 0;
}
