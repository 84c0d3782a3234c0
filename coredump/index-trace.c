/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was understood of crashes, beside their rows: lists never touch it. */
#include "coredump/index-internals.h"

#include "common/text.h"
#include "coredump/crash-version.h"
#include "coredump/trace-bound.h"

void crash_trace_done(CrashTrace *trace)
{
	json_decref(trace->trace);
	json_decref(trace->log);
	free(trace->error);
	*trace = (CrashTrace){};
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The newest lines that fit. 0 with NULL for none. */
static int log_to_text(const json_t *log, char **ret)
{
	_cleanup_(json_decrefp) json_t *lines = log ? json_copy((json_t *)log) : NULL;

	while (json_array_size(lines) > 0) {
		_cleanup_(freep) char *text = json_dumps(lines, JSON_COMPACT);
		if (!text)
			return -ENOMEM;
		if (strlen(text) <= INDEX_LOG_MAX) {
			*ret = TAKE_PTR(text);
			return 0;
		}
		(void)json_array_remove(lines, 0);
	}
	*ret = NULL;
	return 0;
}

static int put(
	CrashIndex *index, int64_t id, const CrashTrace *trace, const char *text, const char *log)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int r;

	/* Lines of the log are there for days only: later attempts keep those of the first. */
	r = index_statement(index,
		"INSERT INTO traces (crash, trace, rating, complete, time, retry, log) VALUES (?, ?, ?, ?, ?, ?, ?) "
		"ON CONFLICT (crash) DO UPDATE SET trace = excluded.trace, rating = excluded.rating, "
		"complete = excluded.complete, time = excluded.time, retry = excluded.retry, error = NULL, "
		"log = coalesce(excluded.log, log)",
		&statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, id);
	index_bind_text(statement, 2, text);
	(void)sqlite3_bind_int(statement, 3, trace->rating);
	(void)sqlite3_bind_int(statement, 4, trace->complete);
	(void)sqlite3_bind_int64(statement, 5, (sqlite3_int64)trace->analyzed_realtime);
	(void)sqlite3_bind_int64(
		statement, 6, trace->complete ? 0 : (sqlite3_int64)trace->retry_realtime);
	index_bind_text(statement, 7, log);
	return index_error(index, sqlite3_step(statement));
}

/* Of the executable's package, where its file is still the one that crashed. NULL: not known. */
static const char *version_in(const json_t *trace)
{
	const json_t *module;
	size_t i;

	json_array_foreach (json_object_get(trace, "modules"), i, module) {
		const char *state = json_string_value(json_object_get(module, "state"));
		if (json_is_true(json_object_get(module, "executable")) && state &&
			(streq(state, "present") || streq(state, "unproven")))
			return json_string_value(json_object_get(module, "version"));
	}
	return NULL;
}

static int fill_version(CrashIndex *index, const char *hash, const char *version)
{
	int r;

	if (!version || !*version || strlen(version) > CRASH_VERSION_MAX)
		return 0;
	r = index_change(index,
		"UPDATE crashes SET version = ?1 WHERE hash = ?2 AND version IS NULL", version, 0,
		hash);
	return r == -ENOENT ? 0 : r;
}

static int set_trace(CrashIndex *index, const char *hash, const CrashTrace *trace,
	const char *signature, const char *title)
{
	_cleanup_(freep) char *text = NULL, *log = NULL;
	CrashTrust trust = CRASH_UNVERIFIED;
	sqlite3_int64 id = 0;
	int r;

	r = index_look_up(index, hash, &id, &trust);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	r = trace_to_bounded_text(trace->trace, INDEX_TRACE_MAX, &text);
	if (r >= 0)
		r = log_to_text(trace->log, &log);
	if (r >= 0)
		r = put(index, id, trace, text, log);
	if (r >= 0)
		r = fill_version(index, hash, version_in(trace->trace));
	return r < 0 || !signature ? r : index_refine(index, id, signature, title);
}

int index_set_trace(CrashIndex *index, const char *hash, const CrashTrace *trace,
	const char *signature, const char *title)
{
	bool own;
	int r;

	r = index_begin_own(index, &own);
	return r < 0 ? r
		     : index_end_own(index, own, set_trace(index, hash, trace, signature, title));
}

int index_add_trace_attempt(CrashIndex *index, const char *hash, usec_t retry_realtime)
{
	return index_change(index,
		"INSERT INTO traces (crash, attempts, retry) SELECT id, 1, ?1 FROM crashes WHERE hash = ?2 "
		"ON CONFLICT (crash) DO UPDATE SET attempts = attempts + 1, retry = excluded.retry",
		NULL, (int64_t)retry_realtime, hash);
}

