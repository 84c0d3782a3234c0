/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index: identity, merging, trust, cursors, queries, bounds, damage, other writers. */
#include "common/strbuf.h"
#include "coredump/index.h"
#include "test.h"
#include <glob.h>
#include <sqlite3.h>
#include <sys/wait.h>

#define SECOND USEC_PER_SEC
#define BASE   ((usec_t)1764000000 * SECOND)

static void make(Crash *crash, pid_t pid, const char *exe, usec_t when)
{
	*crash = (Crash)CRASH_INIT;
	crash->pid = pid;
	crash->when_realtime = when;
	crash->uid = 1000;
	crash->signal = 11;
	crash->trust = CRASH_GENUINE;
	crash->exe = strdup(exe);
	strcpy(crash->boot_id, "0123456789abcdef0123456789abcdef");
	assert_int_equal(crash_identify(crash, 0), 0);
}

static IndexAdded add(CrashIndex *index, const Crash *crash)
{
	IndexAdded added = INDEX_FORGOTTEN;
	assert_int_equal(index_add(index, crash, false, &added), 0);
	return added;
}

static IndexAdded add_new(CrashIndex *index, pid_t pid, const char *exe, usec_t when)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	make(&crash, pid, exe, when);
	return add(index, &crash);
}

static CrashIndex *memory(void)
{
	CrashIndex *index = NULL;
	IndexFound found = INDEX_AS_IT_WAS;
	assert_int_equal(index_open(NULL, INDEX_MEMORY, &index, &found), 0);
	assert_int_equal(found, INDEX_CREATED);
	return index;
}

static uint64_t count(CrashIndex *index, const CrashQuery *query)
{
	uint64_t n = 0;
	assert_int_equal(index_count(index, query, &n), 0);
	return n;
}

static const CrashQuery everything = {};

static void test_one_crash_by_three_roads_is_one_row(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	CrashRow row;

	(void)state;
	make(&crash, 1, "/bin/a", BASE);
	assert_int_equal(add(index, &crash), INDEX_NEW);
	assert_int_equal(add(index, &crash), INDEX_KNOWN);
	crash.comm = strdup("a");
	crash.message = strdup("#0  0x1 f (a + 0x1)\n");
	crash.truncated = true;
	assert_int_equal(add(index, &crash), INDEX_MERGED);
	assert_int_equal(add(index, &crash), INDEX_KNOWN);
	assert_int_equal(count(index, &everything), 1);
	assert_int_equal(index_get(index, crash.hash, &row), 1);
	assert_string_equal(row.crash.comm, "a");
	assert_string_equal(row.title, "f");
	assert_true(row.crash.truncated);
	index_row_done(&row);
}

static void test_a_field_with_a_zero_costs_no_other(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	CrashRow row;

	(void)state;
	make(&crash, 1, "/bin/a", BASE);
	assert_int_equal(crash_take_field(&crash, "BINARY", 6, "a\0b", 3), 1);
	assert_int_equal(crash_take_field(&crash, "OTHER", 5, "text", 4), 1);
	assert_int_equal(add(index, &crash), INDEX_NEW);
	assert_int_equal(index_get(index, crash.hash, &row), 1);
	assert_true(json_equal(row.crash.fields, crash.fields));
	index_row_done(&row);
}

