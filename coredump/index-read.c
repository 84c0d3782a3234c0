/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Out of the index: lists, single crashes, groups. SQL is put together from tables of columns;
 * whatever a person typed is bound, never pasted. */
#include "coredump/index-internals.h"

#include "common/log.h"
#include "common/text.h"
#include <ctype.h>
#include <signal.h>

/* The columns of a row in the order in which read_row() takes them; the texts that are no details
 * follow, then with .full the details. */
static const char row_columns[] =
	"c.hash, c.machine, c.boot, c.pid, c.time, c.kind, c.trust, c.uid, c.gid, c.signal, c.dumpable, "
	"c.truncated, c.coreInJournal, c.notResponding, c.signature, c.title, c.told, c.attempts, "
	"c.pinned, c.reported, c.indexed, c.cursor, c.version";
#define N_ROW_COLUMNS 23

/* ---- matches --------------------------------------------------------------------------------- */

/* Columns that can be matched beside those of crash_texts. */
static const struct {
	const char *field, *column;
	bool number;
} match_columns[] = {
	{"pid", "c.pid", true},
	{"COREDUMP_PID", "c.pid", true},
	{"uid", "c.uid", true},
	{"COREDUMP_UID", "c.uid", true},
	{"gid", "c.gid", true},
	{"COREDUMP_GID", "c.gid", true},
	{"signal", "c.signal", true},
	{"COREDUMP_SIGNAL", "c.signal", true},
	{"COREDUMP_SIGNAL_NAME", "c.signal", true},
	{"boot", "c.boot", false},
	{"_BOOT_ID", "c.boot", false},
	{"machine", "c.machine", false},
	{"_MACHINE_ID", "c.machine", false},
	{"signature", "c.signature", false},
	{"program", "c.program", false},
	{"id", "c.hash", false},
	{"_HOSTNAME", "c.hostname", false},
};

/* The column of a match, in buf where it has to be made. NULL: there is none. */
static const char *column_of(const CrashMatch *match, bool *ret_number, char buf[static 64])
{
	const CrashText *text;

	for (size_t i = 0; i < ELEMENTSOF(match_columns); i++)
		if (streq(match->field, match_columns[i].field)) {
			*ret_number = match_columns[i].number;
			return match_columns[i].column;
		}
	*ret_number = false;
	text = crash_text_find(match->field);
	if (!text)
		return NULL;
	(void)snprintf(buf, 64, "%s.%s", index_is_detail(text) ? "d" : "c", text->key);
	return buf;
}

static bool needs_details(const CrashQuery *query)
{
	for (size_t i = 0; i < query->n_matches; i++) {
		const CrashText *text = crash_text_find(query->matches[i].field);
		if (text && index_is_detail(text))
			return true;
	}
	return query->full;
}

static bool is_first_of_field(const CrashQuery *query, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (streq(query->matches[i].field, query->matches[at].field))
			return false;
	return true;
}

/* " AND (x = ?5 OR x GLOB ?6)" for all matches on the field of the one at `first`. */
static int add_field(StrBuf *sql, const CrashQuery *query, size_t first, int base)
{
	char buf[64];
	bool number;
	const char *column = column_of(&query->matches[first], &number, buf);

	if (!column)
		return -EINVAL;
	strbuf_add(sql, " AND (");
	for (size_t i = first; i < query->n_matches; i++) {
		const CrashMatch *match = &query->matches[i];
		bool glob = match->glob || streq(match->field, "id");
		if (!streq(match->field, query->matches[first].field))
			continue;
		strbuf_addf(sql, "%s%s %s ?%d", i > first ? " OR " : "", column,
			glob && !number ? "GLOB" : "=", base + (int)i);
	}
	strbuf_add(sql, ")");
	return 0;
}

#define N_FIXED_BINDINGS 4 /* since, until, after, untraced; matches follow */

