/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/kcrash: what KCrash writes, what a dying writer leaves, and what only looks like it. */
#include "coredump/kcrash.h"

#include "common/strbuf.h"

#include "tests/unit/test.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BOOT "0123456789abcdef0123456789abcdef"
#define V2   "kcrash-metadata/kate." BOOT ".4711.ini"
#define V1   "kcrash-metadata/4711.ini"
#define WHEN ((usec_t)1700000000000000)

static const char full[] =
	"[KCrash]\nexe=/usr/bin/kate\nexceptionname=St13runtime_error\n"
	"exceptionwhat=first\\nsecond ; not a comment: x=1\nplatform=wayland\nappname=kate\n"
	"apppath=/usr/bin\nsignal=11\npid=4711\nappversion=24.12\nprogramname=Kate\n"
	"bugaddress=submit@bugs.kde.org\nproductname=kate\nrestarted=true\n"
	"[KCrashTags]\nflavor=stable\n[KCrashExtra]\nextra=1\n[KCrashGPU]\nname=Acme\n"
	"[KCrashComplete]\n";

static Crash kate(void)
{
	Crash crash = CRASH_INIT;

	strcpy(crash.boot_id, BOOT);
	crash.pid = 4711;
	crash.signal = SIGSEGV;
	crash.when_realtime = WHEN;
	crash.exe = strdup("/usr/bin/kate");
	return crash;
}

static const char *text_of(const json_t *kcrash, const char *group, const char *key)
{
	return json_string_value(json_object_get(json_object_get(kcrash, group), key));
}

static void all_groups_are_read(void **state)
{
	_cleanup_(json_decrefp) json_t *kcrash = kcrash_parse(full, strlen(full));

	(void)state;
	assert_non_null(kcrash);
	assert_string_equal(text_of(kcrash, "KCrash", "exe"), "/usr/bin/kate");
	assert_string_equal(
		text_of(kcrash, "KCrash", "exceptionwhat"), "first\nsecond ; not a comment: x=1");
	assert_string_equal(text_of(kcrash, "KCrash", "restarted"), "true");
	assert_int_equal(json_object_size(json_object_get(kcrash, "KCrash")), 13);
	assert_string_equal(text_of(kcrash, "KCrashTags", "flavor"), "stable");
	assert_string_equal(text_of(kcrash, "KCrashExtra", "extra"), "1");
	assert_string_equal(text_of(kcrash, "KCrashGPU", "name"), "Acme");
	assert_true(json_is_true(json_object_get(kcrash, "complete")));
}

/* What KCrash 5.103 of Debian 12 wrote when tests/system/kcrash-app.cpp crashed. */
static void a_real_one_is_read(void **state)
{
	static const char text[] =
		"[KCrash]\nexe=/tmp/kcrash-app\nplatform=offscreen\nappname=kcrash-app\n"
		"apppath=/tmp\nsignal=11\npid=20253\nappversion=1.2.3\n"
		"programname=Crash; of \"Vigil's\" tests\nbugaddress=submit@bugs.kde.org\n";
	_cleanup_(json_decrefp) json_t *kcrash = kcrash_parse(text, strlen(text));

	(void)state;
	assert_int_equal(json_object_size(json_object_get(kcrash, "KCrash")), 9);
	assert_string_equal(
		text_of(kcrash, "KCrash", "programname"), "Crash; of \"Vigil's\" tests");
	assert_false(json_is_true(json_object_get(kcrash, "complete")));
}

