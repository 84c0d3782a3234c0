/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/reporter, coredump/drkonqi: who is started for which crash, and every word and file that
 * it is given. */
#include "coredump/reporter.h"

#include "common/strbuf.h"
#include "common/words.h"
#include "coredump/drkonqi.h"
#include "tests/unit/test.h"

#define BOOT	"0123456789abcdef0123456789abcdef"
#define MACHINE "fedcba9876543210fedcba9876543210"

static const struct {
	const char *key, *value;
} kcrash_keys[] = {
	{"exe", "/usr/bin/kate"},
	{"platform", "xcb"},
	{"appname", "kate"},
	{"apppath", "/usr/bin"},
	{"signal", "11"},
	{"pid", "4711"},
	{"appversion", "22.12, \"beta\""},
	{"programname", "Kät"},
	{"bugaddress", "submit@bugs.kde.org"},
	{"exceptionwhat", "one\ntwo; =three"},
	{"kdeinit", "false"},
	{"restarted", "true"},
};

static json_t *metadata(void)
{
	json_t *kcrash = json_pack("{s{}s{ss}s{}s{ss}sb}", "KCrash", "KCrashTags", "flavor",
		"stable", "KCrashExtra", "KCrashGPU", "name", "Acme", "complete", 1);

	for (size_t i = 0; i < ELEMENTSOF(kcrash_keys); i++)
		json_add_string(json_object_get(kcrash, "KCrash"), kcrash_keys[i].key,
			kcrash_keys[i].value);
	return kcrash;
}

/* Its core is there, in the fixture. */
static Crash kate(void)
{
	Crash crash = CRASH_INIT;

	strcpy(crash.boot_id, BOOT);
	strcpy(crash.machine_id, MACHINE);
	crash.pid = 4711;
	crash.uid = 1000;
	crash.gid = 1000;
	crash.signal = 11;
	crash.when_realtime = 1700000000000000;
	crash.exe = strdup("/usr/bin/kate");
	crash.comm = strdup("kate");
	crash.user_unit = strdup("app-org.kde.kate@1.service");
	crash.hostname = strdup("box\033[31m");
	fixture_file("core.kate", "");
	crash.core_file = strdup(fixture_at("core.kate"));
	crash.cursor = strdup("s=1;i=2");
	crash.fields = json_pack("{ss}", "COREDUMP_OTHER",
		"\xc3\xa9\x01"
		"a,\"b\"");
	crash.kcrash = metadata();
	assert_int_equal(crash_identify(&crash, 0), 0);
	return crash;
}

static ReporterSetup setup_for(int cache_fd, unsigned major)
{
	return (ReporterSetup){.choice = REPORTER_AUTO,
		.drkonqi = "/usr/libexec/drkonqi",
		.drkonqi_major = major,
		.cache_fd = cache_fd,
		.cache_path = fixture_path};
}

static char *joined(char *const *words)
{
	StrBuf text = {};

	for (size_t i = 0; words && words[i]; i++)
		strbuf_addf(&text, "%s%s", i ? "|" : "", words[i]);
	return strbuf_take(&text);
}

static void assert_words(char *const *words, const char *wanted)
{
	_cleanup_(freep) char *text = joined(words);

	assert_string_equal(text, wanted);
}

