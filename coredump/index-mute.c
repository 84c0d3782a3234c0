/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a person does not want to hear of: programs, and crashes by their signature. A crash that
 * arrives has a signature of what is known at once; what that turned out to be the last time counts
 * as well, so that one is muted however much of it is understood yet. */
#include "coredump/index-internals.h"

#include "common/text.h"

/* ---- mutes ----------------------------------------------------------------------------------- */

int index_mute(CrashIndex *index, MuteKind kind, const char *value, usec_t until_realtime)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int r;

	r = index_statement(index,
		"INSERT OR REPLACE INTO mutes (kind, value, until) VALUES (?, ?, ?)", &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, (int)kind);
	index_bind_text(statement, 2, value);
	(void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)until_realtime);
	return index_error(index, sqlite3_step(statement));
}

int index_unmute(CrashIndex *index, MuteKind kind, const char *value)
{
	return index_change(index,
		"DELETE FROM mutes WHERE kind = ?1 AND (value = ?2 OR kind = 1 AND value IN "
		"(WITH RECURSIVE were (signature, steps) AS (SELECT ?2, 0 UNION SELECT r.signature, "
		"steps + 1 FROM refined r JOIN were w ON r.became = w.signature WHERE steps < " REFINED_STEPS
		") SELECT signature FROM were))",
		NULL, kind, value);
}

int index_is_muted(
	CrashIndex *index, const Crash *crash, const char *signature, usec_t now_realtime)
{
	const char *program = crash->exe ? crash->exe : crash->comm;
	sqlite3_stmt *statement = NULL;
	int r;

	r = index_prepare(index, STATEMENT_IS_MUTED,
		"SELECT 1 FROM mutes WHERE (kind = 0 AND value = ?1 OR kind = 1 AND value IN "
		"(" REFINED_CHAIN "SELECT signature FROM chain)) "
		"AND (until = 0 OR until > ?3) LIMIT 1",
		&statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, program);
	index_bind_text(statement, 2, signature);
	(void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)now_realtime);
	int code = sqlite3_step(statement);
	(void)sqlite3_reset(statement);
	return code == SQLITE_ROW ? 1 : index_error(index, code);
}

int index_mutes(CrashIndex *index,
	int (*mute)(MuteKind kind, const char *value, usec_t until_realtime, void *userdata),
	void *userdata)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(
		index, "SELECT kind, value, until FROM mutes ORDER BY kind, value", &statement);
	if (r < 0)
		return r;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *value = (const char *)sqlite3_column_text(statement, 1);
		r = mute((MuteKind)sqlite3_column_int(statement, 0), value ? value : "",
			(usec_t)sqlite3_column_int64(statement, 2), userdata);
		if (r != 0)
			return r;
	}
	return index_error(index, code);
}
