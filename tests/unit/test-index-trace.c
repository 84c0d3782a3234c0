/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of understood crashes: traces, what follows a new signature, notes, the migration.
 */
#include "common/text.h"
#include "coredump/crash-version.h"
#include "coredump/index.h"
#include "coredump/trace-bound.h"
#include "index-version-1.h"
#include "test.h"
#include <sqlite3.h>

#define SECOND USEC_PER_SEC
#define BASE   ((usec_t)1764000000 * SECOND)
#define NEW    "00000000000000aa"
#define NEWER  "00000000000000bb"

static CrashIndex *memory(void)
{
	CrashIndex *index = NULL;
	IndexFound found;

	assert_int_equal(index_open(NULL, INDEX_MEMORY, &index, &found), 0);
	return index;
}

/* A genuine crash with a core; gives its hash. */
static const char *add(CrashIndex *index, pid_t pid, char hash[static CRASH_HASH_SIZE])
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	IndexAdded added;

	crash.pid = pid;
	crash.when_realtime = BASE + (usec_t)pid * SECOND;
	crash.uid = 1000;
	crash.signal = 11;
	crash.trust = CRASH_GENUINE;
	crash.exe = strdup("/usr/bin/tool");
	crash.core_file = strdup("/var/lib/systemd/coredump/core.tool");
	assert_int_equal(crash_identify(&crash, 0), 0);
	assert_int_equal(index_add(index, &crash, false, &added), 0);
	assert_int_equal(added, INDEX_NEW);
	memcpy(hash, crash.hash, CRASH_HASH_SIZE);
	return hash;
}

static json_t *frames(size_t n, size_t length)
{
	_cleanup_(freep) char *name = calloc(1, length + 1);
	json_t *list = json_array();

	memset(name, 'f', length);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list,
			json_pack("{ss,ss,ss}", "pc", "0x1", "function", name, "symbol", name));
	return list;
}

static json_t *trace_of(size_t n_threads, size_t n_frames, size_t length)
{
	json_t *threads = json_array();

	for (size_t i = 0; i < n_threads; i++)
		(void)json_array_append_new(
			threads, json_pack("{si,sb,sb,so}", "tid", (int)i + 1, "crashed", i == 0,
					 "complete", 1, "frames", frames(n_frames, length)));
	return json_pack("{si,so,s[{ss,sb,ss,ss}]}", "version", 1, "threads", threads, "modules",
		"path", "/usr/bin/tool", "executable", 1, "state", "present", "version", "2.0-1");
}

static void set(CrashIndex *index, const char *hash, const char *signature, const char *title)
{
	_cleanup_(json_decrefp) json_t *json = trace_of(1, 3, 10);
	const CrashTrace trace = {
		.trace = json, .rating = 2, .complete = true, .analyzed_realtime = BASE};

	assert_int_equal(index_set_trace(index, hash, &trace, signature, title), 0);
}

static bool is_muted(CrashIndex *index, const char *signature)
{
	Crash crash = CRASH_INIT;

	int r = index_is_muted(index, &crash, signature, BASE);
	assert_true(r >= 0);
	return r > 0;
}

static void signature_of(CrashIndex *index, const char *hash, char ret[static CRASH_SIGNATURE_SIZE])
{
	CrashRow row;

	assert_int_equal(index_get(index, hash, &row), 1);
	memcpy(ret, row.signature, CRASH_SIGNATURE_SIZE);
	index_row_done(&row);
}

/* ---- traces ---------------------------------------------------------------------------------- */

