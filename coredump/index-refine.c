/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What belongs to a signature rather than to one crash (a person's mutes and notes), and how it
 * goes along when a crash is understood better and gets another signature. */
#include "coredump/index-internals.h"

#include "common/clock.h"
#include "common/text.h"

/* Each with the new signature as ?1, the old one as ?2. A mute for good (until = 0) outdoes any
 * other; a note of one's own is not overwritten. */
static const char *const followers[] = {
	"INSERT INTO mutes (kind, value, until) SELECT kind, ?1, until FROM mutes WHERE kind = 1 AND value = ?2 "
	"ON CONFLICT (kind, value) DO UPDATE SET until = CASE WHEN until = 0 OR excluded.until = 0 THEN 0 "
	"ELSE max(until, excluded.until) END",
	"INSERT OR IGNORE INTO notes (signature, note, time) SELECT ?1, note, time FROM notes WHERE signature = ?2",
};

static int set_signature(CrashIndex *index, int64_t id, const char *signature, const char *title)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int r;

	r = index_statement(
		index, "UPDATE crashes SET signature = ?, title = ? WHERE id = ?", &statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, signature);
	index_bind_text(statement, 2, title && *title ? title : NULL);
	(void)sqlite3_bind_int64(statement, 3, id);
	return index_error(index, sqlite3_step(statement));
}

static int signature_of(CrashIndex *index, int64_t id, char ret[static CRASH_SIGNATURE_SIZE])
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(index, "SELECT signature FROM crashes WHERE id = ?", &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, id);
	code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? -ENOENT : index_error(index, code);
	(void)snprintf(ret, CRASH_SIGNATURE_SIZE, "%s", sqlite3_column_text(statement, 0));
	return 0;
}

static int remember(CrashIndex *index, const char *old, const char *signature)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int r;

	r = index_statement(index,
		"INSERT OR REPLACE INTO refined (signature, became, time) VALUES (?, ?, ?)",
		&statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, old);
	index_bind_text(statement, 2, signature);
	(void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)now_usec(CLOCK_REALTIME));
	return index_error(index, sqlite3_step(statement));
}

int index_refine(CrashIndex *index, int64_t id, const char *signature, const char *title)
{
	char old[CRASH_SIGNATURE_SIZE];
	int r;

	r = signature_of(index, id, old);
	if (r < 0 || streq(old, signature))
		return r < 0 ? r : set_signature(index, id, signature, title);
	for (size_t i = 0; i < ELEMENTSOF(followers); i++) {
		r = index_change(index, followers[i], signature, 0, old);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	r = remember(index, old, signature);
	return r < 0 ? r : set_signature(index, id, signature, title);
}

int index_expected_signature(
	CrashIndex *index, const char *signature, char ret[static CRASH_SIGNATURE_SIZE])
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	char expected[CRASH_SIGNATURE_SIZE];
	int code, r;

	r = index_statement(index,
		REFINED_CHAIN "SELECT signature FROM chain ORDER BY steps DESC LIMIT 1",
		&statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 2, signature);
	code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return index_error(index, code);
	(void)snprintf(expected, sizeof expected, "%s", sqlite3_column_text(statement, 0));
	memcpy(ret, expected, sizeof expected); /* signature may be ret itself */
	return 0;
}

/* ---- notes ----------------------------------------------------------------------------------- */

int index_set_note(CrashIndex *index, const char *signature, const char *note, usec_t now_realtime)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int r;

	if (!note || !*note)
		return index_change(index, "DELETE FROM notes WHERE ?1 = 0 AND signature = ?2",
			NULL, 0, signature);
	if (strlen(note) > CRASH_NOTE_MAX)
		return -E2BIG;
	r = index_statement(index,
		"INSERT OR REPLACE INTO notes (signature, note, time) VALUES (?, ?, ?)",
		&statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, signature);
	index_bind_text(statement, 2, note);
	(void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)now_realtime);
	return index_error(index, sqlite3_step(statement));
}

int index_get_note(CrashIndex *index, const char *signature, char **ret_note, usec_t *ret_realtime)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(index, "SELECT note, time FROM notes WHERE signature = ?", &statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, signature);
	code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? 0 : index_error(index, code);
	char *note = strdup((const char *)sqlite3_column_text(statement, 0));
	if (!note)
		return -ENOMEM;
	*ret_note = note;
	*ret_realtime = (usec_t)sqlite3_column_int64(statement, 1);
	return 1;
}