int index_set_trace_error(CrashIndex *index, const char *hash, const char *error)
{
	return index_change(index,
		"INSERT INTO traces (crash, error) SELECT id, substr(?1, 1, 4096) FROM crashes "
		"WHERE hash = ?2 ON CONFLICT (crash) DO UPDATE SET error = excluded.error",
		error, 0, hash);
}

int index_set_trace_retry(CrashIndex *index, const char *hash, usec_t retry_realtime)
{
	return index_change(index,
		"UPDATE traces SET retry = ?1 WHERE crash = (SELECT id FROM crashes WHERE hash = ?2)",
		NULL, (int64_t)retry_realtime, hash);
}

/* The name under which crashes of a signature are known. Caller frees; NULL: none, or no memory. */
static char *title_of(CrashIndex *index, const char *signature)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;

	if (index_statement(index,
		    "SELECT title FROM crashes WHERE signature = ? AND title IS NOT NULL "
		    "ORDER BY time DESC LIMIT 1",
		    &statement) < 0)
		return NULL;
	index_bind_text(statement, 1, signature);
	if (sqlite3_step(statement) != SQLITE_ROW)
		return NULL;
	return strdup((const char *)sqlite3_column_text(statement, 0));
}

static int take_expected(CrashIndex *index, const char *hash)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	char signature[CRASH_SIGNATURE_SIZE], expected[CRASH_SIGNATURE_SIZE];
	int code, r;

	r = index_statement(index, "SELECT id, signature FROM crashes WHERE hash = ?", &statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, hash);
	code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return index_error(index, code);
	(void)snprintf(signature, sizeof signature, "%s", sqlite3_column_text(statement, 1));
	r = index_expected_signature(index, signature, expected);
	if (r < 0 || streq(signature, expected))
		return r;
	_cleanup_(freep) char *title = title_of(index, expected);
	return index_refine(index, sqlite3_column_int64(statement, 0), expected, title);
}

int index_leave_untraced(CrashIndex *index, const char *hash, bool same)
{
	bool own;
	int r;

	r = index_begin_own(index, &own);
	if (r < 0)
		return r;
	r = index_change(index,
		"INSERT INTO traces (crash) SELECT id FROM crashes WHERE ?1 = 0 AND hash = ?2 "
		"ON CONFLICT (crash) DO UPDATE SET retry = 0",
		NULL, 0, hash);
	if (r >= 0 && same)
		r = take_expected(index, hash);
	return index_end_own(index, own, r);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_trace(sqlite3_stmt *statement, CrashTrace *ret)
{
	const char *text = (const char *)sqlite3_column_text(statement, 0);
	const char *error = (const char *)sqlite3_column_text(statement, 6);
	const char *log = (const char *)sqlite3_column_text(statement, 7);
	CrashTrace trace = {
		.trace = text ? json_loads(text, 0, NULL) : NULL,
		.log = log ? json_loads(log, 0, NULL) : NULL,
		.rating = sqlite3_column_int(statement, 1),
		.complete = sqlite3_column_int(statement, 2) != 0,
		.analyzed_realtime = (usec_t)sqlite3_column_int64(statement, 3),
		.attempts = (unsigned)sqlite3_column_int(statement, 4),
		.retry_realtime = (usec_t)sqlite3_column_int64(statement, 5),
		.error = error ? strdup(error) : NULL,
	};

	if ((text && !trace.trace) || (log && !trace.log) || (error && !trace.error)) {
		crash_trace_done(&trace);
		return -ENOMEM;
	}
	*ret = trace;
	return 1;
}

int index_get_trace(CrashIndex *index, const char *hash, CrashTrace *ret)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(index,
		"SELECT t.trace, t.rating, t.complete, t.time, t.attempts, t.retry, t.error, t.log "
		"FROM traces t JOIN crashes c ON c.id = t.crash WHERE c.hash = ?",
		&statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, hash);
	code = sqlite3_step(statement);
	if (code == SQLITE_DONE) {
		*ret = (CrashTrace){};
		return 0;
	}
	return code == SQLITE_ROW ? read_trace(statement, ret) : index_error(index, code);
}

int index_untraced(CrashIndex *index, usec_t since_realtime, usec_t now_realtime, unsigned limit,
	int (*row)(const CrashRow *row, void *userdata), void *userdata)
{
	const CrashQuery query = {
		.since_realtime = since_realtime,
		.untraced_realtime = now_realtime,
		.genuine = true,
		.newest_first = true,
		.limit = limit,
	};

	return index_query(index, &query, row, userdata);
}

int index_next_trace_retry(CrashIndex *index, usec_t *ret_realtime)
{
	int64_t next = 0;
	int r;

	r = index_number(
		index, "SELECT coalesce(min(retry), 0) FROM traces WHERE retry > 0", &next);
	if (r < 0 || next == 0)
		return r;
	*ret_realtime = (usec_t)next;
	return 1;
}