int index_add_where(StrBuf *sql, const CrashQuery *query)
{
	int r;

	strbuf_add(sql, " WHERE 1");
	if (query->since_realtime)
		strbuf_add(sql, " AND c.time >= ?1");
	if (query->until_realtime)
		strbuf_add(sql, " AND c.time <= ?2");
	if (query->after)
		strbuf_add(
			sql, " AND c.id > coalesce((SELECT id FROM crashes WHERE hash = ?3), 0)");
	if (query->untold)
		strbuf_add(sql, " AND c.told = 0");
	if (query->told)
		strbuf_add(sql, " AND c.told = 1");
	if (query->pinned)
		strbuf_add(sql, " AND c.pinned = 1");
	if (query->genuine)
		strbuf_addf(sql, " AND c.trust = %d", CRASH_GENUINE);
	if (query->untraced_realtime)
		strbuf_addf(sql,
			" AND c.kind = %d AND (c.coreFile IS NOT NULL OR c.coreInJournal) AND NOT "
			"EXISTS (SELECT 1 FROM traces t WHERE t.crash = c.id AND (t.complete OR "
			"t.retry = 0 OR t.retry > ?4))",
			CRASH_COREDUMP);
	for (size_t i = 0; i < query->n_matches; i++) {
		if (!is_first_of_field(query, i))
			continue;
		r = add_field(sql, query, i, N_FIXED_BINDINGS + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "11", "SEGV" or "SIGSEGV". -1: no signal. */
static int64_t signal_number(const char *value)
{
	const char *name = startswith(value, "SIG") ? startswith(value, "SIG") : value;
	uint64_t number;

	if (parse_u64(value, 255, &number) == 0)
		return (int64_t)number;
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);
		if (known && streq(known, name))
			return i;
	}
	return -1;
}

static void bind_match(sqlite3_stmt *statement, int at, const CrashMatch *match)
{
	char buf[64], prefix[CRASH_HASH_SIZE + 1];
	uint64_t number;
	bool is_number;
	const char *column = column_of(match, &is_number, buf);

	if (is_number && strstr(column, "signal"))
		(void)sqlite3_bind_int64(statement, at, signal_number(match->value));
	else if (is_number)
		(void)sqlite3_bind_int64(statement, at,
			parse_u64(match->value, INT64_MAX, &number) == 0 ? (int64_t)number : -1);
	else if (streq(match->field, "id")) {
		size_t n = MIN_OF(
			strspn(match->value, "0123456789abcdef"), (size_t)CRASH_HASH_SIZE - 1);
		(void)snprintf(prefix, sizeof prefix, "%.*s*", (int)n, match->value);
		(void)sqlite3_bind_text(
			statement, at, match->value[n] ? "-" : prefix, -1, SQLITE_TRANSIENT);
	} else
		index_bind_text(statement, at, match->value);
}

void index_bind_query(sqlite3_stmt *statement, const CrashQuery *query)
{
	if (query->since_realtime)
		(void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)query->since_realtime);
	if (query->until_realtime)
		(void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)query->until_realtime);
	if (query->after)
		index_bind_text(statement, 3, query->after);
	if (query->untraced_realtime)
		(void)sqlite3_bind_int64(statement, 4, (sqlite3_int64)query->untraced_realtime);
	for (size_t i = 0; i < query->n_matches; i++)
		bind_match(statement, N_FIXED_BINDINGS + 1 + (int)i, &query->matches[i]);
}

/* ---- rows ---------------------------------------------------------------------------------- */

void index_take_digits(char *ret, size_t size, const unsigned char *text)
{
	size_t n = text ? strnlen((const char *)text, size - 1) : 0;

	memcpy(ret, text ? (const char *)text : "", n);
	ret[n] = '\0';
}

static bool is_null(sqlite3_stmt *statement, int column)
{
	return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

char *index_borrowed(sqlite3_stmt *statement, int column)
{
	return (char *)sqlite3_column_text(statement, column);
}

/* A journal's field may hold NUL; one that does must not cost the others. */
static json_t *read_json(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);
	return text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
}

static int read_texts(sqlite3_stmt *statement, Crash *crash, bool details, int at)
{
	for (size_t i = 0; i < crash_n_texts; i++)
		if (index_is_detail(&crash_texts[i]) == details)
			*(char **)((char *)crash + crash_texts[i].offset) =
				index_borrowed(statement, at++);
	return at;
}