static void test_a_trace_is_kept_with_all_that_belongs_to_it(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(json_decrefp) json_t *json = trace_of(2, 3, 10);
	_cleanup_(json_decrefp) json_t *log = json_pack("[{ss}]", "message", "about to fall");
	_cleanup_(crash_trace_donep) CrashTrace got = {};
	CrashTrace trace = {.trace = json,
		.log = log,
		.rating = 3,
		.analyzed_realtime = BASE + 5,
		.retry_realtime = BASE + 9};
	char hash[CRASH_HASH_SIZE];
	usec_t next = 0;
	CrashRow row;

	(void)state;
	(void)add(index, 1, hash);
	assert_int_equal(index_get_trace(index, hash, &got), 0);
	assert_int_equal(index_next_trace_retry(index, &next), 0);
	assert_int_equal(index_add_trace_attempt(index, hash, BASE + 7), 0);
	assert_int_equal(index_set_trace_error(index, hash, "it span"), 0);
	assert_int_equal(index_get_trace(index, hash, &got), 1);
	assert_null(got.trace);
	assert_string_equal(got.error, "it span");
	assert_int_equal(got.attempts, 1);
	crash_trace_done(&got);
	assert_int_equal(index_next_trace_retry(index, &next), 1);
	assert_true(next == BASE + 7);

	assert_int_equal(index_set_trace(index, hash, &trace, NEW, "f < g"), 0);
	assert_int_equal(index_get_trace(index, hash, &got), 1);
	assert_true(json_equal(got.trace, json));
	assert_true(json_equal(got.log, log));
	assert_int_equal(got.rating, 3);
	assert_false(got.complete);
	assert_true(got.analyzed_realtime == BASE + 5 && got.retry_realtime == BASE + 9);
	assert_int_equal(got.attempts, 1);
	assert_null(got.error);
	assert_int_equal(index_get(index, hash, &row), 1);
	assert_string_equal(row.signature, NEW);
	assert_string_equal(row.title, "f < g");
	assert_string_equal(row.version, "2.0-1");
	index_row_done(&row);

	/* Another look, when the journal has lost the lines: they stay. Complete: no retry. */
	crash_trace_done(&got);
	trace.log = NULL;
	trace.complete = true;
	assert_int_equal(index_set_trace(index, hash, &trace, NULL, NULL), 0);
	assert_int_equal(index_get_trace(index, hash, &got), 1);
	assert_true(json_equal(got.log, log));
	assert_true(got.complete && got.retry_realtime == 0);
	char signature[CRASH_SIGNATURE_SIZE];
	signature_of(index, hash, signature);
	assert_string_equal(signature, NEW);
}

static void test_what_cannot_be_kept_changes_nothing(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(json_decrefp) json_t *huge = trace_of(1, 64, 40000), *none = json_object();
	_cleanup_(crash_trace_donep) CrashTrace got = {};
	char hash[CRASH_HASH_SIZE], signature[CRASH_SIGNATURE_SIZE];

	(void)state;
	(void)add(index, 1, hash);
	CrashTrace trace = {.trace = huge};
	assert_int_equal(index_set_trace(index, hash, &trace, NEW, NULL), -E2BIG);
	trace.trace = none;
	assert_int_equal(index_set_trace(index, hash, &trace, NEW, NULL), -EINVAL);
	assert_int_equal(index_set_trace(index, "none", &trace, NEW, NULL), -ENOENT);
	assert_int_equal(index_add_trace_attempt(index, "none", 0), -ENOENT);
	assert_int_equal(index_get_trace(index, hash, &got), 0);
	signature_of(index, hash, signature);
	assert_string_not_equal(signature, NEW);
}

static const json_t *thread_at(const json_t *trace, size_t i)
{
	return json_array_get(json_object_get(trace, "threads"), i);
}

static size_t n_frames(const json_t *trace, size_t thread)
{
	return json_array_size(json_object_get(thread_at(trace, thread), "frames"));
}

