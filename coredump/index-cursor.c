/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far each source was read. */
#include "coredump/index-internals.h"

#include "common/text.h"

int index_get_cursor(CrashIndex *index, const char *source, char **ret_cursor, usec_t *ret_realtime)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(index, "SELECT cursor, time FROM cursors WHERE source = ?", &statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, source);
	code = sqlite3_step(statement);
	if (code == SQLITE_DONE)
		return -ENOENT;
	if (code != SQLITE_ROW)
		return index_error(index, code);
	const char *text = (const char *)sqlite3_column_text(statement, 0);
	char *cursor = text ? strdup(text) : NULL;
	if (text && !cursor)
		return -ENOMEM;
	*ret_cursor = cursor;
	*ret_realtime = (usec_t)sqlite3_column_int64(statement, 1);
	return 0;
}

int index_set_cursor(CrashIndex *index, const char *source, const char *cursor, usec_t realtime)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = index_prepare(index, STATEMENT_SET_CURSOR,
		"INSERT INTO cursors (source, cursor, time) VALUES (?, ?, ?) "
		"ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, time = excluded.time",
		&statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, source);
	index_bind_text(statement, 2, cursor);
	(void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)realtime);
	r = index_error(index, sqlite3_step(statement));
	(void)sqlite3_reset(statement);
	return r;
}

int index_cursors(CrashIndex *index,
	int (*each)(const char *source, const char *cursor, usec_t realtime, void *userdata),
	void *userdata)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(index, "SELECT source, cursor, time FROM cursors", &statement);
	if (r < 0)
		return r;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		r = each((const char *)sqlite3_column_text(statement, 0),
			(const char *)sqlite3_column_text(statement, 1),
			(usec_t)sqlite3_column_int64(statement, 2), userdata);
		if (r != 0)
			return r;
	}
	return index_error(index, code);
}
