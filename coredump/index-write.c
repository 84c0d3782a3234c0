/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Into the index: crashes, and what became of them. */
#include "coredump/index-internals.h"

#include "common/clock.h"
#include "common/text.h"
#include "coredump/crash-version.h"

/* Columns of crashes in the order in which they are bound; the texts of crash_texts follow. */
static const char fixed_columns[] =
	"hash, machine, boot, pid, time, kind, trust, uid, gid, signal, dumpable, truncated, coreInJournal, "
	"notResponding, program, signature, title, told, indexed, cursor, version";
#define N_FIXED 21

static void add_placeholders(StrBuf *sql, int n)
{
	for (int i = 0; i < n; i++)
		strbuf_add(sql, i ? ", ?" : "?");
}

static int n_texts(bool details)
{
	int n = 0;
	for (size_t i = 0; i < crash_n_texts; i++)
		n += index_is_detail(&crash_texts[i]) == details;
	return n;
}

/* Binds the texts of one table from place `at` on; gives the next place. */
static int bind_texts(sqlite3_stmt *statement, const Crash *crash, bool details, int at)
{
	for (size_t i = 0; i < crash_n_texts; i++)
		if (index_is_detail(&crash_texts[i]) == details)
			index_bind_text(statement, at++, crash_text(crash, &crash_texts[i]));
	return at;
}

static int finish(CrashIndex *index, sqlite3_stmt *statement)
{
	int r = index_error(index, sqlite3_step(statement));

	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return r;
}

static int insert_details(CrashIndex *index, const Crash *crash, sqlite3_int64 id)
{
	_cleanup_(strbuf_done) StrBuf sql = {};
	_cleanup_(freep) char *fields = NULL, *kcrash = NULL;
	sqlite3_stmt *statement = NULL;
	int r;

	strbuf_add(&sql, "INSERT INTO details (crash, fields, kcrash");
	for (size_t i = 0; i < crash_n_texts; i++)
		if (index_is_detail(&crash_texts[i]))
			strbuf_addf(&sql, ", %s", crash_texts[i].key);
	strbuf_add(&sql, ") VALUES (");
	add_placeholders(&sql, 3 + n_texts(true));
	strbuf_add(&sql, ")");
	r = index_prepare(index, STATEMENT_INSERT_DETAILS, strbuf_text(&sql), &statement);
	if (r < 0)
		return r;
	fields = crash->fields ? json_dumps(crash->fields, JSON_COMPACT) : NULL;
	kcrash = crash->kcrash ? json_dumps(crash->kcrash, JSON_COMPACT) : NULL;
	(void)sqlite3_bind_int64(statement, 1, id);
	index_bind_text(statement, 2, fields);
	index_bind_text(statement, 3, kcrash);
	(void)bind_texts(statement, crash, true, 4);
	return finish(index, statement);
}

static void bind_number_or_null(sqlite3_stmt *statement, int at, bool known, int64_t number)
{
	if (known)
		(void)sqlite3_bind_int64(statement, at, number);
	else
		(void)sqlite3_bind_null(statement, at);
}

static int bind_fixed(sqlite3_stmt *statement, const Crash *crash)
{
	int at = 1;

	index_bind_text(statement, at++, crash->hash);
	index_bind_text(statement, at++, crash->machine_id);
	index_bind_text(statement, at++, crash->boot_id);
	(void)sqlite3_bind_int64(statement, at++, crash->pid);
	(void)sqlite3_bind_int64(statement, at++, (sqlite3_int64)crash->when_realtime);
	(void)sqlite3_bind_int(statement, at++, (int)crash->kind);
	(void)sqlite3_bind_int(statement, at++, (int)crash->trust);
	bind_number_or_null(statement, at++, crash->uid != CRASH_UID_UNKNOWN, crash->uid);
	bind_number_or_null(statement, at++, crash->gid != (gid_t)-1, crash->gid);
	(void)sqlite3_bind_int(statement, at++, crash->signal);
	(void)sqlite3_bind_int(statement, at++, crash->dumpable);
	(void)sqlite3_bind_int(statement, at++, crash->truncated);
	(void)sqlite3_bind_int(statement, at++, crash->core_in_journal);
	(void)sqlite3_bind_int(statement, at++, crash->not_responding);
	return at;
}