static void assert_mode(const char *name, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(fixture_at(name), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static char *file_text(const char *name)
{
	_cleanup_(closep) int fd = fixture_open();
	char *text = NULL;

	assert_true(read_file_at(fd, name, 1024 * 1024, &text) >= 0);
	return text;
}

#define WANTED_ARGV                                                                                \
	"/usr/libexec/drkonqi|--platform|xcb|--appname|kate|--apppath|/usr/bin|--signal|11|"       \
	"--pid|4711|--appversion|22.12, \"beta\"|--programname|Kät|--bugaddress|"                 \
	"submit@bugs.kde.org|--exceptionwhat|one\ntwo; =three|--kdeinit|--restarted"

static void drkonqi_6_gets_json(void **state)
{
	static const char name[] = "drkonqi/crashes/kate." BOOT ".4711.1700000000000000.ini";
	_cleanup_(closep) int fd = fixture_open();
	_cleanup_(freep) char *variables = NULL;
	ReporterSetup setup = setup_for(fd, 6);
	Reporter reporter = {};
	Crash crash = kate();

	(void)state;
	assert_int_equal(reporter_choose(&setup, &crash, &reporter), 0);
	assert_int_equal(reporter.kind, REPORTER_DRKONQI);
	assert_words(reporter.argv, WANTED_ARGV);
	assert_true(asprintf(&variables, "DRKONQI_BACKEND=COREDUMPD|DRKONQI_METADATA_FILE=%s/%s",
			    fixture_path, name) > 0);
	assert_words(reporter.environment, variables);
	assert_null(reporter.input);
	assert_false(reporter.terminal);
	assert_mode(name, 0600);
	assert_mode("drkonqi", 0700);
	assert_mode("drkonqi/crashes", 0700);

	_cleanup_(freep) char *text = file_text(name);
	_cleanup_(json_decrefp) json_t *json = json_loads(text, 0, NULL);
	_cleanup_(json_decrefp) json_t *wanted = json_pack(
		"{si sO s{ss} s{} s{ss} sb s{sb} s{ss ss ss ss ss ss ss ss ss ss ss ss ss ss ss ss}}",
		"version", 2, "kcrash", json_object_get(crash.kcrash, "KCrash"), "kcrash-tags",
		"flavor", "stable", "kcrash-extra-data", "kcrash-gpu", "name", "Acme",
		"kcrash-complete", 1, "drkonqi", "PickedUp", 1, "journal", "COREDUMP_COMM", "kate",
		"COREDUMP_EXE", "/usr/bin/kate", "COREDUMP_USER_UNIT", "app-org.kde.kate@1.service",
		"COREDUMP_HOSTNAME", "box\033[31m", "COREDUMP_FILENAME", crash.core_file,
		"COREDUMP_PID", "4711", "COREDUMP_UID", "1000", "COREDUMP_GID", "1000",
		"COREDUMP_SIGNAL", "11", "COREDUMP_SIGNAL_NAME", "SIGSEGV", "COREDUMP_TIMESTAMP",
		"1700000000000000", "MESSAGE_ID", "fc2e22bc6ee647b6b90729ab34a250b1", "_BOOT_ID",
		BOOT, "_MACHINE_ID", MACHINE, "_DRKONQI_SD_CURSOR", "s=1;i=2", "COREDUMP_OTHER",
		"\xc3\xa9\x01"
		"a,\"b\"");
	assert_non_null(json);
	assert_non_null(wanted);
	assert_true(json_equal(json, wanted));
	reporter_done(&reporter);
	crash_done(&crash);
}

static void drkonqi_5_gets_an_ini(void **state)
{
	static const char name[] = "vigil/drkonqi/kate." BOOT ".4711.1700000000000000.ini";
	static const char wanted[] =
		"[KCrash]\nexe=/usr/bin/kate\nplatform=xcb\nappname=kate\napppath=/usr/bin\n"
		"signal=11\npid=4711\nappversion=\"22.12, \\\"beta\\\"\"\n"
		"programname=@ByteArray(K\\xc3\\xa4t)\nbugaddress=submit@bugs.kde.org\n"
		"exceptionwhat=\"one\\ntwo; =three\"\nkdeinit=false\nrestarted=true\n"
		"\n[KCrashTags]\nflavor=stable\n\n[KCrashGPU]\nname=Acme\n\n[Journal]\n"
		"COREDUMP_OTHER=\"@ByteArray(\\xc3\\xa9\\x1\\x61,\\\"b\\\")\"\n"
		"COREDUMP_COMM=@ByteArray(kate)\nCOREDUMP_EXE=@ByteArray(/usr/bin/kate)\n"
		"COREDUMP_USER_UNIT=@ByteArray(app-org.kde.kate@1.service)\n"
		"COREDUMP_HOSTNAME=@ByteArray(box\\x1b[31m)\nCOREDUMP_FILENAME=@ByteArray(%s)\n"
		"COREDUMP_PID=@ByteArray(4711)\nCOREDUMP_UID=@ByteArray(1000)\n"
		"COREDUMP_GID=@ByteArray(1000)\nCOREDUMP_SIGNAL=@ByteArray(11)\n"
		"COREDUMP_SIGNAL_NAME=@ByteArray(SIGSEGV)\n"
		"COREDUMP_TIMESTAMP=@ByteArray(1700000000000000)\n"
		"MESSAGE_ID=@ByteArray(fc2e22bc6ee647b6b90729ab34a250b1)\n"
		"_BOOT_ID=@ByteArray(" BOOT ")\n_MACHINE_ID=@ByteArray(" MACHINE ")\n"
		"_DRKONQI_SD_CURSOR=\"@ByteArray(s=1;i=2)\"\n";
	_cleanup_(closep) int fd = fixture_open();
	_cleanup_(freep) char *golden = NULL;
	ReporterSetup setup = setup_for(fd, 5);
	Reporter reporter = {};
	Crash crash = kate();

	(void)state;
	assert_int_equal(reporter_choose(&setup, &crash, &reporter), 0);
	assert_words(reporter.argv, WANTED_ARGV);
	assert_mode(name, 0600);
	_cleanup_(freep) char *text = file_text(name);
	assert_true(asprintf(&golden, wanted, crash.core_file) > 0);
	assert_string_equal(text, golden);
	reporter_done(&reporter);
	crash_done(&crash);
}

static void a_catch_up_is_marked(void **state)
{
	ReporterSetup setup = {.picked_up = true};
	Crash crash = kate();
	_cleanup_(freep) char *text = drkonqi_json(&setup, &crash);
	_cleanup_(json_decrefp) json_t *json = json_loads(text, 0, NULL);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(json, "journal"), "_DRKONQI_PICKUP")),
		"TRUE");
	crash_done(&crash);
}

