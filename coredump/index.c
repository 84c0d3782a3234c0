/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index's file: opening, its schema and migrations, damage, transactions. */
#include "coredump/index-internals.h"

#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include <fcntl.h>
#include <glib.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SCHEMA_VERSION 2

/* Applied in order to a database of an older version, each in a transaction with the version. Never
 * change one that was released: add another. Row ids are never used again, so they tell the order
 * of arrival. */
static const char *const migrations[SCHEMA_VERSION] = {
	"CREATE TABLE crashes (id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, machine TEXT NOT NULL, "
	"boot TEXT NOT NULL, pid INTEGER NOT NULL, time INTEGER NOT NULL, kind INTEGER NOT NULL, trust INTEGER NOT NULL, "
	"uid INTEGER, gid INTEGER, signal INTEGER NOT NULL, dumpable INTEGER NOT NULL, truncated INTEGER NOT NULL, "
	"coreInJournal INTEGER NOT NULL, notResponding INTEGER NOT NULL, program TEXT NOT NULL, signature TEXT NOT NULL, "
	"title TEXT, told INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, pinned INTEGER NOT NULL DEFAULT 0, "
	"reported TEXT, indexed INTEGER NOT NULL, cursor TEXT, comm TEXT, exe TEXT, cmdline TEXT, unit TEXT, userUnit TEXT, "
	"slice TEXT, cgroup TEXT, hostname TEXT, coreFile TEXT, cwd TEXT, root TEXT, threadName TEXT, rlimit TEXT);"
	"CREATE INDEX crashes_time ON crashes (time);"
	"CREATE INDEX crashes_signature ON crashes (signature, time);"
	"CREATE INDEX crashes_program ON crashes (program, time);"
	"CREATE INDEX crashes_untold ON crashes (id) WHERE told = 0;"
	"CREATE TABLE details (crash INTEGER PRIMARY KEY, message TEXT, package TEXT, containerCmdline TEXT, procCgroup TEXT, "
	"fields TEXT, kcrash TEXT);"
	"CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT, time INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE forgotten (hash TEXT PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE mutes (kind INTEGER NOT NULL, value TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (kind, value)) "
	"WITHOUT ROWID;"
	"CREATE TABLE dropped (only INTEGER PRIMARY KEY CHECK (only = 1), count INTEGER NOT NULL, time INTEGER NOT NULL);",

	/* Traces. Of what is there already the version is taken from what systemd-coredump told;
	 * json_extract() fails on what is no JSON, and these are our own but may be damaged. */
	"ALTER TABLE crashes ADD COLUMN version TEXT;"
	"UPDATE crashes SET version = (SELECT CASE WHEN json_valid(d.fields) THEN json_extract(d.fields, '$.COREDUMP_PACKAGE_VERSION') "
	"END FROM details d WHERE d.crash = crashes.id);"
	"CREATE TABLE traces (crash INTEGER PRIMARY KEY, trace TEXT, rating INTEGER NOT NULL DEFAULT 0, complete INTEGER NOT NULL DEFAULT 0, "
	"time INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, retry INTEGER NOT NULL DEFAULT 0, error TEXT, log TEXT);"
	"CREATE INDEX traces_retry ON traces (retry) WHERE retry > 0;"
	"CREATE TABLE notes (signature TEXT PRIMARY KEY, note TEXT NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE refined (signature TEXT PRIMARY KEY, became TEXT NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX refined_became ON refined (became);",
};

int index_error(const CrashIndex *index, int code)
{
	int error;

	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		error = index->db ? sqlite3_system_errno(index->db) : 0;
		return error > 0 ? -error : -EIO;
	default:
		return -EIO;
	}
}

int index_exec(CrashIndex *index, const char *sql)
{
	return index_error(index, sqlite3_exec(index->db, sql, NULL, NULL, NULL));
}

int index_statement(const CrashIndex *index, const char *sql, sqlite3_stmt **ret)
{
	return index_error(index, sqlite3_prepare_v2(index->db, sql, -1, ret, NULL));
}

int index_number(CrashIndex *index, const char *sql, int64_t *ret)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(index, sql, &statement);
	if (r < 0)
		return r;
	code = sqlite3_step(statement);
	if (code == SQLITE_DONE)
		return -ENOENT;
	if (code != SQLITE_ROW)
		return index_error(index, code);
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

int index_prepare(CrashIndex *index, IndexStatement which, const char *sql, sqlite3_stmt **ret)
{
	sqlite3_stmt **at = &index->statements[which];
	int code;

	if (*at) {
		(void)sqlite3_reset(*at);
		(void)sqlite3_clear_bindings(*at);
	} else {
		code = sqlite3_prepare_v3(index->db, sql, -1, SQLITE_PREPARE_PERSISTENT, at, NULL);
		if (code != SQLITE_OK)
			return index_error(index, code);
	}
	*ret = *at;
	return 0;
}

void index_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	if (text)
		(void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
	else
		(void)sqlite3_bind_null(statement, at);
}