/* KCrash escapes newlines; KConfig knows more, and leaves alone what it does not know. */
static void escapes_are_undone(void **state)
{
	static const char *const rows[][2] = {
		{"plain", "plain"},
		{"a\\nb\\n", "a\nb\n"},
		{"a\\tb\\rc\\sd\\\\n", "a\tb\rc d\\n"},
		{"\\x41\\x7a\\xE4", "Az\xef\xbf\xbd"},
		{"\\x00", "\\x00"},
		{"\\x4", "\\x4"},
		{"\\xzz", "\\xzz"},
		{"a\\;b\\,c\\q", "a\\;b\\,c\\q"},
		{"end\\", "end\\"},
		{"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"  spaces  ", "spaces"},
		{"", ""},
		{"a=b=c", "a=b=c"},
		{"ümläut", "ümläut"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char text[128];
		(void)snprintf(text, sizeof text, "[KCrash]\nkey=%s\n", rows[i][0]);
		_cleanup_(json_decrefp) json_t *kcrash = kcrash_parse(text, strlen(text));
		assert_non_null(kcrash);
		assert_string_equal(text_of(kcrash, "KCrash", "key"), rows[i][1]);
	}
}

static void broken_lines_cost_themselves_alone(void **state)
{
	static const char text[] = "# comment\nlost=1\n[KCrash]\nno equals\n=no key\n"
				   "a b=space\nbad[$e]=`id`\n  good = 1 \r\ngood2=2\n[Other]\nx=1\n"
				   "[KCrash\n[]\n[KCrash]\ngood=3\n[KCrashTags]\nlast";
	_cleanup_(json_decrefp) json_t *kcrash = kcrash_parse(text, strlen(text));

	(void)state;
	assert_non_null(kcrash);
	assert_int_equal(json_object_size(json_object_get(kcrash, "KCrash")), 2);
	assert_string_equal(text_of(kcrash, "KCrash", "good"), "3");
	assert_string_equal(text_of(kcrash, "KCrash", "good2"), "2");
	assert_int_equal(json_object_size(json_object_get(kcrash, "KCrashTags")), 0);
	assert_false(json_is_true(json_object_get(kcrash, "complete")));
}

static void long_lines_and_many_keys_are_bounded(void **state)
{
	_cleanup_(strbuf_done) StrBuf text = {};

	(void)state;
	strbuf_add(&text, "[KCrash]\n");
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&text, "key%d=%d\n", i, i);
	for (int i = 0; i < 300; i++)
		strbuf_add_char(&text, 'k');
	strbuf_add(&text, "=too long a key\nkey7=");
	for (int i = 0; i < 100000; i++)
		strbuf_add_char(&text, 'v');
	_cleanup_(json_decrefp) json_t *kcrash = kcrash_parse(text.data, text.length);
	assert_int_equal(json_object_size(json_object_get(kcrash, "KCrash")), KCRASH_KEYS_MAX);
	assert_int_equal(strlen(text_of(kcrash, "KCrash", "key7")), 100000);
}

static void what_is_no_metadata_is_told_apart(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		bool right;
	} rows[] = {
		{"", 0, true},
		{"\n\n", 2, true},
		{"[KCrash]\n", 9, true},
		{"[KCra", 5, true},
		{"\x7f"
		 "ELF\x02\x01",
			6, false},
		{"\0\0\0\0\0\0", 6, false},
		{"key=value\n", 10, false},
		{"[Other]\nkey=value\n", 18, false},
		{"[KCrash]\nk=a\0b\nl=1\n", 19, true},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		errno = 0;
		_cleanup_(json_decrefp) json_t *kcrash = kcrash_parse(rows[i].text, rows[i].length);
		assert_int_equal(kcrash != NULL, rows[i].right);
		if (!rows[i].right)
			assert_int_equal(errno, EINVAL);
		if (i == ELEMENTSOF(rows) - 1) {
			assert_null(text_of(kcrash, "KCrash", "k"));
			assert_string_equal(text_of(kcrash, "KCrash", "l"), "1");
		}
	}
}

/* Looks, and empties the crash; *ret_name may be NULL. */
static int find(Crash crash, char **ret_name)
{
	_cleanup_(closep) int fd = fixture_open();
	_cleanup_(freep) char *name = NULL;
	int r = kcrash_find(fd, &crash, &name);

	assert_int_equal(crash.kcrash != NULL, r == 1);
	assert_true(r == 1 || !name);
	if (ret_name)
		*ret_name = TAKE_PTR(name);
	crash_done(&crash);
	return r;
}

static void both_layouts_are_found_newest_first(void **state)
{
	_cleanup_(freep) char *first = NULL, *second = NULL;

	(void)state;
	assert_int_equal(find(kate(), NULL), 0); /* no folder at all */
	fixture_file(V1, full);
	assert_int_equal(find(kate(), &first), 1);
	assert_string_equal(first, V1);
	fixture_file(V2, full);
	assert_int_equal(find(kate(), &second), 1);
	assert_string_equal(second, V2);

	_cleanup_(closep) int fd = fixture_open();
	assert_int_equal(kcrash_remove(fd, second), 0);
	assert_int_equal(kcrash_remove(fd, second), -ENOENT);
	assert_int_equal(kcrash_remove(fd, "kcrash-metadata/../x"), -EINVAL);
	assert_int_equal(kcrash_remove(fd, "/etc/passwd"), -EINVAL);
	assert_int_equal(find(kate(), NULL), 1); /* the older one again */
}

