/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/package-manager and -owner: what is asked, and what answers mean. The answers of rpm and
 * pacman are as their manuals and sources have them; dpkg's are real ones. */
#include "coredump/package-owner.h"

#include "common/text.h"
#include "common/words.h"
#include "tests/unit/test.h"

static void assert_words(char **words, const char *expected)
{
	_cleanup_(strbuf_done) StrBuf text = {};

	assert_non_null(words);
	for (char **word = words; *word; word++)
		strbuf_addf(&text, "%s%s", word > words ? "|" : "", *word);
	assert_string_equal(strbuf_text(&text), expected);
	words_free(words);
}

static void assert_owner(const PackageOwner *owner, const char *package, const char *version)
{
	if (package)
		assert_string_equal(owner->package, package);
	else
		assert_null(owner->package);
	if (version)
		assert_string_equal(owner->version, version);
	else
		assert_null(owner->version);
}

static void which_paths_are_asked_for(void **state)
{
	char longer[2000];

	(void)state;
	memset(longer, 'x', sizeof longer);
	longer[0] = '/';
	longer[sizeof longer - 1] = '\0';
	assert_true(package_path_is_fit("/usr/bin/["));
	assert_true(package_path_is_fit("/opt/Ä b/ü"));
	static const char *const bad[] = {"", "x", "-x", "/a\nb", "/a\x7f", "/a\tb"};
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		assert_false(package_path_is_fit(bad[i]));
	assert_false(package_path_is_fit(longer));
}

static void dpkg_is_asked_for_both_names(void **state)
{
	static const char *const paths[] = {
		"/usr/lib/x/libc.so.6", "/lib64/ld.so", "/opt/x", "/usr/bin/[", "/usr/share/*?\\"};

	(void)state;
	assert_words(dpkg_owner_arguments(paths, ELEMENTSOF(paths)),
		"dpkg-query|--search|--|/usr/lib/x/libc.so.6|/lib/x/libc.so.6|/lib64/ld.so|"
		"/usr/lib64/ld.so|/opt/x|/usr/bin/\\[|/bin/\\[|/usr/share/\\*\\?\\\\");
}

static void what_dpkg_says(void **state)
{
	static const char *const paths[] = {"/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/bin/[",
		"/bin/sh", "/usr/share/both", "/nobodys", "/usr/bin/odd"};
	static const char text[] = "libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6\n"
				   "coreutils: /usr/bin/[\n"
				   "diversion by dash from: /bin/sh\n"
				   "diversion by dash to: /bin/sh.distrib\n"
				   "dash: /bin/sh\n"
				   "first, second:amd64: /usr/share/both\n"
				   "$(reboot): /usr/bin/odd\n"
				   "-x: /usr/bin/odd\n"
				   "no line of it\n"
				   ": /usr/bin/odd\n"
				   "other: /elsewhere";
	static const char versions[] = "coreutils\t9.1-1\nlibc6:amd64\t2.36-9+deb12u14\n"
				       "dash\t0.5.12-2\nfirst\t1:2~rc1\nfirst\t3\n\t\n";
	PackageOwner *owners = calloc(ELEMENTSOF(paths), sizeof *owners);

	(void)state;
	assert_int_equal(dpkg_take_owners(text, paths, ELEMENTSOF(paths), owners), 0);
	assert_words(dpkg_version_arguments(owners, ELEMENTSOF(paths)),
		"dpkg-query|--show|--showformat=${binary:Package}\\t${Version}\\n|--|libc6:amd64|"
		"coreutils|dash|first");
	assert_int_equal(dpkg_take_versions(versions, owners, ELEMENTSOF(paths)), 0);
	package_owners_plain(owners, ELEMENTSOF(paths));
	assert_owner(&owners[0], "libc6", "2.36-9+deb12u14");
	assert_owner(&owners[1], "coreutils", "9.1-1");
	assert_owner(&owners[2], "dash", "0.5.12-2");
	assert_owner(&owners[3], "first", "1:2~rc1");
	assert_owner(&owners[4], NULL, NULL);
	assert_owner(&owners[5], NULL, NULL);
	package_owners_free(owners, ELEMENTSOF(paths));
}

static void dpkg_is_asked_once_for_a_package(void **state)
{
	PackageOwner owners[] = {
		{.package = (char *)"a"}, {}, {.package = (char *)"b"}, {.package = (char *)"a"}};

	(void)state;
	assert_words(dpkg_version_arguments(owners, ELEMENTSOF(owners)),
		"dpkg-query|--show|--showformat=${binary:Package}\\t${Version}\\n|--|a|b");
}

#define END "file /proc/version is not owned by any package\n"

