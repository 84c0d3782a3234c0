/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index's bounds. What goes first: what anybody may have made up, then reported crashes, then
 * the oldest; pinned ones never. */
#include "coredump/index-internals.h"

#include "common/text.h"

#define TRIM_BATCH    256
#define FORGOTTEN_MAX 100000 /* hashes of forgotten crashes that are remembered */
#define SIZE_IN_USE                                                                                \
	"SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, "                \
	"pragma_freelist_count, pragma_page_size"

/* Deletes what the condition selects, at most limit rows; adds up what went. Gives how many. */
static int delete_some(
	CrashIndex *index, const char *condition, int64_t limit, IndexTrimmed *trimmed)
{
	_cleanup_(strbuf_done) StrBuf sql = {};
	int64_t unreported = 0, rows = 0;
	int r;

	strbuf_addf(&sql,
		"CREATE TEMP TABLE going AS SELECT id, reported FROM crashes WHERE pinned = 0%s "
		"ORDER BY trust, reported IS NULL, time LIMIT %lld",
		condition, (long long)limit);
	r = index_exec(index, strbuf_text(&sql));
	if (r < 0)
		return r;
	r = index_number(index, "SELECT count(*) FROM going WHERE reported IS NULL", &unreported);
	if (r >= 0)
		r = index_number(index, "SELECT count(*) FROM going", &rows);
	if (r >= 0)
		r = index_exec(index, "DELETE FROM traces WHERE crash IN (SELECT id FROM going);"
				      "DELETE FROM details WHERE crash IN (SELECT id FROM going);"
				      "DELETE FROM crashes WHERE id IN (SELECT id FROM going);");
	int dropped = index_exec(index, "DROP TABLE temp.going");
	if (r < 0 || dropped < 0)
		return r < 0 ? r : dropped;
	trimmed->rows += (uint64_t)rows;
	trimmed->unreported += (uint64_t)unreported;
	return (int)rows;
}

/* What a signature turned out to be, so long ago that no crash with it can be left. */
static int trim_refined(CrashIndex *index, usec_t before_realtime)
{
	char sql[96];

	(void)snprintf(sql, sizeof sql, "DELETE FROM refined WHERE time < %llu",
		(unsigned long long)before_realtime);
	return index_exec(index, sql);
}

static int trim_age(
	CrashIndex *index, const IndexBounds *bounds, usec_t now_realtime, IndexTrimmed *trimmed)
{
	char condition[64];
	int r;

	if (bounds->max_age_usec == 0 || bounds->max_age_usec >= now_realtime)
		return 0;
	(void)snprintf(condition, sizeof condition, " AND time < %llu",
		(unsigned long long)(now_realtime - bounds->max_age_usec));
	do
		r = delete_some(index, condition, TRIM_BATCH, trimmed);
	while (r == TRIM_BATCH);
	return r < 0 ? r : trim_refined(index, now_realtime - bounds->max_age_usec);
}

static int trim_rows(CrashIndex *index, const IndexBounds *bounds, IndexTrimmed *trimmed)
{
	int64_t rows = 0;
	int r;

	r = index_number(index, "SELECT count(*) FROM crashes", &rows);
	if (r < 0 || bounds->max_rows == 0 || rows <= (int64_t)bounds->max_rows)
		return r;
	return delete_some(index, "", rows - (int64_t)bounds->max_rows, trimmed);
}

/* Until what the condition selects is gone, or enough is. */
static int trim_bytes_of(
	CrashIndex *index, const IndexBounds *bounds, const char *condition, IndexTrimmed *trimmed)
{
	int64_t bytes = 0;
	int r;

	do {
		r = index_number(index, SIZE_IN_USE, &bytes);
		if (r < 0 || bounds->max_bytes == 0 || bytes <= (int64_t)bounds->max_bytes)
			return r;
		r = delete_some(index, condition, TRIM_BATCH, trimmed);
	} while (r > 0);
	return r;
}

/* By themselves first: a batch that takes more than it must takes none of the real ones. */
static int trim_bytes(CrashIndex *index, const IndexBounds *bounds, IndexTrimmed *trimmed)
{
	int r = trim_bytes_of(index, bounds, " AND trust = 0", trimmed);

	return r < 0 ? r : trim_bytes_of(index, bounds, "", trimmed);
}

static int note_dropped(CrashIndex *index, uint64_t unreported, usec_t now_realtime)
{
	char sql[256];

	if (unreported == 0)
		return 0;
	(void)snprintf(sql, sizeof sql,
		"INSERT INTO dropped (only, count, time) VALUES (1, %llu, %llu) "
		"ON CONFLICT (only) DO UPDATE SET count = count + excluded.count, time = excluded.time",
		(unsigned long long)unreported, (unsigned long long)now_realtime);
	return index_exec(index, sql);
}

static int trim_forgotten(CrashIndex *index)
{
	char sql[160];

	(void)snprintf(sql, sizeof sql,
		"DELETE FROM forgotten WHERE hash IN "
		"(SELECT hash FROM forgotten ORDER BY time DESC LIMIT -1 OFFSET %d)",
		FORGOTTEN_MAX);
	return index_exec(index, sql);
}

int index_trim(CrashIndex *index, const IndexBounds *bounds, usec_t now_realtime, IndexTrimmed *ret)
{
	IndexTrimmed trimmed = {};
	int r;

	r = index_begin(index);
	if (r < 0)
		return r;
	r = trim_age(index, bounds, now_realtime, &trimmed);
	if (r >= 0)
		r = trim_rows(index, bounds, &trimmed);
	if (r >= 0)
		r = trim_bytes(index, bounds, &trimmed);
	if (r >= 0)
		r = trim_forgotten(index);
	if (r >= 0)
		r = note_dropped(index, trimmed.unreported, now_realtime);
	if (r < 0) {
		index_rollback(index);
		return r;
	}
	r = index_commit(index);
	if (r < 0)
		return r;
	if (trimmed.rows > 0)
		(void)index_exec(index, "PRAGMA incremental_vacuum");
	*ret = trimmed;
	return 0;
}

int index_dropped(CrashIndex *index, uint64_t *ret_count, usec_t *ret_last_realtime)
{
	int64_t count = 0, last = 0;
	int r;

	r = index_number(index, "SELECT count FROM dropped", &count);
	if (r >= 0)
		r = index_number(index, "SELECT time FROM dropped", &last);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret_count = (uint64_t)count;
	*ret_last_realtime = (usec_t)last;
	return 0;
}
