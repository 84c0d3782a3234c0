/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same crash counted once: groups of one signature, with what a person has said of them. */
#include "coredump/index-internals.h"

#include "common/text.h"

static int groups_sql(StrBuf *sql, const CrashQuery *query)
{
	int r;

	/* The inner one counts; the outer one joins what the newest of each group is called. */
	strbuf_addf(sql,
		"SELECT g.signature, n.title, n.exe, n.comm, n.hash, n.signal, g.count, g.first, g.last, "
		"EXISTS (SELECT 1 FROM mutes m WHERE (m.kind = 1 AND m.value = g.signature OR m.kind = 0 "
		"AND m.value = coalesce(n.exe, n.comm)) AND (m.until = 0 OR m.until > "
		"CAST(strftime('%%s', 'now') AS INTEGER) * 1000000)), "
		"(SELECT note FROM notes WHERE signature = g.signature), "
		"(SELECT group_concat(version, char(10)) FROM (SELECT v.version FROM crashes v "
		"WHERE v.signature = g.signature AND v.version IS NOT NULL GROUP BY v.version "
		"ORDER BY max(v.time) DESC LIMIT %d)) "
		"FROM (SELECT c.signature AS signature, count(*) AS count, min(c.time) AS first, "
		"max(c.time) AS last, max(c.id) AS newest",
		CRASH_GROUP_VERSIONS);
	index_add_from(sql, query);
	r = index_add_where(sql, query);
	if (r < 0)
		return r;
	strbuf_addf(sql,
		" GROUP BY c.signature) g JOIN crashes n ON n.id = g.newest ORDER BY g.count %s, g.last %s",
		query->newest_first ? "DESC" : "ASC", query->newest_first ? "DESC" : "ASC");
	if (query->limit)
		strbuf_addf(sql, " LIMIT %u", query->limit);
	return sql->failed ? -ENOMEM : 0;
}

int index_groups(CrashIndex *index, const CrashQuery *query,
	int (*callback)(const CrashGroup *group, void *userdata), void *userdata)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	_cleanup_(strbuf_done) StrBuf sql = {};
	int code, r;

	r = groups_sql(&sql, query);
	if (r < 0)
		return r;
	r = index_statement(index, strbuf_text(&sql), &statement);
	if (r < 0)
		return r;
	index_bind_query(statement, query);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		CrashGroup group = {
			.title = index_borrowed(statement, 1),
			.exe = index_borrowed(statement, 2),
			.comm = index_borrowed(statement, 3),
			.signal = sqlite3_column_int(statement, 5),
			.count = (uint64_t)sqlite3_column_int64(statement, 6),
			.first_realtime = (usec_t)sqlite3_column_int64(statement, 7),
			.last_realtime = (usec_t)sqlite3_column_int64(statement, 8),
			.muted = sqlite3_column_int(statement, 9) != 0,
			.note = index_borrowed(statement, 10),
			.versions = index_borrowed(statement, 11),
		};
		index_take_digits(
			group.signature, sizeof group.signature, sqlite3_column_text(statement, 0));
		index_take_digits(
			group.newest, sizeof group.newest, sqlite3_column_text(statement, 4));
		r = callback(&group, userdata);
		if (r != 0)
			return r;
	}
	return index_error(index, code);
}
