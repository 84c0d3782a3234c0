/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/journal, catch-up: places that are empty, missing or odd, and storage. Journals with
 * entries in them are tested in tests/integration/test_crash_journal.py. */
#include "common/text.h"
#include "coredump/catch-up.h"
#include "coredump/journal-internals.h"
#include "tests/unit/test.h"
#include <sys/resource.h>

#define MACHINE "0123456789abcdef0123456789abcdef"
#define OTHER	"fedcba9876543210fedcba9876543210"

static void storage_is_where_the_files_are(void **state)
{
	static const struct {
		const char *files[3];
		JournalStorage storage;
	} rows[] = {
		{{NULL}, JOURNAL_NONE},
		{{"var/log/journal/README"}, JOURNAL_NONE},
		{{"var/log/journal/" MACHINE "/README"}, JOURNAL_NONE},
		{{"run/log/journal/" MACHINE "/system.journal"}, JOURNAL_VOLATILE},
		{{"run/log/journal/" MACHINE "/system@1.journal~"}, JOURNAL_VOLATILE},
		{{"run/log/journal/" MACHINE ".namespace/system.journal"}, JOURNAL_NONE},
		{{"run/log/journal/remote/system.journal"}, JOURNAL_NONE},
		{{"var/log/journal/" OTHER "/user-1000.journal"}, JOURNAL_PERSISTENT},
		{{"run/log/journal/" MACHINE "/system.journal",
			 "var/log/journal/" MACHINE "/system.journal"},
			JOURNAL_PERSISTENT},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		assert_int_equal(fixture_setup(NULL), 0);
		for (size_t f = 0; f < 3 && rows[i].files[f]; f++)
			fixture_file(rows[i].files[f], "");
		if (crash_journal_storage(fixture_path) != rows[i].storage)
			fail_msg("row %zu", i);
		assert_int_equal(fixture_teardown(NULL), 0);
	}
}

static void folders_of_a_machine(void **state)
{
	char *folders[4] = {};

	(void)state;
	fixture_file("etc/machine-id", MACHINE "\n");
	assert_int_equal(journal_folders(fixture_path, folders), 0);
	assert_non_null(endswith(folders[0], "/var/log/journal"));
	assert_non_null(endswith(folders[1], "/var/log/journal/" MACHINE));
	assert_non_null(endswith(folders[2], "/run/log/journal"));
	assert_non_null(endswith(folders[3], "/run/log/journal/" MACHINE));
	for (size_t i = 0; i < 4; i++)
		free(folders[i]);
	memset(folders, 0, sizeof folders);
	fixture_file("etc/machine-id", "uninitialized\n");
	assert_int_equal(journal_folders(fixture_path, folders), 0);
	assert_non_null(folders[0]);
	assert_null(folders[1]);
	for (size_t i = 0; i < 4; i++)
		free(folders[i]);
}

static void a_missing_journal_is_said(void **state)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	char missing[128];
	const char *files[] = {missing, NULL}, *none[] = {NULL};

	(void)state;
	(void)snprintf(missing, sizeof missing, "%s/missing", fixture_path);
	for (int follow = 0; follow < 2; follow++) {
		assert_int_equal(
			crash_journal_open(&(JournalPlace){.directory = missing}, follow, &journal),
			-ENOENT);
		assert_int_equal(
			crash_journal_open(&(JournalPlace){.files = files}, follow, &journal),
			-ENOENT);
		assert_int_equal(
			crash_journal_open(&(JournalPlace){.files = none}, follow, &journal),
			-ENOENT);
		assert_int_equal(
			crash_journal_open(&(JournalPlace){.root = missing}, follow, &journal),
			-ENOENT);
	}
	assert_null(journal);
}

static void an_empty_folder_can_be_followed(void **state)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	_cleanup_(freep) char *cursor = NULL;
	_cleanup_(freep) char(*machines)[33] = NULL;
	size_t n = 1;
	usec_t realtime;

	(void)state;
	fixture_file("noise.journal", "this is no journal");
	assert_int_equal(
		crash_journal_open(&(JournalPlace){.directory = fixture_path}, true, &journal), 0);
	assert_true(crash_journal_fd(journal) >= 0);
	assert_true(crash_journal_many(journal));
	assert_int_equal(crash_journal_machines(journal, &machines, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(crash_journal_seek(journal, "s=nonsense", 0), 0);
	assert_int_equal(crash_journal_next(journal, &crash), 0);
	assert_int_equal(crash_journal_position(journal, &cursor, &realtime), -ENOENT);
	assert_int_equal(crash_journal_get(journal, "", &crash), -ENOENT);
	assert_int_equal(crash_journal_write_core(journal, "i=1", -1), -ENOENT);
	assert_int_equal(crash_journal_process(journal), 0);
}

static void few_descriptors_are_too_few(void **state)
{
	struct rlimit before, few;
	CrashJournal *journal = NULL;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){.rlim_cur = 12, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int plain = crash_journal_open(&(JournalPlace){.directory = fixture_path}, false, &journal);
	int following =
		crash_journal_open(&(JournalPlace){.directory = fixture_path}, true, &journal);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(plain, -ENFILE);
	assert_int_equal(following, -ENFILE);
	assert_null(journal);
}

static void nothing_to_catch_up_with(void **state)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(catch_up_freep) CatchUp *catch_up = NULL;
	_cleanup_(index_closep) CrashIndex *index = NULL;
	_cleanup_(freep) char *cursor = NULL;
	CatchUpCount count = {};
	usec_t first = 0, again = 0;

	(void)state;
	assert_int_equal(index_open("", INDEX_MEMORY, &index, NULL), 0);
	assert_int_equal(
		crash_journal_open(&(JournalPlace){.directory = fixture_path}, false, &journal), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(catch_up_new(index, journal, "journal", true, &catch_up), 0);
		assert_int_equal(catch_up_step(catch_up, USEC_PER_SEC, NULL, NULL, &count), 0);
		catch_up = catch_up_free(catch_up);
		/* When it was that nothing came is known, and stays. */
		assert_int_equal(
			index_get_cursor(index, "journal first", &cursor, i == 0 ? &first : &again),
			0);
		assert_null(cursor);
	}
	assert_true(first > 0 && first == again);
	assert_int_equal(index_get_cursor(index, "journal", &cursor, &again), -ENOENT);
	assert_int_equal(count.seen, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(storage_is_where_the_files_are),
		cmocka_unit_test_setup_teardown(
			folders_of_a_machine, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_missing_journal_is_said, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			an_empty_folder_can_be_followed, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			few_descriptors_are_too_few, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			nothing_to_catch_up_with, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