static int insert(CrashIndex *index, const Crash *crash, CrashTold told)
{
	_cleanup_(strbuf_done) StrBuf sql = {};
	_cleanup_(freep) char *title = crash_signature_title(crash),
			      *version = crash_version(crash);
	char signature[CRASH_SIGNATURE_SIZE], program[32];
	sqlite3_stmt *statement = NULL;
	int r;

	strbuf_addf(&sql, "INSERT INTO crashes (%s", fixed_columns);
	for (size_t i = 0; i < crash_n_texts; i++)
		if (!index_is_detail(&crash_texts[i]))
			strbuf_addf(&sql, ", %s", crash_texts[i].key);
	strbuf_add(&sql, ") VALUES (");
	add_placeholders(&sql, N_FIXED + n_texts(false));
	strbuf_add(&sql, ")");
	r = index_prepare(index, STATEMENT_INSERT, strbuf_text(&sql), &statement);
	if (r < 0)
		return r;
	crash_signature(crash, signature);
	int at = bind_fixed(statement, crash);
	index_bind_text(statement, at++, crash_program(crash, program));
	index_bind_text(statement, at++, signature);
	index_bind_text(statement, at++, title && *title ? title : NULL);
	(void)sqlite3_bind_int(statement, at++, (int)told);
	(void)sqlite3_bind_int64(statement, at++, (sqlite3_int64)now_usec(CLOCK_REALTIME));
	index_bind_text(statement, at++, crash->cursor);
	index_bind_text(statement, at++, version);
	(void)bind_texts(statement, crash, false, at);
	r = finish(index, statement);
	return r < 0 ? r : insert_details(index, crash, sqlite3_last_insert_rowid(index->db));
}

/* ---- merging --------------------------------------------------------------------------------- */

/* "UPDATE … SET x = coalesce(x, ?), … WHERE key = ? AND (x IS NULL AND ? IS NOT NULL OR …)": a row
 * changes only where something is told that it lacks. */
static void merge_sql(StrBuf *sql, const char *table, const char *key, bool details)
{
	int at = 2;

	strbuf_addf(sql, "UPDATE %s SET ", table);
	for (size_t i = 0; i < crash_n_texts; i++)
		if (index_is_detail(&crash_texts[i]) == details) {
			strbuf_addf(sql, "%s%s = coalesce(%s, ?%d)", at > 2 ? ", " : "",
				crash_texts[i].key, crash_texts[i].key, at);
			at++;
		}
	if (!details)
		strbuf_addf(sql,
			", truncated = truncated | ?%d, coreInJournal = coreInJournal | ?%d, "
			"notResponding = notResponding | ?%d, cursor = coalesce(cursor, ?%d), "
			"version = coalesce(version, ?%d)",
			at, at + 1, at + 2, at + 3, at + 4);
	else
		strbuf_addf(sql, ", kcrash = coalesce(kcrash, ?%d)", at);
	strbuf_addf(sql, " WHERE %s = ?1 AND (", key);
	at = 2;
	for (size_t i = 0; i < crash_n_texts; i++)
		if (index_is_detail(&crash_texts[i]) == details) {
			strbuf_addf(sql, "%s%s IS NULL AND ?%d IS NOT NULL", at > 2 ? " OR " : "",
				crash_texts[i].key, at);
			at++;
		}
	if (!details)
		strbuf_addf(sql,
			" OR truncated < ?%d OR coreInJournal < ?%d OR notResponding < ?%d "
			"OR cursor IS NULL AND ?%d IS NOT NULL OR version IS NULL AND ?%d IS NOT NULL)",
			at, at + 1, at + 2, at + 3, at + 4);
	else
		strbuf_addf(sql, " OR kcrash IS NULL AND ?%d IS NOT NULL)", at);
}