static void read_row(sqlite3_stmt *statement, bool full, CrashRow *row)
{
	*row = (CrashRow){.crash = CRASH_INIT};
	Crash *crash = &row->crash;

	index_take_digits(crash->hash, sizeof crash->hash, sqlite3_column_text(statement, 0));
	index_take_digits(
		crash->machine_id, sizeof crash->machine_id, sqlite3_column_text(statement, 1));
	index_take_digits(crash->boot_id, sizeof crash->boot_id, sqlite3_column_text(statement, 2));
	crash->pid = sqlite3_column_int(statement, 3);
	crash->when_realtime = (usec_t)sqlite3_column_int64(statement, 4);
	crash->kind = (CrashKind)sqlite3_column_int(statement, 5);
	crash->trust = (CrashTrust)sqlite3_column_int(statement, 6);
	if (!is_null(statement, 7))
		crash->uid = (uid_t)sqlite3_column_int64(statement, 7);
	if (!is_null(statement, 8))
		crash->gid = (gid_t)sqlite3_column_int64(statement, 8);
	crash->signal = sqlite3_column_int(statement, 9);
	crash->dumpable = sqlite3_column_int(statement, 10);
	crash->truncated = sqlite3_column_int(statement, 11) != 0;
	crash->core_in_journal = sqlite3_column_int(statement, 12) != 0;
	crash->not_responding = sqlite3_column_int(statement, 13) != 0;
	index_take_digits(
		row->signature, sizeof row->signature, sqlite3_column_text(statement, 14));
	row->title = index_borrowed(statement, 15);
	row->told = (CrashTold)sqlite3_column_int(statement, 16);
	row->attempts = (unsigned)sqlite3_column_int(statement, 17);
	row->pinned = sqlite3_column_int(statement, 18) != 0;
	row->reported = index_borrowed(statement, 19);
	row->indexed_realtime = (usec_t)sqlite3_column_int64(statement, 20);
	crash->cursor = index_borrowed(statement, 21);
	row->version = index_borrowed(statement, 22);
	int at = read_texts(statement, crash, false, N_ROW_COLUMNS);
	if (full) {
		at = read_texts(statement, crash, true, at);
		crash->fields = read_json(statement, at);
		crash->kcrash = read_json(statement, at + 1);
	}
}

static void add_columns(StrBuf *sql, bool full)
{
	strbuf_add(sql, row_columns);
	for (size_t i = 0; i < crash_n_texts; i++)
		if (!index_is_detail(&crash_texts[i]))
			strbuf_addf(sql, ", c.%s", crash_texts[i].key);
	for (size_t i = 0; full && i < crash_n_texts; i++)
		if (index_is_detail(&crash_texts[i]))
			strbuf_addf(sql, ", d.%s", crash_texts[i].key);
	if (full)
		strbuf_add(sql, ", d.fields, d.kcrash");
}

void index_add_from(StrBuf *sql, const CrashQuery *query)
{
	strbuf_addf(sql, " FROM crashes c%s",
		needs_details(query) ? " LEFT JOIN details d ON d.crash = c.id" : "");
}

/* The newest ones are wanted, whichever order they come in: where the oldest of them comes first,
 * their ids are found first. */
static int list_sql(StrBuf *sql, const CrashQuery *query)
{
	int r;

	strbuf_add(sql, "SELECT ");
	add_columns(sql, query->full);
	index_add_from(sql, query);
	if (query->limit && !query->newest_first) {
		strbuf_add(sql, " WHERE c.id IN (SELECT c.id");
		index_add_from(sql, query);
	}
	r = index_add_where(sql, query);
	if (r < 0)
		return r;
	if (query->limit && !query->newest_first)
		strbuf_addf(sql, " ORDER BY c.time DESC, c.id DESC LIMIT %u) ORDER BY c.time, c.id",
			query->limit);
	else
		strbuf_add(sql, query->newest_first ? " ORDER BY c.time DESC, c.id DESC"
						    : " ORDER BY c.time, c.id");
	if (query->limit && query->newest_first)
		strbuf_addf(sql, " LIMIT %u", query->limit);
	return sql->failed ? -ENOMEM : 0;
}

int index_query(CrashIndex *index, const CrashQuery *query,
	int (*callback)(const CrashRow *row, void *userdata), void *userdata)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	_cleanup_(strbuf_done) StrBuf sql = {};
	int code, r;

	r = list_sql(&sql, query);
	if (r < 0)
		return r;
	r = index_statement(index, strbuf_text(&sql), &statement);
	if (r < 0)
		return r;
	index_bind_query(statement, query);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		CrashRow row;
		read_row(statement, query->full, &row);
		r = callback(&row, userdata);
		json_decref(row.crash.fields);
		json_decref(row.crash.kcrash);
		if (r != 0)
			return r;
	}
	return index_error(index, code);
}