/* What somebody made up neither stays beside the real report nor adds to it. */
static void test_genuine_replaces_hearsay(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash forged = CRASH_INIT, genuine = CRASH_INIT;
	IndexAdded added;
	CrashRow row;

	(void)state;
	make(&forged, 1, "/bin/forged", BASE);
	forged.trust = CRASH_UNVERIFIED;
	forged.comm = strdup("forged");
	assert_int_equal(add(index, &forged), INDEX_NEW);
	assert_int_equal(index_get(index, forged.hash, &row), 1);
	assert_int_equal(row.told, CRASH_COUNTED);
	index_row_done(&row);
	/* Not even where all that there is counts as told: that would keep the next one quiet. */
	assert_int_equal(index_forget(index, forged.hash), 0);
	forged.pid = 2;
	assert_int_equal(crash_identify(&forged, 0), 0);
	assert_int_equal(index_add(index, &forged, true, &added), 0);
	assert_int_equal(index_get(index, forged.hash, &row), 1);
	assert_int_equal(row.told, CRASH_COUNTED);
	index_row_done(&row);
	assert_int_equal(count(index, &(CrashQuery){.genuine = true}), 0);
	make(&genuine, 2, "/bin/real", BASE);
	assert_int_equal(add(index, &genuine), INDEX_NEW);
	forged.cwd = strdup("/forged");
	assert_int_equal(add(index, &forged), INDEX_KNOWN);
	assert_int_equal(index_get(index, forged.hash, &row), 1);
	assert_string_equal(row.crash.exe, "/bin/real");
	assert_null(row.crash.comm);
	assert_null(row.crash.cwd);
	assert_int_equal(row.told, CRASH_UNTOLD);
	assert_int_equal(row.crash.trust, CRASH_GENUINE);
	index_row_done(&row);
	assert_int_equal(count(index, &everything), 1);
	assert_int_equal(count(index, &(CrashQuery){.genuine = true}), 1);
}

static void test_rows_and_cursor_stand_or_fall_together(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(freep) char *cursor = NULL;
	usec_t when;

	(void)state;
	assert_int_equal(index_get_cursor(index, "journal", &cursor, &when), -ENOENT);
	assert_int_equal(index_begin(index), 0);
	assert_int_equal(add_new(index, 1, "/bin/a", BASE), INDEX_NEW);
	assert_int_equal(index_set_cursor(index, "journal", "s=1", BASE), 0);
	index_rollback(index);
	assert_int_equal(count(index, &everything), 0);
	assert_int_equal(index_get_cursor(index, "journal", &cursor, &when), -ENOENT);
	assert_int_equal(index_begin(index), 0);
	assert_int_equal(add_new(index, 1, "/bin/a", BASE), INDEX_NEW);
	assert_int_equal(index_set_cursor(index, "journal", "s=1", BASE), 0);
	assert_int_equal(index_set_cursor(index, "journal", "s=2", BASE + 1), 0);
	assert_int_equal(index_commit(index), 0);
	assert_int_equal(index_get_cursor(index, "journal", &cursor, &when), 0);
	assert_string_equal(cursor, "s=2");
	assert_true(when == BASE + 1);
	assert_int_equal(count(index, &everything), 1);
}

typedef struct Seen {
	pid_t pids[16];
	size_t n;
} Seen;

static int see(const CrashRow *row, void *userdata)
{
	Seen *seen = userdata;
	seen->pids[seen->n++] = row->crash.pid;
	return 0;
}

static void expect(CrashIndex *index, const CrashQuery *query, const char *pids)
{
	_cleanup_(strbuf_done) StrBuf text = {};
	Seen seen = {};

	assert_int_equal(index_query(index, query, see, &seen), 0);
	for (size_t i = 0; i < seen.n; i++)
		strbuf_addf(&text, "%d", seen.pids[i]);
	assert_string_equal(strbuf_text(&text), pids);
}