static void set_key(Crash *crash, const char *key, const char *value)
{
	json_add_string(json_object_get(crash->kcrash, "KCrash"), key, value);
}

static void change_exe(Crash *crash, const char *exe)
{
	free(crash->exe);
	crash->exe = strdup(exe);
}

typedef enum Change {
	NOTHING,
	NOT_INSTALLED,
	KDE_DEBUG_SET,
	NO_METADATA,
	EMPTY_METADATA,
	NO_CORE,
	CORE_GONE,
	DRKONQI_ITSELF,
	DRKONQI_IN_JOURNAL,
	OTHER_EXE,
	DELETED_EXE,
	NO_PID,
} Change;

static void apply(Change change, ReporterSetup *setup, Crash *crash)
{
	if (change == NOT_INSTALLED)
		setup->drkonqi = NULL;
	if (change == KDE_DEBUG_SET)
		setup->kde_debug = true;
	if (change == NO_METADATA || change == EMPTY_METADATA) {
		json_decref(crash->kcrash);
		crash->kcrash = change == NO_METADATA ? NULL : json_pack("{s{}}", "KCrash");
	}
	if (change == NO_CORE)
		crash->core_file = (free(crash->core_file), NULL);
	if (change == CORE_GONE)
		assert_int_equal(unlink(crash->core_file), 0);
	if (change == DRKONQI_ITSELF)
		set_key(crash, "exe", "/usr/libexec/drkonqi");
	if (change == DRKONQI_IN_JOURNAL)
		change_exe(crash, "/usr/libexec/drkonqi");
	if (change == OTHER_EXE)
		set_key(crash, "exe", "/usr/bin/kat");
	if (change == DELETED_EXE)
		change_exe(crash, "/usr/bin/kate (deleted)");
	if (change == NO_PID)
		(void)json_object_del(json_object_get(crash->kcrash, "KCrash"), "pid");
}

static void drkonqi_is_started_only_where_it_helps(void **state)
{
	static const struct {
		Change change;
		bool five, six;
	} rows[] = {
		{NOTHING, true, true},
		{NOT_INSTALLED, false, false},
		{KDE_DEBUG_SET, false, false},
		{NO_METADATA, false, false},
		{EMPTY_METADATA, false, false},
		{NO_CORE, false, false},
		{CORE_GONE, false, false},
		{DRKONQI_ITSELF, false, false},
		{DRKONQI_IN_JOURNAL, false, false},
		{OTHER_EXE, false, true},
		{DELETED_EXE, true, true},
		{NO_PID, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows) * 4; i++) {
		_cleanup_(closep) int fd = fixture_open();
		bool six = i % 2, must = i % 4 >= 2,
		     starts = six ? rows[i / 4].six : rows[i / 4].five;
		ReporterSetup setup = setup_for(fd, six ? 0 : 5);
		Reporter reporter = {};
		Crash crash = kate();
		setup.choice = must ? REPORTER_DRKONQI : REPORTER_AUTO;
		apply(rows[i / 4].change, &setup, &crash);
		int r = reporter_choose(&setup, &crash, &reporter);
		assert_int_equal(r, must && !starts ? -ENOENT : 0);
		if (r == 0)
			assert_int_equal(
				reporter.kind, starts ? REPORTER_DRKONQI : REPORTER_BUILTIN);
		reporter_done(&reporter);
		crash_done(&crash);
	}
}