static void a_replaced_executable_is_still_the_same(void **state)
{
	Crash crash = kate();

	(void)state;
	free(crash.exe);
	crash.exe = strdup("/usr/bin/kate (deleted)");
	fixture_file(V2, full);
	assert_int_equal(find(crash, NULL), 1);
	assert_int_equal(unlink(fixture_at(V2)), 0);
	crash = kate();
	free(crash.exe);
	crash.exe = strdup("/usr/bin/kate (deleted)");
	fixture_file(V1, full);
	assert_int_equal(find(crash, NULL), 1);
}

static void another_program_of_that_pid_is_not_meant(void **state)
{
	Crash crash = kate();

	(void)state;
	free(crash.exe);
	crash.exe = strdup("/usr/bin/kate2");
	fixture_file(V1, full);
	assert_int_equal(find(crash, NULL), 0);
	crash = kate();
	crash.pid = 4712;
	assert_int_equal(find(crash, NULL), 0);
	crash = kate();
	crash.pid = 0;
	assert_int_equal(find(crash, NULL), 0);
}

static void an_incomplete_one_is_filled_from_the_crash(void **state)
{
	_cleanup_(closep) int fd = -EBADF;
	_cleanup_(freep) char *name = NULL, *name2 = NULL;
	Crash crash = kate(), whole = kate();

	(void)state;
	fixture_file(V2, "[KCrash]\nexe=/usr/bin/kate\nappname=ka");
	fd = fixture_open();
	assert_int_equal(kcrash_find(fd, &crash, &name), 1);
	assert_string_equal(text_of(crash.kcrash, "KCrash", "signal"), "11");
	assert_string_equal(text_of(crash.kcrash, "KCrash", "pid"), "4711");
	assert_string_equal(text_of(crash.kcrash, "KCrash", "restarted"), "true");
	assert_string_equal(text_of(crash.kcrash, "KCrash", "appname"), "ka");
	assert_false(json_is_true(json_object_get(crash.kcrash, "complete")));
	crash_done(&crash);

	/* one that says that it is complete lacks what it lacks */
	fixture_file(V2, "[KCrash]\nsignal=6\n[KCrashComplete]\n");
	assert_int_equal(kcrash_find(fd, &whole, &name2), 1);
	assert_string_equal(text_of(whole.kcrash, "KCrash", "signal"), "6");
	assert_null(text_of(whole.kcrash, "KCrash", "pid"));
	assert_null(text_of(whole.kcrash, "KCrash", "restarted"));
	crash_done(&whole);
}

/* Both run, and DrKonqi's launcher was quicker. */
static void what_drkonqi_consumed_is_found_there(void **state)
{
	static const char name[] = "drkonqi/crashes/kate." BOOT ".4711.1700000000000000.ini";
	static const char *const none[] = {
		"", "[]", "{}", "{\"kcrash\": {}}", "{\"kcrash\": 1}", "{"};
	_cleanup_(closep) int fd = fixture_open();
	_cleanup_(freep) char *left = NULL;
	Crash crash = kate();

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(none); i++) {
		fixture_file(name, none[i]);
		assert_int_equal(find(kate(), NULL), 0);
	}
	fixture_file(name,
		"{\"version\": 2, \"kcrash\": {\"appname\": \"kate\", \"restarted\": true, \"n\": 1,"
		"\"a\\nb\": \"x\"}, \"kcrash-tags\": {\"t\": \"v\"}, \"journal\": {\"A\": \"B\"}}");
	assert_int_equal(kcrash_find(fd, &crash, &left), 1);
	assert_null(left);
	assert_int_equal(kcrash_remove(fd, left), 0);
	assert_string_equal(text_of(crash.kcrash, "KCrash", "appname"), "kate");
	assert_string_equal(text_of(crash.kcrash, "KCrash", "restarted"), "true");
	assert_string_equal(text_of(crash.kcrash, "KCrash", "signal"), "11"); /* filled in */
	assert_int_equal(json_object_size(json_object_get(crash.kcrash, "KCrash")), 4);
	assert_string_equal(text_of(crash.kcrash, "KCrashTags", "t"), "v");
	crash_done(&crash);

	crash = kate();
	crash.uid = geteuid() + 1;
	assert_int_equal(find(crash, NULL), 0); /* not that user's */
	assert_int_equal(access(fixture_at(name), F_OK), 0);
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
}