int index_change(
	CrashIndex *index, const char *sql, const char *text, int64_t number, const char *hash)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(index, sql, &statement);
	if (r < 0)
		return r;
	if (text)
		index_bind_text(statement, 1, text);
	else
		(void)sqlite3_bind_int64(statement, 1, number);
	index_bind_text(statement, 2, hash);
	code = sqlite3_step(statement);
	if (code != SQLITE_DONE)
		return index_error(index, code);
	return sqlite3_changes(index->db) > 0 ? 0 : -ENOENT;
}

bool index_is_detail(const CrashText *text)
{
	switch (text->offset) { /* asked for every text of every row: no comparing of names */
	case offsetof(Crash, message):
	case offsetof(Crash, package):
	case offsetof(Crash, container_cmdline):
	case offsetof(Crash, proc_cgroup):
		return true;
	default:
		return false;
	}
}

/* ---- opening ------------------------------------------------------------------------------- */

static int migrate(CrashIndex *index, bool *ret_created)
{
	int64_t version = 0;
	int r;

	/* Under the writer's lock: two processes may come at once. */
	r = index_begin(index);
	if (r < 0)
		return r;
	r = index_number(index, "PRAGMA user_version", &version);
	if (r >= 0 && version > SCHEMA_VERSION)
		r = -ENOTSUP;
	*ret_created = version == 0;
	for (; r >= 0 && version < SCHEMA_VERSION; version++) {
		char set[64];
		(void)snprintf(
			set, sizeof set, "PRAGMA user_version = %lld", (long long)version + 1);
		r = index_exec(index, migrations[version]);
		if (r >= 0)
			r = index_exec(index, set);
	}
	if (r < 0) {
		index_rollback(index);
		return r;
	}
	return index_commit(index);
}