static void test_a_long_trace_is_cut_where_it_matters_least(void **state)
{
	static const struct {
		size_t threads, frames, length; /* given */
		size_t first, second;		/* frames kept */
		bool symbol;
	} rows[] = {
		{2, 300, 20, 300, 300, true},
		{40, 300, 80, 300, 0, true},
		{2, 300, 1000, 300, 0, false},
		{2, 300, 3000, 64, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(json_decrefp) json_t *trace =
			trace_of(rows[i].threads, rows[i].frames, rows[i].length);
		_cleanup_(freep) char *text = NULL;
		assert_int_equal(trace_to_bounded_text(trace, (size_t)400 * 1024, &text), 0);
		assert_true(strlen(text) <= (size_t)400 * 1024);
		_cleanup_(json_decrefp) json_t *kept = json_loads(text, 0, NULL);
		assert_int_equal(n_frames(kept, 0), rows[i].first);
		assert_int_equal(n_frames(kept, 1), rows[i].second);
		const json_t *frame =
			json_array_get(json_object_get(thread_at(kept, 0), "frames"), 0);
		assert_int_equal(json_object_get(frame, "symbol") != NULL, rows[i].symbol);
		assert_int_equal(json_object_get(kept, "partial") != NULL, i > 0);
		const json_t *left = json_object_get(thread_at(kept, 0), "left");
		assert_int_equal(json_integer_value(json_object_get(left, "count")),
			rows[i].frames - rows[i].first);
		/* What was given is as it was. */
		assert_int_equal(n_frames(trace, 1), rows[i].frames);
		assert_null(json_object_get(trace, "partial"));
	}
}

static void test_the_newest_lines_of_a_long_log_are_kept(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(json_decrefp) json_t *json = trace_of(1, 1, 1), *log = json_array();
	_cleanup_(crash_trace_donep) CrashTrace got = {};
	char hash[CRASH_HASH_SIZE], line[4001] = "";

	(void)state;
	memset(line, 'x', sizeof line - 1);
	for (int i = 0; i < 30; i++)
		(void)json_array_append_new(log, json_pack("{si,ss}", "time", i, "message", line));
	const CrashTrace trace = {.trace = json, .log = log};
	assert_int_equal(index_set_trace(index, add(index, 1, hash), &trace, NULL, NULL), 0);
	assert_int_equal(index_get_trace(index, hash, &got), 1);
	size_t n = json_array_size(got.log);
	assert_true(n > 10 && n < 30);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(got.log, n - 1), "time")), 29);
	assert_int_equal(json_array_size(log), 30);
}

/* ---- the queue ------------------------------------------------------------------------------- */

typedef struct Pids {
	pid_t pids[8];
	size_t n;
} Pids;

static int take_pid(const CrashRow *row, void *userdata)
{
	Pids *pids = userdata;

	assert_true(pids->n < ELEMENTSOF(pids->pids));
	pids->pids[pids->n++] = row->crash.pid;
	return 0;
}

static void expect_untraced(CrashIndex *index, usec_t now, pid_t first, size_t n)
{
	Pids pids = {};

	assert_int_equal(index_untraced(index, 0, now, 0, take_pid, &pids), 0);
	assert_int_equal(pids.n, n);
	if (n > 0)
		assert_int_equal(pids.pids[0], first);
}

static void test_the_queue(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash coreless = CRASH_INIT, forged = CRASH_INIT;
	char one[CRASH_HASH_SIZE], two[CRASH_HASH_SIZE], three[CRASH_HASH_SIZE];
	IndexAdded added;
	Pids pids = {};

	(void)state;
	(void)add(index, 1, one);
	(void)add(index, 2, two);
	(void)add(index, 3, three);
	coreless.pid = 4;
	coreless.when_realtime = BASE + 4 * SECOND;
	coreless.trust = CRASH_GENUINE;
	assert_int_equal(crash_identify(&coreless, 0), 0);
	assert_int_equal(index_add(index, &coreless, false, &added), 0);
	forged.pid = 5;
	forged.when_realtime = BASE + 5 * SECOND;
	forged.core_file = strdup("/etc/shadow");
	assert_int_equal(crash_identify(&forged, 0), 0);
	assert_int_equal(index_add(index, &forged, false, &added), 0);

	expect_untraced(index, BASE, 3, 3);
	assert_int_equal(index_untraced(index, BASE + 2 * SECOND, BASE, 1, take_pid, &pids), 0);
	assert_int_equal(pids.n, 1);
	set(index, three, NEW, NULL); /* complete */
	expect_untraced(index, BASE, 2, 2);
	assert_int_equal(index_add_trace_attempt(index, two, 0), 0); /* never again */
	expect_untraced(index, BASE, 1, 1);
	assert_int_equal(index_add_trace_attempt(index, one, BASE + 10), 0);
	expect_untraced(index, BASE + 9, 0, 0);
	expect_untraced(index, BASE + 10, 1, 1);
}

/* ---- what follows a new signature ------------------------------------------------------------ */