static void hostile_files_are_left_alone(void **state)
{
	(void)state;
	fixture_file("secret.ini", full);
	fixture_link(V2, "../secret.ini");
	assert_int_equal(find(kate(), NULL), -ELOOP);
	assert_int_equal(unlink(fixture_at(V2)), 0);

	assert_int_equal(mkfifo(fixture_at(V2), 0600), 0);
	assert_int_equal(find(kate(), NULL), -EINVAL);
	assert_int_equal(unlink(fixture_at(V2)), 0);

	assert_int_equal(mkdir(fixture_at(V2), 0700), 0);
	assert_int_equal(find(kate(), NULL), -EINVAL);
	assert_int_equal(rmdir(fixture_at(V2)), 0);

	make_socket(fixture_at(V2));
	assert_int_equal(find(kate(), NULL), -EINVAL);
	assert_int_equal(unlink(fixture_at(V2)), 0);

	fixture_file(V2, full);
	assert_int_equal(truncate(fixture_at(V2), KCRASH_MAX_BYTES + 1), 0);
	assert_int_equal(find(kate(), NULL), -EFBIG);
	fixture_file(V2, "garbage");
	assert_int_equal(find(kate(), NULL), -EINVAL);
	assert_int_equal(access(fixture_at(V2), F_OK), 0);
}

static void a_linked_folder_is_not_entered(void **state)
{
	(void)state;
	fixture_file("real/kate." BOOT ".4711.ini", full);
	fixture_link("kcrash-metadata", "real");
	assert_int_equal(find(kate(), NULL), -ENOTDIR);
}

static void a_file_of_another_user_is_refused(void **state)
{
	Crash crash = kate();

	(void)state;
	fixture_file(V2, full);
	crash.uid = geteuid() + 1;
	assert_int_equal(find(crash, NULL), -EPERM);
	crash = kate();
	crash.uid = geteuid();
	assert_int_equal(find(crash, NULL), 1);
}

static void names_too_long_are_none(void **state)
{
	Crash crash = kate();
	char exe[300] = "/usr/bin/";

	(void)state;
	fixture_file(V1, "[KCrash]\n");
	memset(exe + 9, 'a', 240);
	free(crash.exe);
	crash.exe = strdup(exe);
	assert_int_equal(find(crash, NULL), 1); /* by its pid */
}

static int was_hung(const char *file, int signal, usec_t when)
{
	_cleanup_(closep) int fd = fixture_open();
	char name[256];
	Crash crash = kate();
	int r;

	crash.signal = signal;
	crash.when_realtime = when;
	(void)snprintf(name, sizeof name, "drkonqi/application-not-responding/%s", file);
	fixture_file(name, "");
	r = kcrash_was_hung(fd, &crash);
	assert_int_equal(unlink(fixture_at(name)), 0);
	crash_done(&crash);
	return r;
}