static int set_up(CrashIndex *index, IndexMode mode, bool *ret_created)
{
	int64_t version = 0;
	int r;

	(void)sqlite3_busy_timeout(index->db, INDEX_BUSY_MSEC);
	(void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	r = index_exec(index, "PRAGMA cell_size_check = 1; PRAGMA temp_store = MEMORY;");
	if (r >= 0)
		r = index_number(index, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	if (version > SCHEMA_VERSION)
		return -ENOTSUP;
	if (mode == INDEX_READ_ONLY)
		return version == SCHEMA_VERSION ? 0 : -ENOENT;
	if (version == 0) /* takes effect only before the first table */
		r = index_exec(index, "PRAGMA auto_vacuum = INCREMENTAL");
	/* NORMAL: a commit survives the end of the process at any instant; the loss of power may
	 * cost the last ones, with their cursor, and the journal tells them again. */
	if (r >= 0 && mode != INDEX_MEMORY)
		r = index_exec(index, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
				      "PRAGMA journal_size_limit = 4194304;");
	if (r >= 0 && version < SCHEMA_VERSION)
		r = migrate(index, ret_created);
	return r;
}

int index_check(CrashIndex *index)
{
	_cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
	int code, r;

	r = index_statement(index, "PRAGMA quick_check(1)", &statement);
	if (r < 0)
		return r;
	code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? 0 : index_error(index, code);
	const char *answer = (const char *)sqlite3_column_text(statement, 0);
	return answer && streq(answer, "ok") ? 0 : -EUCLEAN;
}

static int open_database(
	const char *path, int flags, IndexMode mode, CrashIndex **ret, bool *ret_created)
{
	_cleanup_(index_closep) CrashIndex *index = calloc(1, sizeof *index);
	int code, r;

	if (!index)
		return -ENOMEM;
	code = sqlite3_open_v2(path, &index->db,
		flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, NULL);
	r = index_error(index, code);
	if (r >= 0)
		r = set_up(index, mode, ret_created);
	if (r >= 0 && mode == INDEX_CHECKED)
		r = index_check(index);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(index);
	return 0;
}

/* "file:" and the path with what a URI would take for something else escaped. Caller frees. */
static char *uri_of(const char *path, const char *query)
{
	_cleanup_(strbuf_done) StrBuf uri = {};

	strbuf_add(&uri, "file:");
	for (; *path; path++)
		if (strchr("%?#", *path))
			strbuf_addf(&uri, "%%%02x", (unsigned char)*path);
		else
			strbuf_add_char(&uri, *path);
	strbuf_add(&uri, query);
	return strbuf_take(&uri);
}

static int open_read_only(const char *path, CrashIndex **ret)
{
	bool created;
	int r;

	if (access(path, F_OK) < 0)
		return -errno;
	_cleanup_(freep) char *plain = uri_of(path, "");
	_cleanup_(freep) char *immutable = uri_of(path, "?immutable=1");
	if (!plain || !immutable)
		return -ENOMEM;
	r = open_database(plain, SQLITE_OPEN_READONLY, INDEX_READ_ONLY, ret, &created);
	/* A reader of a WAL database writes beside it (and misses, with ENOENT, what it cannot
	 * make); where nobody can, nobody changes it either. */
	if (r < 0 && r != -EUCLEAN && r != -ENOTSUP && r != -EBUSY)
		r = open_database(immutable, SQLITE_OPEN_READONLY, INDEX_READ_ONLY, ret, &created);
	return r;
}

/* The file exists, 0600, before sqlite makes it: its companions take their mode from it. */
static int create_file(const char *path)
{
	_cleanup_(freep) char *directory = g_path_get_dirname(path);
	int r;

	r = make_directories(directory);
	if (r < 0)
		return r;
	_cleanup_(closep) int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

static int rename_beside(const char *path, const char *suffix, usec_t when)
{
	_cleanup_(freep) char *from = NULL, *to = NULL;

	if (asprintf(&from, "%s%s", path, suffix) < 0 ||
		asprintf(&to, "%s.damaged-%llu%s", path, (unsigned long long)(when / USEC_PER_SEC),
			suffix) < 0)
		return -ENOMEM;
	return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

/* Under a lock, and after looking once more: two processes may meet the damage at once, and the
 * second must not set the first one's new file aside. */
static int set_aside(const char *path, IndexMode mode, CrashIndex **ret, bool *ret_replaced)
{
	_cleanup_(freep) char *lock_path = NULL, *uri = uri_of(path, "");
	usec_t when = now_usec(CLOCK_REALTIME);
	bool created;
	int r;

	if (!uri || asprintf(&lock_path, "%s.lock", path) < 0)
		return -ENOMEM;
	_cleanup_(closep) int lock =
		open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return -errno;
	r = open_database(uri, SQLITE_OPEN_READWRITE, mode, ret, &created);
	if (r != -EUCLEAN)
		return r;
	log_warning(
		"'%s' is damaged: it is kept as '%s.damaged-%llu' and begun anew from the journal",
		path, path, (unsigned long long)(when / USEC_PER_SEC));
	r = rename_beside(path, "", when);
	if (r >= 0)
		r = rename_beside(path, "-wal", when);
	if (r >= 0)
		r = rename_beside(path, "-shm", when);
	if (r >= 0)
		r = create_file(path);
	if (r >= 0)
		r = open_database(uri, SQLITE_OPEN_READWRITE, mode, ret, &created);
	*ret_replaced = r >= 0;
	return r;
}

int index_open(const char *path, IndexMode mode, CrashIndex **ret, IndexFound *ret_found)
{
	bool created = false, replaced = false;
	int r;

	if (mode == INDEX_READ_ONLY) {
		r = open_read_only(path, ret);
	} else if (mode == INDEX_MEMORY) {
		r = open_database(":memory:", SQLITE_OPEN_READWRITE, mode, ret, &created);
	} else {
		_cleanup_(freep) char *uri = uri_of(path, "");
		r = uri ? create_file(path) : -ENOMEM;
		if (r >= 0)
			r = open_database(uri, SQLITE_OPEN_READWRITE, mode, ret, &created);
		if (r == -EUCLEAN)
			r = set_aside(path, mode, ret, &replaced);
	}
	if (r >= 0 && ret_found)
		*ret_found = replaced ? INDEX_REPLACED : created ? INDEX_CREATED : INDEX_AS_IT_WAS;
	return r;
}

CrashIndex *index_close(CrashIndex *index)
{
	if (!index)
		return NULL;
	for (size_t i = 0; i < STATEMENT_MAX; i++)
		(void)sqlite3_finalize(index->statements[i]);
	(void)sqlite3_close(index->db);
	free(index);
	return NULL;
}

void index_set_busy_msec(CrashIndex *index, unsigned busy_msec)
{
	(void)sqlite3_busy_timeout(index->db, (int)busy_msec);
}

/* A system unit's StateDirectory= is told in STATE_DIRECTORY (systemd.exec(5)). */
static char *root_state_dir(void)
{
	const char *told = getenv("STATE_DIRECTORY");
	return strdup(told && told[0] == '/' ? told : "/var/lib/vigil");
}

char *index_default_path(void)
{
	_cleanup_(freep) char *state = getuid() == 0 ? root_state_dir() : xdg_state_dir();
	char *path;

	return state && asprintf(&path, "%s/vigil.db", state) >= 0 ? path : NULL;
}

char *index_path_for_place(const char *place)
{
	_cleanup_(freep) char *cache = xdg_cache_dir();
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, place, -1);
	char *path;

	return cache && asprintf(&path, "%s/journal-%.16s.db", cache, digest) >= 0 ? path : NULL;
}

/* ---- transactions ---------------------------------------------------------------------------- */

int index_begin(CrashIndex *index)
{
	return index_exec(index, "BEGIN IMMEDIATE");
}

int index_commit(CrashIndex *index)
{
	int r = index_exec(index, "COMMIT");

	if (r < 0)
		index_rollback(index);
	return r;
}

void index_rollback(CrashIndex *index)
{
	/* A full disk or a lost file has rolled it back already. */
	if (!sqlite3_get_autocommit(index->db))
		(void)index_exec(index, "ROLLBACK");
}

int index_begin_own(CrashIndex *index, bool *ret_own)
{
	*ret_own = sqlite3_get_autocommit(index->db) != 0;
	return *ret_own ? index_begin(index) : 0;
}

int index_end_own(CrashIndex *index, bool own, int r)
{
	if (!own)
		return r;
	if (r < 0) {
		index_rollback(index);
		return r;
	}
	return index_commit(index);
}