static void what_rpm_says(void **state)
{
	static const char *const paths[] = {
		"/usr/bin/bash", "/opt/x", "/usr/share/both", "/gone", "/usr/lib64/libc.so.6"};
	static const char text[] =
		"bash\t5.2.26-3.fc40\n" END "file /opt/x is not owned by any package\n" END
		"first\t1:1.0-1\nsecond\t2\n" END END "glibc\t2.39-22.fc40\n" END;
	PackageOwner *owners = calloc(ELEMENTSOF(paths), sizeof *owners);

	(void)state;
	assert_words(rpm_arguments(paths, 2),
		"rpm|--query|--queryformat|%{NAME}\\t%{EVR}\\n|--file|--|/usr/bin/bash|"
		"/proc/version|/opt/x|/proc/version");
	assert_int_equal(rpm_take(text, paths, ELEMENTSOF(paths), owners), 0);
	assert_owner(&owners[0], "bash", "5.2.26-3.fc40");
	assert_owner(&owners[1], NULL, NULL);
	assert_owner(&owners[2], "first", "1:1.0-1");
	assert_owner(&owners[3], NULL, NULL);
	assert_owner(&owners[4], "glibc", "2.39-22.fc40");
	package_owners_free(owners, ELEMENTSOF(paths));
}

static void an_answer_that_does_not_add_up(void **state)
{
	static const char *const texts[] = {"", "a\t1\n", END, END END END,
		END "a\t1\n" END "b\t2\n", "error: rpmdb open failed\n"};
	static const char *const paths[] = {"/a", "/b"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
		PackageOwner *owners = calloc(2, sizeof *owners);
		assert_int_equal(rpm_take(texts[i], paths, 2, owners), -EBADMSG);
		package_owners_free(owners, 2);
	}
}

static void what_pacman_says(void **state)
{
	static const char *const paths[] = {
		"/usr/bin/bash", "/opt/x", "/usr/lib/a is owned by b", "/usr/lib/a"};
	static const char text[] = "/usr/bin/bash is owned by bash 5.2.026-2\n"
				   "/usr/bin/bash is owned by other 1\n"
				   "/usr/lib/a is owned by b is owned by c 1:2-3\n"
				   "/usr/lib/a is owned by\n";
	PackageOwner *owners = calloc(ELEMENTSOF(paths), sizeof *owners);

	(void)state;
	assert_words(pacman_arguments(paths, 2),
		"pacman|--query|--owns|--color=never|--|/usr/bin/bash|/opt/x");
	assert_int_equal(pacman_take(text, paths, ELEMENTSOF(paths), owners), 0);
	assert_owner(&owners[0], "bash", "5.2.026-2");
	assert_owner(&owners[1], NULL, NULL);
	assert_owner(&owners[2], "c", "1:2-3");
	package_owners_free(owners, ELEMENTSOF(paths));
}

static void notes(void **state)
{
	static const struct {
		const char *json, *package, *version;
	} rows[] = {
		{"{\"type\":\"deb\",\"os\":\"debian\",\"name\":\"bash\",\"version\":\"5.2-1\"}",
			"bash", "5.2-1"},
		{"{\"name\":\"bash\"}", "bash", NULL},
		{"{\"version\":\"1\"}", NULL, NULL},
		{"{\"name\":\"\",\"version\":\"1\"}", NULL, NULL},
		{"{\"name\":1}", NULL, NULL},
		{"[]", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(json_decrefp) json_t *note = json_loads(rows[i].json, 0, NULL);
		_cleanup_(freep) char *package = NULL, *version = NULL;
		assert_int_equal(package_note_parse(note, &package, &version), 0);
		assert_owner(&(PackageOwner){package, version}, rows[i].package, rows[i].version);
	}
}

/* What a file says of itself counts before what systemd found, that before the package manager. */
static void whose_word_counts(void **state)
{
	TraceModule modules[] = {{.path = strdup("/bin/own")}, {.path = strdup("/bin/told")},
		{.path = strdup("/nonexistent/nobodys")}, {.path = NULL}};
	ModuleFile rows[] = {{.state = MODULE_PRESENT, .package_note = (char *)"{\"name\":\"a\"}"},
		{.state = MODULE_DELETED}, {.state = MODULE_DELETED, .package_note = (char *)"{"}};
	Trace trace = {.modules = modules, .n_modules = ELEMENTSOF(modules)};
	Crash crash = CRASH_INIT;

	(void)state;
	crash.package =
		(char *)"{\"/bin/own\":{\"name\":\"x\",\"version\":\"9\"},"
			"\"/bin/told\":{\"name\":\"b\",\"version\":\"2\"},\"elfType\":\"coredump\"}";
	assert_int_equal(package_owners_find(&(ModuleFiles){.files = rows, .n = ELEMENTSOF(rows)},
				 &crash, false, &trace),
		0);
	assert_owner(&(PackageOwner){modules[0].package, modules[0].version}, "a", NULL);
	assert_owner(&(PackageOwner){modules[1].package, modules[1].version}, "b", "2");
	assert_null(modules[2].package);
	for (size_t i = 0; i < ELEMENTSOF(modules); i++) {
		free(modules[i].path);
		free(modules[i].package);
		free(modules[i].version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_paths_are_asked_for),
		cmocka_unit_test(dpkg_is_asked_for_both_names),
		cmocka_unit_test(what_dpkg_says),
		cmocka_unit_test(dpkg_is_asked_once_for_a_package),
		cmocka_unit_test(what_rpm_says),
		cmocka_unit_test(an_answer_that_does_not_add_up),
		cmocka_unit_test(what_pacman_says),
		cmocka_unit_test(notes),
		cmocka_unit_test(whose_word_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