static void a_program_that_hung_is_recognised(void **state)
{
	static const struct {
		const char *file;
		int signal, wanted;
		int64_t off_sec;
	} rows[] = {
		{"kate." BOOT ".4711.1700000000000000.json", SIGABRT, 1, 0},
		{"kate." BOOT ".4711.1700000000000000.json", SIGABRT, 1, 60},
		{"kate." BOOT ".4711.1700000000000000.json", SIGABRT, 1, -1},
		{"kate." BOOT ".4711.1700000000000000.json", SIGABRT, 0, 61},
		{"kate." BOOT ".4711.1700000000000000.json", SIGABRT, 0, -61},
		{"kate." BOOT ".4711.1700000000000000.json", SIGSEGV, 0, 0},
		{"kate." BOOT ".4711.1700000000000.json", SIGABRT, 1, 3}, /* KWin: ms */
		{"kate." BOOT ".4711.1700000000000.json", SIGABRT, 0, 120},
		{"kate." BOOT ".4712.1700000000000000.json", SIGABRT, 0, 0},
		{"katf." BOOT ".4711.1700000000000000.json", SIGABRT, 0, 0},
		{"kat." BOOT ".4711.1700000000000000.json", SIGABRT, 0, 0},
		{"kate.ffffffffffffffffffffffffffffffff.4711.1700000000000000.json", SIGABRT, 0, 0},
		{"kate." BOOT ".4711.1700000000000000.txt", SIGABRT, 0, 0},
		{"kate." BOOT ".4711.99999999999999999999.json", SIGABRT, 0, 0},
		{"kate." BOOT ".-1.1700000000000000.json", SIGABRT, 0, 0},
		{"kate.4711.json", SIGABRT, 0, 0},
		{"json", SIGABRT, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(was_hung(rows[i].file, rows[i].signal,
					 (usec_t)((int64_t)WHEN + rows[i].off_sec * 1000000)),
			rows[i].wanted);
}

static void a_name_with_dots_hangs_as_well(void **state)
{
	_cleanup_(closep) int fd = fixture_open();
	Crash crash = kate();

	(void)state;
	free(crash.exe);
	crash.exe = strdup("/opt/foo.bin.real");
	crash.signal = SIGABRT;
	assert_int_equal(kcrash_was_hung(fd, &crash), 0);
	fixture_file("drkonqi/application-not-responding/foo." BOOT ".4711.1700000000000.json", "");
	assert_int_equal(kcrash_was_hung(fd, &crash), 1);
	crash_done(&crash);
}

static void set_age(const char *name, usec_t now, usec_t age)
{
	struct timespec times[2];

	for (size_t i = 0; i < 2; i++)
		times[i] = (struct timespec){.tv_sec = (time_t)((now - age) / USEC_PER_SEC)};
	assert_int_equal(utimensat(AT_FDCWD, fixture_at(name), times, AT_SYMLINK_NOFOLLOW), 0);
}

static void only_old_metadata_is_swept(void **state)
{
	static const char *const names[] = {"kcrash-metadata/old.ini", "kcrash-metadata/new.ini",
		"kcrash-metadata/old.txt", "vigil/drkonqi/old.ini", "vigil/drkonqi/new.ini"};
	usec_t now = WHEN;

	(void)state;
	fixture_file("kept", "");
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		fixture_file(names[i], full);
		set_age(names[i], now,
			KCRASH_KEEP_USEC + (strstr(names[i], "old") ? 1 : -1) * USEC_PER_MINUTE);
	}
	fixture_link("kcrash-metadata/link.ini", "../kept");
	set_age("kcrash-metadata/link.ini", now, 2 * KCRASH_KEEP_USEC);
	_cleanup_(closep) int fd = fixture_open();
	assert_int_equal(kcrash_sweep(fd, now), 2);
	assert_int_equal(kcrash_sweep(fd, now), 0);
	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		assert_int_equal(access(fixture_at(names[i]), F_OK) == 0, i != 0 && i != 3);
	assert_int_equal(access(fixture_at("kcrash-metadata/link.ini"), F_OK), 0);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_groups_are_read),
		cmocka_unit_test(a_real_one_is_read),
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(broken_lines_cost_themselves_alone),
		cmocka_unit_test(long_lines_and_many_keys_are_bounded),
		cmocka_unit_test(what_is_no_metadata_is_told_apart),
		WITH_FIXTURE(both_layouts_are_found_newest_first),
		WITH_FIXTURE(a_replaced_executable_is_still_the_same),
		WITH_FIXTURE(another_program_of_that_pid_is_not_meant),
		WITH_FIXTURE(an_incomplete_one_is_filled_from_the_crash),
		WITH_FIXTURE(what_drkonqi_consumed_is_found_there),
		WITH_FIXTURE(hostile_files_are_left_alone),
		WITH_FIXTURE(a_linked_folder_is_not_entered),
		WITH_FIXTURE(a_file_of_another_user_is_refused),
		WITH_FIXTURE(names_too_long_are_none),
		WITH_FIXTURE(a_program_that_hung_is_recognised),
		WITH_FIXTURE(a_name_with_dots_hangs_as_well),
		WITH_FIXTURE(only_old_metadata_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
