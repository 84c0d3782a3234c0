/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/fdinfo: counts, wherever the pieces are cut. */
#include "survey/fdinfo.h"

#include "tests/unit/test.h"

static const char sample[] =
	"pos:\t0\nflags:\t02004000\nmnt_id:\t15\nino:\t1057\n"
	"inotify wd:2 ino:3e8 sdev:800001 mask:fc6 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:e803000000000000\n"
	"inotify wd:1 ino:2 sdev:800001 mask:fc6 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:0200000000000000\n"
	"inotify w\n"
	"notinotify wd:3 ino:2\n"
	"fanotify flags:10 event-flags:8000\n"
	"fanotify ino:4f969 sdev:800013 mflags:0 mask:3b ignored_mask:40000000\n"
	"fanotify mnt_id:12 mflags:0 mask:3b ignored_mask:0\n"
	"inotify wd:3 ino:9"; /* no newline at the end */

static void every_split_gives_the_same(void **state)
{
	size_t n = sizeof sample - 1;
	uint64_t hash = 0;

	(void)state;
	for (size_t cut = 0; cut <= n; cut++)
		for (size_t piece = 1; piece <= 40; piece += 13) {
			FdinfoCounter counter = {.hashing = true};
			fdinfo_feed(&counter, sample, cut);
			for (size_t at = cut; at < n; at += piece)
				fdinfo_feed(&counter, sample + at, MIN_OF(piece, n - at));
			fdinfo_end(&counter);
			assert_int_equal(counter.watches, 3);
			assert_int_equal(counter.marks, 2);
			if (!hash)
				hash = counter.hash;
			assert_true(counter.hash == hash && hash != 0);
		}
}

static void different_lists_have_different_hashes(void **state)
{
	FdinfoCounter a = {.hashing = true}, b = {.hashing = true};

	(void)state;
	fdinfo_feed(&a, "inotify wd:1 ino:2\n", 19);
	fdinfo_feed(&b, "inotify wd:1 ino:3\n", 19);
	assert_true(a.hash != b.hash);
}

static void endless_lines_and_nothing_count_nothing(void **state)
{
	FdinfoCounter counter = {};
	char block[4096];

	(void)state;
	memset(block, 'x', sizeof block);
	for (int i = 0; i < 1000; i++)
		fdinfo_feed(&counter, block, sizeof block);
	fdinfo_feed(&counter, "", 0);
	fdinfo_end(&counter);
	assert_int_equal(counter.watches + counter.marks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_gives_the_same),
		cmocka_unit_test(different_lists_have_different_hashes),
		cmocka_unit_test(endless_lines_and_nothing_count_nothing),
	};
	return cmocka_run_group_tests_name("fdinfo", tests, NULL, NULL);
}