static void metadata_cannot_steer_drkonqi(void **state)
{
	_cleanup_(json_decrefp) json_t *kcrash = json_pack("{s{ss ss ss ss ss ss ss ss ss}}",
		"KCrash", "platformpluginpath", "/tmp/evil", "help", "true", "-style", "x",
		"appname", "-platformpluginpath", "new-key", "v", "pid", "", "qmljsdebugger",
		"port:1", "a.b", "c", "signal", "11");
	char **words = drkonqi_arguments("d", kcrash);

	(void)state;
	assert_words(words, "d|--appname=-platformpluginpath|--new-key|v|--pid||--signal|11");
	words_free(words);
}

static void long_values_fit_an_argument(void **state)
{
	_cleanup_(strbuf_done) StrBuf text = {};

	(void)state;
	strbuf_add_char(&text, 'x');
	for (int i = 0; i < 100000; i++)
		strbuf_add(&text, "ä");
	_cleanup_(json_decrefp) json_t *kcrash =
		json_pack("{s{ss}}", "KCrash", "exceptionwhat", text.data);
	char **words = drkonqi_arguments("d", kcrash);
	assert_int_equal(words_count((const char *const *)words), 3);
	assert_int_equal(strlen(words[2]), 16 * 1024 - 1); /* no half ä */
	words_free(words);
}

static void files_go_nowhere_else(void **state)
{
	_cleanup_(closep) int fd = fixture_open();
	ReporterSetup setup = setup_for(fd, 6);
	Reporter reporter = {};
	Crash crash = kate();

	(void)state;
	assert_int_equal(mkdir(fixture_at("elsewhere"), 0700), 0);
	fixture_link("drkonqi", "elsewhere");
	assert_int_equal(reporter_choose(&setup, &crash, &reporter), -ENOTDIR);
	assert_null(reporter.argv);
	change_exe(&crash, "/usr/bin/");
	assert_int_equal(reporter_choose(&setup, &crash, &reporter), -EINVAL);
	assert_int_equal(rmdir(fixture_at("elsewhere")), 0); /* empty */
	crash_done(&crash);
}

static void the_builtin_names_the_crash(void **state)
{
	ReporterSetup setup = {.choice = REPORTER_BUILTIN};
	_cleanup_(freep) char *wanted = NULL;
	Reporter reporter = {};
	Crash crash = kate();

	(void)state;
	assert_int_equal(reporter_choose(&setup, &crash, &reporter), 0);
	assert_true(asprintf(&wanted, "vigil|--wait|crash|report|%.12s", crash.hash) > 0);
	assert_words(reporter.argv, wanted);
	assert_true(reporter.terminal);
	reporter_done(&reporter);
	crash_done(&crash);
}

static void a_command_gets_all_of_it(void **state)
{
	static const char *const command[] = {"mail-it", "two words", NULL};
	ReporterSetup setup = {.choice = REPORTER_COMMAND, .command = command};
	_cleanup_(freep) char *wanted = NULL;
	Reporter reporter = {};
	Crash crash = kate();

	(void)state;
	assert_int_equal(reporter_choose(&setup, &crash, &reporter), 0);
	assert_words(reporter.argv, "mail-it|two words");
	assert_true(
		asprintf(&wanted,
			"VIGIL_CRASH_ID=%.12s|VIGIL_CRASH_PROGRAM=kate|VIGIL_CRASH_EXE=/usr/bin/kate|"
			"VIGIL_CRASH_COMM=kate|VIGIL_CRASH_PID=4711|VIGIL_CRASH_UID=1000|"
			"VIGIL_CRASH_SIGNAL=11|VIGIL_CRASH_SIGNAL_NAME=SIGSEGV|"
			"VIGIL_CRASH_TIMESTAMP=1700000000000000|"
			"VIGIL_CRASH_UNIT=app-org.kde.kate@1.service|VIGIL_CRASH_CORE_FILE=%s|"
			"VIGIL_CRASH_HOSTNAME=box\\x1b[31m|VIGIL_CRASH_BOOT_ID=" BOOT
			"|VIGIL_CRASH_MACHINE_ID=" MACHINE,
			crash.hash, crash.core_file) > 0);
	assert_words(reporter.environment, wanted);
	assert_int_equal(reporter.input[strlen(reporter.input) - 1], '\n');
	_cleanup_(json_decrefp) json_t *json = json_loads(reporter.input, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "hash")), crash.hash);
	reporter_done(&reporter);

	setup.command = NULL;
	assert_int_equal(reporter_choose(&setup, &crash, &reporter), -EINVAL);
	crash_done(&crash);
}