static int merge_row(CrashIndex *index, const Crash *crash, sqlite3_int64 id, int *changes)
{
	_cleanup_(freep) char *version = crash_version(crash);
	_cleanup_(strbuf_done) StrBuf sql = {};
	sqlite3_stmt *statement = NULL;
	int r;

	merge_sql(&sql, "crashes", "id", false);
	r = index_prepare(index, STATEMENT_UPDATE, strbuf_text(&sql), &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, id);
	int at = bind_texts(statement, crash, false, 2);
	(void)sqlite3_bind_int(statement, at++, crash->truncated);
	(void)sqlite3_bind_int(statement, at++, crash->core_in_journal);
	(void)sqlite3_bind_int(statement, at++, crash->not_responding);
	index_bind_text(statement, at++, crash->cursor);
	index_bind_text(statement, at, version);
	r = finish(index, statement);
	*changes += r < 0 ? 0 : sqlite3_changes(index->db);
	return r;
}

/* A stack trace that came later says better which crash it is. One of the core says it best. */
static int renew_signature(CrashIndex *index, const Crash *crash, sqlite3_int64 id)
{
	_cleanup_(freep) char *title = crash_signature_title(crash);
	char signature[CRASH_SIGNATURE_SIZE], sql[192];
	int64_t renewable = 0;
	int r;

	if (!title || !*title)
		return 0;
	(void)snprintf(sql, sizeof sql,
		"SELECT title IS NULL AND NOT EXISTS (SELECT 1 FROM traces t WHERE t.crash = c.id AND "
		"t.trace IS NOT NULL) FROM crashes c WHERE c.id = %lld",
		(long long)id);
	r = index_number(index, sql, &renewable);
	if (r < 0 || !renewable)
		return r;
	crash_signature(crash, signature);
	return index_refine(index, id, signature, title);
}

static int merge_details(CrashIndex *index, const Crash *crash, sqlite3_int64 id, int *changes)
{
	_cleanup_(strbuf_done) StrBuf sql = {};
	_cleanup_(freep) char *kcrash = NULL;
	sqlite3_stmt *statement = NULL;
	int r;

	merge_sql(&sql, "details", "crash", true);
	r = index_prepare(index, STATEMENT_UPDATE_DETAILS, strbuf_text(&sql), &statement);
	if (r < 0)
		return r;
	kcrash = crash->kcrash ? json_dumps(crash->kcrash, JSON_COMPACT) : NULL;
	(void)sqlite3_bind_int64(statement, 1, id);
	int at = bind_texts(statement, crash, true, 2);
	index_bind_text(statement, at, kcrash);
	r = finish(index, statement);
	if (r < 0)
		return r;
	*changes += sqlite3_changes(index->db);
	return sqlite3_changes(index->db) > 0 ? renew_signature(index, crash, id) : 0;
}

/* ---- adding ---------------------------------------------------------------------------------- */

/* What was forgotten while it was hearsay is kept as "?HASH": a genuine report of it is heard. */
static int is_forgotten(CrashIndex *index, const Crash *crash)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = index_prepare(index, STATEMENT_IS_FORGOTTEN,
		"SELECT 1 FROM forgotten WHERE hash = ?1 OR ?2 AND hash = '?' || ?1", &statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, crash->hash);
	(void)sqlite3_bind_int(statement, 2, crash->trust != CRASH_GENUINE);
	int code = sqlite3_step(statement);
	(void)sqlite3_reset(statement);
	return code == SQLITE_ROW ? 1 : index_error(index, code);
}

static int delete_row(CrashIndex *index, sqlite3_int64 id)
{
	char sql[224];

	(void)snprintf(sql, sizeof sql,
		"DELETE FROM traces WHERE crash = %lld; DELETE FROM details WHERE crash = %lld; "
		"DELETE FROM crashes WHERE id = %lld",
		(long long)id, (long long)id, (long long)id);
	return index_exec(index, sql);
}