static void test_queries(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();

	(void)state;
	(void)add_new(index, 3, "/bin/b", BASE + 3 * SECOND);
	(void)add_new(index, 1, "/bin/a", BASE + 1 * SECOND);
	(void)add_new(index, 2, "/bin/a", BASE + 2 * SECOND);
	(void)add_new(index, 4, "/opt/c", BASE + 4 * SECOND);
	expect(index, &everything, "1234");
	expect(index, &(CrashQuery){.newest_first = true}, "4321");
	expect(index, &(CrashQuery){.limit = 2}, "34");
	expect(index, &(CrashQuery){.limit = 2, .newest_first = true}, "43");
	expect(index, &(CrashQuery){.since_realtime = BASE + 2 * SECOND}, "234");
	expect(index, &(CrashQuery){.until_realtime = BASE + 2 * SECOND}, "12");
	expect(index, &(CrashQuery){.limit = 1, .until_realtime = BASE + 2 * SECOND, .full = true},
		"2");
	CrashMatch matches[] = {{"COREDUMP_EXE", "/bin/a", false},
		{"COREDUMP_EXE", "/opt/c", false}, {"pid", "4", false}};
	expect(index, &(CrashQuery){.matches = matches, .n_matches = 2}, "124");
	expect(index, &(CrashQuery){.matches = matches, .n_matches = 3}, "4");
	CrashMatch glob = {"exe", "/bin/*", true};
	expect(index, &(CrashQuery){.matches = &glob, .n_matches = 1}, "123");
	CrashMatch by_signal[] = {{"signal", "SIGSEGV", false}, {"message", "x", false}};
	expect(index, &(CrashQuery){.matches = by_signal, .n_matches = 1}, "1234");
	expect(index, &(CrashQuery){.matches = by_signal, .n_matches = 2}, "");
	CrashMatch bad = {"nonsense; DROP TABLE crashes", "x", false};
	assert_int_equal(
		index_query(index, &(CrashQuery){.matches = &bad, .n_matches = 1}, see, NULL),
		-EINVAL);
	CrashMatch quoted = {"exe", "' OR 1=1 --", false};
	expect(index, &(CrashQuery){.matches = &quoted, .n_matches = 1}, "");
	expect(index, &(CrashQuery){.untold = true}, "1234");
	CrashRow row;
	assert_int_equal(index_find(index, "3", &row, NULL, NULL), 1);
	expect(index, &(CrashQuery){.after = row.crash.hash}, "124");
	index_row_done(&row);
}

static void test_finding_one(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	CrashRow row;
	Seen seen = {};
	char prefix[8];

	(void)state;
	assert_int_equal(index_find(index, "latest", &row, NULL, NULL), 0);
	(void)add_new(index, 1234567, "/bin/a", BASE + 1);
	(void)add_new(index, 8, "/bin/a", BASE + 2);
	(void)add_new(index, 1234567, "/bin/b", BASE + 3);
	(void)add_new(index, 9, "/bin/cafe", BASE);
	assert_int_equal(index_find(index, "latest", &row, NULL, NULL), 1);
	assert_string_equal(row.crash.exe, "/bin/b");
	(void)snprintf(prefix, sizeof prefix, "%.7s", row.crash.hash);
	index_row_done(&row);
	assert_int_equal(index_find(index, prefix, &row, NULL, NULL), 1);
	assert_string_equal(row.crash.exe, "/bin/b");
	index_row_done(&row);
	assert_int_equal(index_find(index, "a", &row, NULL, NULL), 1);
	assert_int_equal(row.crash.pid, 8);
	index_row_done(&row);
	assert_int_equal(index_find(index, "/bin/cafe", &row, NULL, NULL), 1);
	index_row_done(&row);
	assert_int_equal(index_find(index, "cafe", &row, NULL, NULL), 1);
	assert_int_equal(row.crash.pid, 9);
	index_row_done(&row);
	assert_int_equal(index_find(index, "1234567", &row, see, &seen), 2);
	assert_int_equal(seen.n, 2);
	assert_int_equal(index_find(index, "nobody", &row, NULL, NULL), 0);
	assert_int_equal(index_find(index, "", &row, NULL, NULL), 0);
	assert_int_equal(index_find(index, "abcd*", &row, NULL, NULL), 0);
}

static int first_group(const CrashGroup *group, void *userdata)
{
	CrashGroup *ret = userdata;
	if (ret->count == 0) {
		*ret = *group;
		ret->exe = NULL;
	}
	return 0;
}