static void a_bare_crash_is_reported_as_well(void **state)
{
	static const char *const command[] = {"x", NULL};
	ReporterSetup setup = {.choice = REPORTER_COMMAND, .command = command};
	Reporter reporter = {};
	Crash crash = CRASH_INIT;

	(void)state;
	assert_int_equal(reporter_choose(&setup, &crash, &reporter), 0);
	assert_words(reporter.environment, "VIGIL_CRASH_PROGRAM=pid 0");
	reporter_done(&reporter);
	_cleanup_(json_decrefp) json_t *fields = reporter_journal_fields(&crash);
	assert_null(json_object_get(fields, "_MACHINE_ID")); /* unknown, not empty */
	assert_null(json_object_get(fields, "COREDUMP_SIGNAL_NAME"));
	crash_done(&crash);
}

static void its_version_is_read(void **state)
{
	static const struct {
		const char *text;
		unsigned major;
	} rows[] = {
		{"drkonqi 5.27.5\n", 5},
		{"drkonqi 6.3.4", 6},
		{"6.0\n", 6},
		{"", 0},
		{"drkonqi", 0},
		{"drkonqi 6", 0},
		{"qt.qpa.xcb: could not connect to display", 0},
		{"999999999999999999999999.1", 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(reporter_parse_version(rows[i].text), rows[i].major);
}

static char *find_drkonqi(const char *libexec)
{
	return reporter_find_drkonqi(fixture_path, libexec);
}

static void it_is_found_where_distributions_put_it(void **state)
{
	static const char *const places[] = {"usr/lib/x86_64-linux-gnu/libexec/drkonqi",
		"usr/libexec/drkonqi", "usr/libexec/kf6/drkonqi", "usr/lib/drkonqi",
		"usr/lib64/libexec/drkonqi"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(places); i++) {
		_cleanup_(freep) char *none = find_drkonqi(NULL);
		assert_null(none);
		fixture_file(places[i], "");
		none = find_drkonqi(NULL);
		assert_null(none); /* cannot be run */
		assert_int_equal(chmod(fixture_at(places[i]), 0755), 0);
		_cleanup_(freep) char *path = find_drkonqi("relative::/nowhere");
		assert_string_equal(path, fixture_at(places[i]));
		assert_int_equal(unlink(path), 0);
	}
	fixture_file("own/drkonqi", "");
	assert_int_equal(chmod(fixture_at("own/drkonqi"), 0755), 0);
	_cleanup_(freep) char *folders = NULL;
	assert_true(asprintf(&folders, "/nowhere:%s/own", fixture_path) > 0);
	_cleanup_(freep) char *path = find_drkonqi(folders);
	assert_string_equal(path, fixture_at("own/drkonqi"));
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(drkonqi_6_gets_json),
		WITH_FIXTURE(drkonqi_5_gets_an_ini),
		WITH_FIXTURE(a_catch_up_is_marked),
		WITH_FIXTURE(drkonqi_is_started_only_where_it_helps),
		cmocka_unit_test(metadata_cannot_steer_drkonqi),
		cmocka_unit_test(long_values_fit_an_argument),
		WITH_FIXTURE(files_go_nowhere_else),
		WITH_FIXTURE(the_builtin_names_the_crash),
		WITH_FIXTURE(a_command_gets_all_of_it),
		cmocka_unit_test(a_bare_crash_is_reported_as_well),
		cmocka_unit_test(its_version_is_read),
		WITH_FIXTURE(it_is_found_where_distributions_put_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