int index_count(CrashIndex *index, const CrashQuery *query, uint64_t *ret)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	_cleanup_(strbuf_done) StrBuf sql = {};
	int code, r;

	strbuf_add(&sql, "SELECT count(*)");
	index_add_from(&sql, query);
	r = index_add_where(&sql, query);
	if (r < 0)
		return r;
	r = index_statement(index, strbuf_text(&sql), &statement);
	if (r < 0)
		return r;
	index_bind_query(statement, query);
	code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return index_error(index, code);
	*ret = (uint64_t)sqlite3_column_int64(statement, 0);
	return 0;
}

/* ---- one crash ------------------------------------------------------------------------------- */

typedef struct Finding {
	CrashRow *row;
	int found; /* 0, 1 or 2: several */
	int error;
} Finding;

static int take_first(const CrashRow *row, void *userdata)
{
	Finding *finding = userdata;

	if (++finding->found > 1)
		return 1;
	finding->error = index_row_copy(row, finding->row);
	return finding->error;
}

/* The newest crash that matches: 1, 0 none, 2 there are several, -errno. */
static int find_by(
	CrashIndex *index, const char *field, const char *value, unsigned limit, CrashRow *ret)
{
	const CrashMatch match = {.field = field, .value = value};
	const CrashQuery query = {.matches = &match,
		.n_matches = field ? 1 : 0,
		.full = true,
		.newest_first = true,
		.limit = limit};
	Finding finding = {.row = ret};
	int r;

	*ret = (CrashRow){.crash = CRASH_INIT};
	r = index_query(index, &query, take_first, &finding);
	if (r < 0) {
		index_row_done(ret);
		return r;
	}
	if (finding.found > 1)
		index_row_done(ret);
	return finding.found;
}

int index_get(CrashIndex *index, const char *hash, CrashRow *ret)
{
	return find_by(index, "id", hash, 1, ret);
}

static int tell_several(CrashIndex *index, const char *field, const char *value,
	int (*several)(const CrashRow *row, void *userdata), void *userdata)
{
	const CrashMatch match = {.field = field, .value = value};
	const CrashQuery query = {.matches = &match, .n_matches = 1, .newest_first = true};
	int r;

	if (!several)
		return 2;
	r = index_query(index, &query, several, userdata);
	return r < 0 ? r : 2;
}

/* One of id and PID, where it may be either; both at once are several. */
static int find_number(CrashIndex *index, const char *field, const char *selector, CrashRow *ret,
	int (*several)(const CrashRow *row, void *userdata), void *userdata)
{
	int r = find_by(index, field, selector, 2, ret);

	return r == 2 ? tell_several(index, field, selector, several, userdata) : r;
}

int index_find(CrashIndex *index, const char *selector, CrashRow *ret,
	int (*several)(const CrashRow *row, void *userdata), void *userdata)
{
	size_t n = strlen(selector), hex = strspn(selector, "0123456789abcdef");
	bool is_pid = n > 0 && n <= 10 && strspn(selector, "0123456789") == n;
	int r = 0;

	if (streq(selector, "latest"))
		return find_by(index, NULL, NULL, 1, ret);
	if (strchr(selector, '/'))
		return find_by(index, "exe", selector, 1, ret);
	if (is_pid)
		r = find_number(index, "pid", selector, ret, several, userdata);
	if (r == 0 && n >= 4 && hex == n && n < CRASH_HASH_SIZE)
		r = find_number(index, "id", selector, ret, several, userdata);
	if (r == 0)
		r = find_by(index, "program", selector, 1, ret);
	return r != 0 ? r : find_by(index, "comm", selector, 1, ret);
}

int index_look_up(CrashIndex *index, const char *hash, sqlite3_int64 *ret_id, CrashTrust *ret_trust)
{
	sqlite3_stmt *statement = NULL;
	int r;

	r = index_prepare(index, STATEMENT_LOOK_UP, "SELECT id, trust FROM crashes WHERE hash = ?",
		&statement);
	if (r < 0)
		return r;
	index_bind_text(statement, 1, hash);
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*ret_id = sqlite3_column_int64(statement, 0);
		*ret_trust = (CrashTrust)sqlite3_column_int(statement, 1);
	}
	(void)sqlite3_reset(statement);
	return code == SQLITE_ROW ? 1 : index_error(index, code);
}