/* A crash whose message names a function. */
static const char *add_named(
	CrashIndex *index, pid_t pid, const char *function, char hash[static CRASH_HASH_SIZE])
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	IndexAdded added;

	crash.pid = pid;
	crash.when_realtime = BASE + (usec_t)pid * SECOND;
	crash.signal = 11;
	crash.trust = CRASH_GENUINE;
	crash.exe = strdup("/usr/bin/tool");
	crash.core_file = strdup("/var/lib/systemd/coredump/core.tool");
	assert_true(asprintf(&crash.message,
			    "Process dumped core.\n\nStack trace of thread 1:\n"
			    "#0  0x00007f1122334455 %s (libx.so + 0x3bebc)\n",
			    function) > 0);
	assert_int_equal(crash_identify(&crash, 0), 0);
	assert_int_equal(index_add(index, &crash, false, &added), 0);
	memcpy(hash, crash.hash, CRASH_HASH_SIZE);
	return hash;
}

static void expect_row(
	CrashIndex *index, const char *hash, const char *signature, const char *title)
{
	CrashRow row;

	assert_int_equal(index_get(index, hash, &row), 1);
	assert_string_equal(row.signature, signature);
	if (title)
		assert_string_equal(row.title, title);
	else
		assert_null(row.title);
	index_row_done(&row);
}

static void test_what_is_left_is_what_the_last_one_was(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	char first[CRASH_HASH_SIZE], second[CRASH_HASH_SIZE], other[CRASH_HASH_SIZE];
	char vague[CRASH_HASH_SIZE], vague2[CRASH_HASH_SIZE], own[CRASH_SIGNATURE_SIZE];

	(void)state;
	add_named(index, 1, "f", first);
	add_named(index, 2, "f", second);
	add_named(index, 3, "other", other);
	add(index, 4, vague);
	add(index, 5, vague2);
	expect_untraced(index, BASE + 100 * SECOND, 5, 5);
	set(index, first, NEW, "f < main");
	set(index, vague, NEWER, "g < main");
	assert_int_equal(index_leave_untraced(index, second, true), 0);
	expect_row(index, second, NEW, "f < main");
	signature_of(index, other, own);
	assert_int_equal(index_leave_untraced(index, other, true), 0);
	expect_row(index, other, own, "other");
	signature_of(index, vague2, own);
	assert_int_equal(index_leave_untraced(index, vague2, false), 0);
	expect_row(index, vague2, own, NULL);
	assert_int_equal(index_leave_untraced(index, vague2, true), 0);
	expect_row(index, vague2, NEWER, "g < main");
	expect_untraced(index, BASE + 100 * SECOND, 0, 0);
	assert_int_equal(index_leave_untraced(index, "no such", true), -ENOENT);
}

static void test_when_it_is_due_again(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	char hash[CRASH_HASH_SIZE];
	usec_t due = 0;

	(void)state;
	add(index, 1, hash);
	assert_int_equal(index_set_trace_retry(index, hash, BASE), -ENOENT);
	assert_int_equal(index_add_trace_attempt(index, hash, BASE + 5 * SECOND), 0);
	assert_int_equal(index_set_trace_retry(index, hash, BASE + 50 * SECOND), 0);
	assert_int_equal(index_next_trace_retry(index, &due), 1);
	assert_true(due == BASE + 50 * SECOND);
	expect_untraced(index, BASE + 49 * SECOND, 0, 0);
	expect_untraced(index, BASE + 50 * SECOND, 1, 1);
	assert_int_equal(index_leave_untraced(index, hash, false), 0);
	assert_int_equal(index_next_trace_retry(index, &due), 0);
	expect_untraced(index, BASE + 50 * SECOND, 0, 0);
}