static int add(CrashIndex *index, const Crash *crash, bool told, IndexAdded *ret)
{
	CrashTold told_state = crash->trust != CRASH_GENUINE ? CRASH_COUNTED
			       : told			     ? CRASH_TOLD
							     : CRASH_UNTOLD;
	CrashTrust trust = CRASH_UNVERIFIED;
	sqlite3_int64 id = 0;
	int r, changes = 0;

	r = index_look_up(index, crash->hash, &id, &trust);
	if (r < 0)
		return r;
	if (r == 0) {
		r = is_forgotten(index, crash);
		*ret = r > 0 ? INDEX_FORGOTTEN : INDEX_NEW;
		return r != 0 ? MIN_OF(r, 0) : insert(index, crash, told_state);
	}
	*ret = INDEX_KNOWN;
	if (crash->trust < trust) /* hearsay adds nothing to what is known for sure */
		return 0;
	if (crash->trust > trust) {
		/* Whoever told of it first may have made all of it up, to keep the real one quiet.
		 */
		*ret = INDEX_NEW;
		r = delete_row(index, id);
		return r < 0 ? r : insert(index, crash, told_state);
	}
	r = merge_row(index, crash, id, &changes);
	if (r >= 0)
		r = merge_details(index, crash, id, &changes);
	if (changes > 0)
		*ret = INDEX_MERGED;
	return r;
}

int index_add(CrashIndex *index, const Crash *crash, bool told, IndexAdded *ret)
{
	IndexAdded added = INDEX_KNOWN;
	bool own;
	int r;

	r = index_begin_own(index, &own);
	if (r < 0)
		return r;
	r = index_end_own(index, own, add(index, crash, told, &added));
	if (r >= 0)
		*ret = added;
	return r;
}

/* ---- what became of a crash ------------------------------------------------------------------ */

int index_set_told(CrashIndex *index, const char *hash, CrashTold told)
{
	return index_change(
		index, "UPDATE crashes SET told = ?1 WHERE hash = ?2", NULL, told, hash);
}

int index_add_attempt(CrashIndex *index, const char *hash)
{
	return index_change(index, "UPDATE crashes SET attempts = attempts + ?1 WHERE hash = ?2",
		NULL, 1, hash);
}

int index_drop_attempt(CrashIndex *index, const char *hash)
{
	return index_change(index,
		"UPDATE crashes SET attempts = max(attempts - ?1, 0) WHERE hash = ?2", NULL, 1,
		hash);
}

int index_set_pinned(CrashIndex *index, const char *hash, bool pinned)
{
	return index_change(
		index, "UPDATE crashes SET pinned = ?1 WHERE hash = ?2", NULL, pinned, hash);
}

int index_set_reported(CrashIndex *index, const char *hash, const char *url)
{
	return index_change(
		index, "UPDATE crashes SET reported = ?1 WHERE hash = ?2", url, 0, hash);
}

int index_set_kcrash(CrashIndex *index, const char *hash, const json_t *kcrash, bool not_responding)
{
	_cleanup_(freep) char *text = kcrash ? json_dumps(kcrash, JSON_COMPACT) : NULL;
	bool own;
	int r;

	if (kcrash && !text)
		return -ENOMEM;
	r = index_begin_own(index, &own);
	if (r < 0)
		return r;
	if (text)
		r = index_change(index,
			"UPDATE details SET kcrash = ?1 WHERE crash = (SELECT id FROM crashes WHERE hash = ?2)",
			text, 0, hash);
	if (r >= 0)
		r = index_change(index,
			"UPDATE crashes SET notResponding = notResponding | ?1 WHERE hash = ?2",
			NULL, not_responding, hash);
	return index_end_own(index, own, r);
}

static int forget(CrashIndex *index, const char *hash)
{
	CrashTrust trust = CRASH_UNVERIFIED;
	sqlite3_int64 id = 0;
	int r;

	r = index_look_up(index, hash, &id, &trust);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	r = index_change(index,
		trust == CRASH_GENUINE
			? "INSERT OR REPLACE INTO forgotten (time, hash) VALUES (?1, ?2)"
			: "INSERT OR REPLACE INTO forgotten (time, hash) VALUES (?1, '?' || ?2)",
		NULL, (int64_t)now_usec(CLOCK_REALTIME), hash);
	return r < 0 ? r : delete_row(index, id);
}

int index_forget(CrashIndex *index, const char *hash)
{
	bool own;
	int r;

	r = index_begin_own(index, &own);
	return r < 0 ? r : index_end_own(index, own, forget(index, hash));
}
