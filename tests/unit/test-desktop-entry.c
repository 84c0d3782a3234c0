/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/desktop-entry: names in languages, programs behind Exec=, and files that are none. */
#include "survey/desktop-entry.h"

#include "tests/unit/test.h"

#define HEAD "[Desktop Entry]\nType=Application\n"

static void names_come_in_the_language_asked_for(void **state)
{
	static const char text[] = HEAD "Name=Files\nName[de]=Dateien\nName[de_CH]=Dateie\n"
					"Name[sr@latin]=Datoteke\nName[sr]=Датотеке\n"
					"Name[pt_BR]=Arquivos\nName[de_AT@x]=Sonder\n";
	static const char *const rows[][2] = {
		{NULL, "Files"},
		{"C", "Files"},
		{"C.UTF-8", "Files"},
		{"POSIX", "Files"},
		{"", "Files"},
		{"en_GB.UTF-8", "Files"},
		{"de", "Dateien"},
		{"de_DE.UTF-8", "Dateien"},
		{"de_CH.UTF-8", "Dateie"},
		{"de_CH.UTF-8@euro", "Dateie"},
		{"de_AT.UTF-8@x", "Sonder"},
		{"de_AT.UTF-8", "Dateien"},
		{"sr_RS.UTF-8@latin", "Datoteke"},
		{"sr_RS", "Датотеке"},
		{"pt_PT", "Files"},
		{"pt_BR", "Arquivos"},
		{"d", "Files"},
		{"_", "Files"},
		{"@", "Files"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		DesktopEntry entry;
		assert_int_equal(desktop_entry_parse(text, rows[i][0], &entry), 0);
		assert_string_equal(entry.name, rows[i][1]);
		desktop_entry_done(&entry);
	}
}

static void the_program_is_behind_what_starts_it(void **state)
{
	static const char *const rows[][2] = {
		{"foo %U", "foo"},
		{"/usr/bin/foo --new-window %u", "/usr/bin/foo"},
		{"\"/opt/My App/run\" %f", "/opt/My App/run"},
		{"env BAMF_HINT=x LANG=C /snap/bin/code %F", "/snap/bin/code"},
		{"env -u WAYLAND_DISPLAY foo", "foo"},
		{"/usr/bin/flatpak run --branch=stable --command=firefox --file-forwarding org.x.Y",
			"firefox"},
		{"flatpak run org.x.Y", "org.x.Y"},
		{"\"unclosed", "unclosed"},
		{"env", NULL},
		{"env A=1", NULL},
		{"   ", NULL},
		{"/", NULL},
		{"\\", "\\"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char text[512];
		DesktopEntry entry;
		(void)snprintf(text, sizeof text, HEAD "Name=x\nExec=%s\n", rows[i][0]);
		assert_int_equal(desktop_entry_parse(text, NULL, &entry), 0);
		if (rows[i][1])
			assert_string_equal(entry.program ? entry.program : "(null)", rows[i][1]);
		else
			assert_null(entry.program);
		desktop_entry_done(&entry);
	}
}

static void only_its_own_group_counts(void **state)
{
	DesktopEntry entry;

	(void)state;
	assert_int_equal(
		desktop_entry_parse(
			"[Other]\nName=no\n[Desktop Entry]\r\n# Name=comment\nName = A\\sB \r\n"
			"Icon=a\\\\b\nCategories=System;TerminalEmulator;\n"
			"[Desktop Action x]\nName=Action\nIcon=other\n",
			NULL, &entry),
		0);
	assert_string_equal(entry.name, "A B");
	assert_string_equal(entry.icon, "a\\b");
	assert_true(entry.terminal);
	assert_false(entry.hidden);
	assert_null(entry.program);
	desktop_entry_done(&entry);
}

static void what_is_no_entry_is_refused(void **state)
{
	static const char *const rows[] = {"", "\n", "[Desktop Entry]", "Name=x\n",
		"[Desktop Entry]\nName=\n", "[Desktop Entry]\nName[de]=nur deutsch\n",
		"[Desktop Entry]\n=x\n[\n", "[Desktop Entry]\nName[=x\n",
		"[Desktop Entry]\nName[]=x\n", "[Desktop Entry]\nName\n", "\xff\xfe[\0"};
	DesktopEntry entry;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(desktop_entry_parse(rows[i], "C", &entry), -EINVAL);
}

static void values_are_bounded(void **state)
{
	char *text = malloc(300000);
	DesktopEntry entry;

	(void)state;
	assert_non_null(text);
	strcpy(text, HEAD "Name=");
	memset(text + strlen(HEAD "Name="), 'x', 200000);
	text[strlen(HEAD "Name=") + 200000] = '\0';
	assert_int_equal(desktop_entry_parse(text, NULL, &entry), 0);
	assert_true(strlen(entry.name) <= 1024);
	desktop_entry_done(&entry);
	free(text);
}

static void finding_follows_the_order_and_takes_files_only(void **state)
{
	char first[128], second[128];
	const char *const dirs[] = {"/nonexistent", first, second, NULL};
	DesktopEntry entry;

	(void)state;
	(void)snprintf(first, sizeof first, "%s/one", fixture_path);
	(void)snprintf(second, sizeof second, "%s/two", fixture_path);
	fixture_file("one/a.desktop", HEAD "Name=first\n");
	fixture_file("two/a.desktop", HEAD "Name=second\n");
	fixture_file("two/b.desktop", HEAD "Name=b\n");
	fixture_file("two/kde/c-d.desktop", HEAD "Name=nested\n");
	fixture_file("one/gone.desktop", HEAD "Name=gone\nHidden=true\n");
	fixture_file("two/gone.desktop", HEAD "Name=still there\n");
	fixture_file("one/bad.desktop", "rubbish");
	fixture_link("one/link.desktop", "../two/b.desktop"); /* as flatpak exports them */
	fixture_link("one/loop.desktop", "loop.desktop");
	fixture_link("one/null.desktop", "/dev/zero");
	assert_int_equal(mkfifo(fixture_at("one/fifo.desktop"), 0600), 0);
	assert_int_equal(mkdir(fixture_at("one/dir.desktop"), 0700), 0);

	static const struct {
		const char *id, *name;
		int r;
	} rows[] = {
		{"a", "first", 0},
		{"b", "b", 0},
		{"link", "b", 0},
		{"kde-c-d", "nested", 0},
		{"gone", NULL, -ENOENT},
		{"bad", NULL, -EINVAL},
		{"loop", NULL, -ENOENT},
		{"null", NULL, -ENOENT},
		{"fifo", NULL, -ENOENT},
		{"dir", NULL, -ENOENT},
		{"none", NULL, -ENOENT},
		{"", NULL, -EINVAL},
		{".", NULL, -EINVAL},
		{"../two/b", NULL, -EINVAL},
		{"x/../b", NULL, -EINVAL},
		{"-", NULL, -ENOENT},
	};
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		assert_int_equal(desktop_entry_find(dirs, rows[i].id, NULL, &entry), rows[i].r);
		if (rows[i].r < 0)
			continue;
		assert_string_equal(entry.name, rows[i].name);
		assert_string_equal(entry.id, rows[i].id);
		desktop_entry_done(&entry);
	}
	char longer[400];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(desktop_entry_find(dirs, longer, NULL, &entry), -EINVAL);
}

static void existence_is_looked_up_in_the_search_path(void **state)
{
	char program[] = "tool", absolute[128], missing[] = "missing";
	char path[256];

	(void)state;
	fixture_file("bin/tool", "#!/bin/sh\n");
	(void)snprintf(absolute, sizeof absolute, "%s/bin/tool", fixture_path);
	(void)snprintf(path, sizeof path, ":/nonexistent:%s/bin", fixture_path);
	assert_false(desktop_entry_can_run(
		&(DesktopEntry){.program = program}, path)); /* not executable */
	assert_int_equal(chmod(absolute, 0755), 0);
	assert_true(desktop_entry_can_run(&(DesktopEntry){.program = program}, path));
	assert_true(desktop_entry_can_run(&(DesktopEntry){.program = absolute}, ""));
	assert_false(desktop_entry_can_run(&(DesktopEntry){.program = program}, ""));
	assert_false(desktop_entry_can_run(
		&(DesktopEntry){.program = program, .try_program = missing}, path));
	assert_false(desktop_entry_can_run(&(DesktopEntry){}, path));
}

static void directories_come_from_the_environment(void **state)
{
	char **dirs;

	(void)state;
	assert_int_equal(setenv("HOME", "/home/a", 1), 0);
	assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0);
	assert_int_equal(setenv("XDG_DATA_DIRS", "/x:relative::/y/", 1), 0);
	dirs = desktop_entry_dirs();
	assert_string_equal(dirs[0], "/home/a/.local/share/applications");
	assert_string_equal(dirs[2], "/x/applications");
	assert_string_equal(dirs[3], "/y//applications");
	assert_non_null(strstr(dirs[4], "flatpak"));
	desktop_entry_dirs_free(dirs);
	assert_int_equal(unsetenv("HOME"), 0);
	assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
	assert_int_equal(unsetenv("XDG_DATA_DIRS"), 0);
	dirs = desktop_entry_dirs();
	assert_string_equal(dirs[0], "/usr/local/share/applications");
	assert_string_equal(dirs[1], "/usr/share/applications");
	desktop_entry_dirs_free(dirs);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_in_the_language_asked_for),
		cmocka_unit_test(the_program_is_behind_what_starts_it),
		cmocka_unit_test(only_its_own_group_counts),
		cmocka_unit_test(what_is_no_entry_is_refused),
		cmocka_unit_test(values_are_bounded),
		TEST(finding_follows_the_order_and_takes_files_only),
		TEST(existence_is_looked_up_in_the_search_path),
		cmocka_unit_test(directories_come_from_the_environment),
	};
	return cmocka_run_group_tests_name("desktop-entry", tests, NULL, NULL);
}