static void test_a_mute_is_not_lost_by_understanding(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	char hash[CRASH_HASH_SIZE], first[CRASH_SIGNATURE_SIZE], expected[CRASH_SIGNATURE_SIZE];

	(void)state;
	signature_of(index, add(index, 1, hash), first);
	assert_int_equal(index_mute(index, MUTE_SIGNATURE, first, 0), 0);
	set(index, hash, NEW, "f");
	assert_true(is_muted(index, NEW));
	set(index, hash, NEWER, "f < g");
	assert_true(is_muted(index, NEWER));
	assert_int_equal(index_expected_signature(index, first, expected), 0);
	assert_string_equal(expected, NEWER);
	assert_int_equal(index_expected_signature(index, "0123", expected), 0);
	assert_string_equal(expected, "0123");

	/* The person wants to hear of it again: what it is called when it arrives is heard, too. */
	assert_int_equal(index_unmute(index, MUTE_SIGNATURE, NEWER), 0);
	assert_false(is_muted(index, NEWER) || is_muted(index, NEW) || is_muted(index, first));
	assert_int_equal(index_unmute(index, MUTE_SIGNATURE, NEWER), -ENOENT);

	/* Muted only when it was understood: the next one is not, when it arrives. */
	assert_int_equal(index_mute(index, MUTE_SIGNATURE, NEWER, 0), 0);
	assert_true(is_muted(index, first));
	/* The last that arrived like it was another crash: that one is not muted. */
	char other[CRASH_HASH_SIZE];
	set(index, add(index, 2, other), "00000000000000cc", "h");
	assert_false(is_muted(index, first));
}

static usec_t until_of_new;

static int take_until(MuteKind kind, const char *value, usec_t until_realtime, void *userdata)
{
	(void)kind;
	(void)userdata;
	if (streq(value, NEW))
		until_of_new = until_realtime;
	return 0;
}

static void test_the_longer_mute_wins(void **state)
{
	static const struct {
		usec_t old, new, expected;
	} rows[] = {{BASE + 5, BASE + 9, BASE + 9}, {BASE + 9, BASE + 5, BASE + 9},
		{0, BASE + 5, 0}, {BASE + 5, 0, 0}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(index_closep) CrashIndex *index = memory();
		char hash[CRASH_HASH_SIZE], first[CRASH_SIGNATURE_SIZE];
		signature_of(index, add(index, 1, hash), first);
		assert_int_equal(index_mute(index, MUTE_SIGNATURE, first, rows[i].old), 0);
		assert_int_equal(index_mute(index, MUTE_SIGNATURE, NEW, rows[i].new), 0);
		set(index, hash, NEW, "f");
		until_of_new = 1;
		assert_int_equal(index_mutes(index, take_until, NULL), 0);
		assert_true(until_of_new == rows[i].expected);
	}
}

static void expect_note(CrashIndex *index, const char *signature, const char *expected)
{
	_cleanup_(freep) char *note = NULL;
	usec_t when;

	assert_int_equal(index_get_note(index, signature, &note, &when), expected ? 1 : 0);
	if (expected)
		assert_string_equal(note, expected);
}

static void test_notes_follow_and_do_not_overwrite(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	char hash[CRASH_HASH_SIZE], first[CRASH_SIGNATURE_SIZE];
	char longer[CRASH_NOTE_MAX + 2] = "";

	(void)state;
	signature_of(index, add(index, 1, hash), first);
	assert_int_equal(index_set_note(index, first, "known upstream", BASE), 0);
	set(index, hash, NEW, "f");
	expect_note(index, NEW, "known upstream");
	assert_int_equal(index_set_note(index, NEWER, "my own", BASE), 0);
	set(index, hash, NEWER, "f");
	expect_note(index, NEWER, "my own");
	expect_note(index, "cc", NULL);
	assert_int_equal(index_set_note(index, NEW, "", BASE), 0);
	expect_note(index, NEW, NULL);
	assert_int_equal(index_set_note(index, NEW, NULL, BASE), -ENOENT);
	memset(longer, 'x', CRASH_NOTE_MAX + 1);
	assert_int_equal(index_set_note(index, NEW, longer, BASE), -E2BIG);
}

static int take_group(const CrashGroup *group, void *userdata)
{
	assert_string_equal(group->signature, NEW);
	assert_int_equal(group->count, 3);
	assert_string_equal(group->versions, "3.0\n1.0");
	assert_string_equal(group->note, "wait for 4.0");
	++*(int *)userdata;
	return 0;
}