static void test_groups_and_mutes(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	CrashGroup group = {};
	const CrashQuery biggest = {.newest_first = true};
	char signature[CRASH_SIGNATURE_SIZE];

	(void)state;
	for (int i = 1; i <= 5; i++)
		(void)add_new(index, i, "/bin/loop", BASE + (usec_t)i);
	(void)add_new(index, 9, "/bin/once", BASE + 99);
	assert_int_equal(index_groups(index, &biggest, first_group, &group), 0);
	assert_int_equal(group.count, 5);
	assert_true(group.first_realtime == BASE + 1 && group.last_realtime == BASE + 5);
	assert_false(group.muted);
	make(&crash, 77, "/bin/loop", BASE);
	crash_signature(&crash, signature);
	assert_string_equal(signature, group.signature);
	assert_int_equal(index_is_muted(index, &crash, signature, BASE), 0);
	assert_int_equal(index_mute(index, MUTE_SIGNATURE, signature, BASE + 10), 0);
	assert_int_equal(index_is_muted(index, &crash, signature, BASE), 1);
	assert_int_equal(index_is_muted(index, &crash, signature, BASE + 11), 0);
	assert_int_equal(index_mute(index, MUTE_PROGRAM, "/bin/loop", 0), 0);
	assert_int_equal(index_is_muted(index, &crash, signature, BASE + 11), 1);
	assert_int_equal(index_unmute(index, MUTE_PROGRAM, "/bin/loop"), 0);
	assert_int_equal(index_unmute(index, MUTE_PROGRAM, "/bin/loop"), -ENOENT);
	assert_int_equal(index_is_muted(index, &crash, signature, BASE + 11), 0);
}

static void test_what_became_of_it(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	_cleanup_(json_decrefp) json_t *kcrash = json_pack("{s{ss}}", "KCrash", "appname", "x");
	CrashRow row;

	(void)state;
	make(&crash, 1, "/bin/a", BASE);
	assert_int_equal(add(index, &crash), INDEX_NEW);
	assert_int_equal(index_add_attempt(index, crash.hash), 0);
	assert_int_equal(index_add_attempt(index, crash.hash), 0);
	assert_int_equal(index_set_told(index, crash.hash, CRASH_TOLD), 0);
	assert_int_equal(index_set_reported(index, crash.hash, "https://example.org/1"), 0);
	assert_int_equal(index_set_pinned(index, crash.hash, true), 0);
	assert_int_equal(index_set_kcrash(index, crash.hash, kcrash, true), 0);
	assert_int_equal(index_get(index, crash.hash, &row), 1);
	assert_int_equal(row.attempts, 2);
	assert_int_equal(row.told, CRASH_TOLD);
	assert_true(row.pinned && row.crash.not_responding);
	assert_string_equal(row.reported, "https://example.org/1");
	assert_true(json_equal(row.crash.kcrash, kcrash));
	index_row_done(&row);
	assert_int_equal(index_forget(index, crash.hash), 0);
	assert_int_equal(index_forget(index, crash.hash), -ENOENT);
	assert_int_equal(index_set_pinned(index, crash.hash, true), -ENOENT);
	assert_int_equal(add(index, &crash), INDEX_FORGOTTEN);
	assert_int_equal(count(index, &everything), 0);
}

/* Whoever makes up a crash in advance must not have the real one forgotten with it. */
static void test_forgetting_hearsay_does_not_hide_the_real_one(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;

	(void)state;
	make(&crash, 1, "/bin/a", BASE);
	crash.trust = CRASH_UNVERIFIED;
	assert_int_equal(add(index, &crash), INDEX_NEW);
	assert_int_equal(index_forget(index, crash.hash), 0);
	assert_int_equal(add(index, &crash), INDEX_FORGOTTEN);
	crash.trust = CRASH_GENUINE;
	assert_int_equal(add(index, &crash), INDEX_NEW);
	assert_int_equal(index_forget(index, crash.hash), 0);
	assert_int_equal(add(index, &crash), INDEX_FORGOTTEN);
	crash.trust = CRASH_UNVERIFIED;
	assert_int_equal(add(index, &crash), INDEX_FORGOTTEN);
	assert_int_equal(count(index, &everything), 0);
}

