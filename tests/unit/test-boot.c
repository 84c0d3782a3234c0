/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who sets a limit at boot, over fixture trees. */
#include "survey/boot.h"
#include "tests/unit/test.h"

#define KEY "fs.inotify.max_user_watches"

typedef struct Row {
	const char *name, *text; /* a second file; NULL: none */
	const char *ours;	 /* text of Vigil's drop-in; NULL: none */
	uint64_t wanted;
	bool overrides, is_ours;
	const char *path;
} Row;

static void test_rows(void **state)
{
	static const Row rows[] = {
		{NULL, NULL, NULL, 1000, false, false, NULL},
		{NULL, NULL, KEY " = 500\n", 0, false, true, "/etc/sysctl.d/60-vigil-inotify.conf"},
		/* read before ours, there or not: ours has the last word */
		{"30-x.conf", KEY " = 5\n", NULL, 1000, false, false,
			"/usr/lib/sysctl.d/30-x.conf"},
		{"30-x.conf", KEY " = 5\n", KEY " = 500\n", 0, false, true,
			"/etc/sysctl.d/60-vigil-inotify.conf"},
		/* read after it */
		{"99-x.conf", KEY " = 5\n", NULL, 1000, true, false, "/usr/lib/sysctl.d/99-x.conf"},
		{"99-x.conf", KEY " = 5\n", KEY " = 500\n", 0, true, true,
			"/usr/lib/sysctl.d/99-x.conf"},
		{"99-x.conf", KEY " = many\n", NULL, 1000, true, false,
			"/usr/lib/sysctl.d/99-x.conf"},
		/* … but asking for as much or more */
		{"99-x.conf", KEY " = 500\n", KEY " = 500\n", 0, false, true,
			"/usr/lib/sysctl.d/99-x.conf"},
		{"99-x.conf", KEY " = 1000\n", NULL, 1000, false, false,
			"/usr/lib/sysctl.d/99-x.conf"},
		/* nothing of ours to override */
		{"99-x.conf", KEY " = 5\n", NULL, 0, false, false, "/usr/lib/sysctl.d/99-x.conf"},
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const Row *row = &rows[i];
		BootSetting setting = {};
		char name[64];

		assert_int_equal(fixture_setup(state), 0);
		if (row->name) {
			(void)snprintf(name, sizeof name, "usr/lib/sysctl.d/%s", row->name);
			fixture_file(name, row->text);
		}
		if (row->ours)
			fixture_file("etc/sysctl.d/60-vigil-inotify.conf", row->ours);
		_cleanup_(closep) int root = open(fixture_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(boot_setting_find(root, KEY, row->wanted, &setting), 0);
		assert_int_equal(setting.overrides, row->overrides);
		assert_int_equal(setting.ours, row->is_ours);
		if (row->path)
			assert_string_equal(setting.path, row->path);
		else
			assert_null(setting.path);
		boot_setting_done(&setting);
		assert_null(setting.path);
		assert_int_equal(fixture_teardown(state), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