static void test_a_group_has_versions_and_a_note(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	static const char *const versions[] = {"1.0", "1.0", "3.0"};
	int n = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		IndexAdded added;
		crash.pid = i + 1;
		crash.when_realtime = BASE + (usec_t)i;
		crash.fields = json_pack("{ss}", "COREDUMP_PACKAGE_VERSION", versions[i]);
		assert_int_equal(crash_identify(&crash, 0), 0);
		assert_int_equal(index_add(index, &crash, false, &added), 0);
		set(index, crash.hash, NEW, "f"); /* says 2.0-1: what was told goes first */
	}
	assert_int_equal(index_set_note(index, NEW, "wait for 4.0", BASE), 0);
	assert_int_equal(index_groups(index, &(CrashQuery){}, take_group, &n), 0);
	assert_int_equal(n, 1);
}

/* What journald tells later has a stack trace of its own: it does not outdo ours. */
static void test_a_later_message_keeps_the_signature_of_the_core(void **state)
{
	_cleanup_(index_closep) CrashIndex *index = memory();
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	char hash[CRASH_HASH_SIZE], signature[CRASH_SIGNATURE_SIZE];
	IndexAdded added;

	(void)state;
	(void)add(index, 1, hash);
	set(index, hash, NEW, NULL);
	crash.pid = 1;
	crash.when_realtime = BASE + SECOND;
	crash.trust = CRASH_GENUINE;
	crash.message = strdup("#0  0x1 f (a + 0x1)\n");
	assert_int_equal(crash_identify(&crash, 0), 0);
	assert_string_equal(crash.hash, hash);
	assert_int_equal(index_add(index, &crash, false, &added), 0);
	assert_int_equal(added, INDEX_MERGED);
	signature_of(index, hash, signature);
	assert_string_equal(signature, NEW);
}

/* ---- rows that go ---------------------------------------------------------------------------- */

static int64_t count_traces(const char *path)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT count(*) FROM traces", -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(db);
	return n;
}

static void test_traces_go_with_their_rows(void **state)
{
	_cleanup_(freep) char *path = strdup(fixture_at("vigil.db"));
	_cleanup_(index_closep) CrashIndex *index = NULL;
	_cleanup_(crash_trace_donep) CrashTrace got = {};
	_cleanup_(json_decrefp) json_t *json = trace_of(1, 100, 400);
	char hash[CRASH_HASH_SIZE], last[CRASH_HASH_SIZE] = "";
	IndexTrimmed trimmed;
	IndexFound found;

	(void)state;
	assert_int_equal(index_open(path, INDEX_READ_WRITE, &index, &found), 0);
	for (int i = 1; i <= 600; i++) {
		const CrashTrace trace = {.trace = json};
		assert_int_equal(
			index_set_trace(index, add(index, i, last), &trace, NULL, NULL), 0);
		if (i == 1)
			memcpy(hash, last, sizeof hash);
	}
	assert_int_equal(count_traces(path), 600);
	assert_int_equal(index_forget(index, last), 0);
	assert_int_equal(count_traces(path), 599);
	/* 600 traces of 80 KiB: their bytes count. */
	const IndexBounds bounds = {.max_bytes = (uint64_t)32 * 1024 * 1024};
	assert_int_equal(index_trim(index, &bounds, BASE, &trimmed), 0);
	assert_true(trimmed.rows > 0 && trimmed.rows < 599);
	assert_int_equal(count_traces(path), 599 - (int64_t)trimmed.rows);
	assert_int_equal(index_get_trace(index, hash, &got), 0);
}

/* ---- versions -------------------------------------------------------------------------------- */