static void test_bounds(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash pinned = CRASH_INIT, reported = CRASH_INIT;
	IndexTrimmed trimmed = {};
	uint64_t dropped = 0;
	usec_t last = 0;

	(void)state;
	make(&pinned, 1, "/bin/pinned", BASE);
	(void)add(index, &pinned);
	assert_int_equal(index_set_pinned(index, pinned.hash, true), 0);
	for (int i = 2; i < 600; i++)
		(void)add_new(index, i, "/bin/a", BASE + (usec_t)i * SECOND);
	make(&reported, 700, "/bin/r", BASE + 700 * SECOND);
	(void)add(index, &reported);
	assert_int_equal(index_set_reported(index, reported.hash, "x"), 0);

	const IndexBounds age = {.max_age_usec = 300 * SECOND};
	assert_int_equal(index_trim(index, &age, BASE + 702 * SECOND, &trimmed), 0);
	assert_int_equal(trimmed.rows, 400);
	assert_int_equal(trimmed.unreported, 400);
	const IndexBounds rows = {.max_rows = 100};
	assert_int_equal(index_trim(index, &rows, BASE + 703 * SECOND, &trimmed), 0);
	assert_int_equal(count(index, &everything), 100);
	CrashRow row;
	assert_int_equal(index_get(index, reported.hash, &row), 0); /* reported ones go first */
	assert_int_equal(index_get(index, pinned.hash, &row), 1);
	index_row_done(&row);
	assert_int_equal(index_dropped(index, &dropped, &last), 0);
	assert_int_equal(dropped, 400 + trimmed.unreported);
	assert_true(last == BASE + 703 * SECOND);
	const IndexBounds bytes = {.max_bytes = 1};
	assert_int_equal(index_trim(index, &bytes, BASE, &trimmed), 0);
	assert_int_equal(count(index, &everything), 1);
}

/* Anybody can log crashes by the thousand, with whatever time: they push out no real one. */
static void test_a_flood_of_forged_ones_goes_first(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash reported = CRASH_INIT;
	IndexTrimmed trimmed = {};

	(void)state;
	for (int i = 1; i <= 10; i++)
		(void)add_new(index, i, "/bin/real", BASE + (usec_t)i * SECOND);
	make(&reported, 11, "/bin/real", BASE + 11 * SECOND);
	(void)add(index, &reported);
	assert_int_equal(index_set_reported(index, reported.hash, "x"), 0);
	for (int i = 100; i < 700; i++) {
		_cleanup_(crash_donep) Crash forged = CRASH_INIT;
		make(&forged, i, "/bin/forged", 2 * BASE + (usec_t)i * SECOND);
		forged.trust = CRASH_UNVERIFIED;
		(void)add(index, &forged);
	}
	const IndexBounds rows = {.max_rows = 20};
	assert_int_equal(index_trim(index, &rows, BASE + 703 * SECOND, &trimmed), 0);
	assert_int_equal(count(index, &everything), 20);
	assert_int_equal(count(index, &(CrashQuery){.genuine = true}), 11);

	for (int i = 100; i < 300; i++) {
		_cleanup_(crash_donep) Crash forged = CRASH_INIT;
		make(&forged, i, "/bin/forged", 3 * BASE + (usec_t)i * SECOND);
		forged.trust = CRASH_UNVERIFIED;
		forged.message = calloc(1, 4001);
		memset(forged.message, 'x', 4000);
		(void)add(index, &forged);
	}
	const IndexBounds bytes = {.max_bytes = (uint64_t)300 * 1024};
	assert_int_equal(index_trim(index, &bytes, BASE + 704 * SECOND, &trimmed), 0);
	assert_int_equal(count(index, &(CrashQuery){.genuine = true}), 11);
}

static char *database(void)
{
	return strdup(fixture_at("sub/dir/vigil.db"));
}

static void test_the_file_is_private(void **state)
{
	_cleanup_(freep) char *path = database();
	_cleanup_(index_closep) CrashIndex *index = NULL;
	IndexFound found;
	struct stat st;

	(void)state;
	assert_int_equal(index_open(path, INDEX_READ_ONLY, &index, &found), -ENOENT);
	(void)umask(0);
	assert_int_equal(index_open(path, INDEX_CHECKED, &index, &found), 0);
	assert_int_equal(found, INDEX_CREATED);
	(void)add_new(index, 1, "/bin/a", BASE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	_cleanup_(freep) char *wal = NULL;
	assert_true(asprintf(&wal, "%s-wal", path) > 0);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	index = index_close(index);
	assert_int_equal(index_open(path, INDEX_READ_ONLY, &index, &found), 0);
	assert_int_equal(found, INDEX_AS_IT_WAS);
	assert_int_equal(count(index, &everything), 1);
	assert_int_equal(index_set_pinned(index, "x", true), -EROFS);
}

static void overwrite(const char *path, off_t at, size_t length)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	_cleanup_(freep) char *bytes = malloc(length);

	memset(bytes, 0xa5, length);
	assert_int_equal(pwrite(fd, bytes, length, at), (ssize_t)length);
}

static void test_a_damaged_one_is_kept_aside(void **state)
{
	static const struct {
		off_t at;
		size_t length;
	} damages[] = {{0, 100}, {4096, 4096}, {100, 3000}};
	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(damages); i++) {
		_cleanup_(freep) char *path = database();
		CrashIndex *index = NULL;
		IndexFound found;
		char pattern[256];
		glob_t aside;

		assert_int_equal(index_open(path, INDEX_READ_WRITE, &index, &found), 0);
		for (int k = 1; k < 100; k++)
			(void)add_new(index, k, "/bin/a", BASE + (usec_t)k);
		(void)index_close(index);
		overwrite(path, damages[i].at, damages[i].length);
		assert_int_equal(index_open(path, INDEX_CHECKED, &index, &found), 0);
		assert_int_equal(found, INDEX_REPLACED);
		assert_int_equal(count(index, &everything), 0);
		(void)index_close(index);
		(void)snprintf(pattern, sizeof pattern, "%s.damaged-*", path);
		assert_int_equal(glob(pattern, 0, NULL, &aside), 0);
		for (size_t k = 0; k < aside.gl_pathc; k++)
			assert_int_equal(unlink(aside.gl_pathv[k]), 0);
		globfree(&aside);
		assert_int_equal(unlink(path), 0);
	}
}

static void test_a_newer_one_is_left_alone(void **state)
{
	_cleanup_(freep) char *path = database();
	CrashIndex *index = NULL;
	IndexFound found;
	sqlite3 *db;

	(void)state;
	assert_int_equal(index_open(path, INDEX_READ_WRITE, &index, &found), 0);
	(void)index_close(index);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	assert_int_equal(index_open(path, INDEX_READ_WRITE, &index, &found), -ENOTSUP);
	assert_int_equal(index_open(path, INDEX_READ_ONLY, &index, &found), -ENOTSUP);
	assert_int_equal(unlink(path), 0);
}

/* Several processes write at once: nothing is lost, nothing is there twice. */
static void test_writers_at_once(void **state)
{
	_cleanup_(freep) char *path = database();
	CrashIndex *index = NULL;
	IndexFound found;
	int status;

	(void)state;
	for (int child = 0; child < 4; child++)
		if (fork() == 0) {
			IndexAdded added;
			if (index_open(path, INDEX_READ_WRITE, &index, &found) < 0)
				_exit(1);
			for (int k = 1; k <= 200; k++) {
				Crash crash = CRASH_INIT;
				crash.pid = k;
				crash.when_realtime = BASE + (usec_t)k;
				if (crash_identify(&crash, 0) < 0 ||
					index_add(index, &crash, false, &added) < 0)
					_exit(2);
			}
			_exit(0);
		}
	for (int child = 0; child < 4; child++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(index_open(path, INDEX_CHECKED, &index, &found), 0);
	assert_int_equal(count(index, &everything), 200);
	(void)index_close(index);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_crash_by_three_roads_is_one_row),
		cmocka_unit_test(test_a_field_with_a_zero_costs_no_other),
		cmocka_unit_test(test_genuine_replaces_hearsay),
		cmocka_unit_test(test_rows_and_cursor_stand_or_fall_together),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_finding_one),
		cmocka_unit_test(test_groups_and_mutes),
		cmocka_unit_test(test_what_became_of_it),
		cmocka_unit_test(test_forgetting_hearsay_does_not_hide_the_real_one),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_a_flood_of_forged_ones_goes_first),
		cmocka_unit_test_setup_teardown(
			test_the_file_is_private, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_damaged_one_is_kept_aside, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_newer_one_is_left_alone, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			test_writers_at_once, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("crash-index", tests, NULL, NULL);
}