static void test_the_version_that_a_crash_tells(void **state)
{
	static const struct {
		const char *exe, *field, *package, *expected;
	} rows[] = {
		{"/usr/bin/a", "1.0", NULL, "1.0"},
		{"/usr/bin/a", "1.0", "{\"/usr/bin/a\":{\"version\":\"2.0\"}}", "1.0"},
		{"/usr/bin/a", NULL,
			"{\"elfType\":\"coredump\",\"/usr/bin/a\":{\"version\":\"2.0\"}}", "2.0"},
		{"/usr/bin/a", NULL,
			"{\"libc.so.6\":{\"version\":\"9\"},\"a\":{\"version\":\"2.0\"}}", "2.0"},
		{"/usr/bin/a", NULL, "{\"libc.so.6\":{\"version\":\"9\"}}", NULL},
		{"/usr/bin/a", NULL, "{\"/usr/bin/a\":{\"version\":7}}", NULL},
		{"/usr/bin/a", NULL, "{\"/usr/bin/a\":\"version\"}", NULL},
		{"/usr/bin/a", NULL, "[]", NULL},
		{"/usr/bin/a", NULL, "{", NULL},
		{NULL, NULL, "{\"a\":{\"version\":\"2.0\"}}", NULL},
		{"/usr/bin/a", "", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		crash.exe = rows[i].exe ? strdup(rows[i].exe) : NULL;
		crash.package = rows[i].package ? strdup(rows[i].package) : NULL;
		if (rows[i].field)
			crash.fields = json_pack("{ss}", "COREDUMP_PACKAGE_VERSION", rows[i].field);
		_cleanup_(freep) char *version = crash_version(&crash);
		if (rows[i].expected)
			assert_string_equal(version, rows[i].expected);
		else
			assert_null(version);
	}
}

/* ---- an older index -------------------------------------------------------------------------- */

static void expect_version(CrashIndex *index, const char *pid, const char *version)
{
	CrashRow row;

	assert_int_equal(index_find(index, pid, &row, NULL, NULL), 1);
	if (version)
		assert_string_equal(row.version, version);
	else
		assert_null(row.version);
	index_row_done(&row);
}

static void test_an_index_from_before_traces(void **state)
{
	_cleanup_(freep) char *path = strdup(fixture_at("vigil.db")), *cursor = NULL;
	_cleanup_(index_closep) CrashIndex *index = NULL;
	char hash[CRASH_HASH_SIZE];
	IndexFound found;
	sqlite3 *db = NULL;
	usec_t when = 0;
	uint64_t n = 0;
	CrashRow row;

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, index_version_1, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	assert_int_equal(index_open(path, INDEX_CHECKED, &index, &found), 0);
	assert_int_equal(found, INDEX_AS_IT_WAS);
	assert_int_equal(index_count(index, &(CrashQuery){}, &n), 0);
	assert_int_equal(n, 3);
	expect_version(index, "101", "1.2-3");
	expect_version(index, "102", NULL);
	expect_version(index, "103", NULL); /* its fields are damaged */
	assert_int_equal(index_get_cursor(index, "journal:/srv/journals", &cursor, &when), 0);
	assert_true(when == 1764000120000000);
	assert_true(is_muted(index, "48a09c24181a83b1"));
	assert_int_equal(index_find(index, "101", &row, NULL, NULL), 1);
	assert_string_equal(row.reported, "https://bugs.example.org/1");
	memcpy(hash, row.crash.hash, sizeof hash);
	index_row_done(&row);
	expect_untraced(index, BASE, 103, 3);
	set(index, hash, NEW, "f");
	expect_untraced(index, BASE, 103, 2);
	/* Once is enough. */
	index = index_close(index);
	assert_int_equal(index_open(path, INDEX_READ_WRITE, &index, &found), 0);
	assert_int_equal(found, INDEX_AS_IT_WAS);
	expect_untraced(index, BASE, 103, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_trace_is_kept_with_all_that_belongs_to_it),
		cmocka_unit_test(test_what_cannot_be_kept_changes_nothing),
		cmocka_unit_test(test_a_long_trace_is_cut_where_it_matters_least),
		cmocka_unit_test(test_the_newest_lines_of_a_long_log_are_kept),
		cmocka_unit_test(test_the_queue),
		cmocka_unit_test(test_what_is_left_is_what_the_last_one_was),
		cmocka_unit_test(test_when_it_is_due_again),
		cmocka_unit_test(test_a_mute_is_not_lost_by_understanding),
		cmocka_unit_test(test_the_longer_mute_wins),
		cmocka_unit_test(test_notes_follow_and_do_not_overwrite),
		cmocka_unit_test(test_a_group_has_versions_and_a_note),
		cmocka_unit_test(test_a_later_message_keeps_the_signature_of_the_core),
		cmocka_unit_test_setup_teardown(
			test_traces_go_with_their_rows, fixture_setup, fixture_teardown),
		cmocka_unit_test(test_the_version_that_a_crash_tells),
		cmocka_unit_test_setup_teardown(
			test_an_index_from_before_traces, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("index-trace", tests, NULL, NULL);
}
