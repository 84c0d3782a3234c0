/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines of debuggers: what is locked, what is passed on, how a shell reads them. */
#include "cli/crash-executable.h"
#include "cli/debugger.h"
#include "common/text.h"
#include "test.h"

static const char *const gdb[] = {"gdb", NULL};
static const char *const cross[] = {"/opt/bin/gdb-multiarch", "-q", NULL};
static const char *const lldb[] = {"lldb-16", NULL};

static void expect(const DebuggerPlan *plan, const char *line)
{
	_cleanup_(words_freep) char **argv = debugger_argv(plan);
	_cleanup_(freep) char *quoted = words_for_shell((const char *const *)argv);

	assert_string_equal(quoted, line);
}

#define GDB_LOCKS                                                                                  \
	" -nx -iex 'set auto-load no' -iex 'set auto-load safe-path /nonexistent' -iex "           \
	"'set debuginfod enabled "

static void test_command_lines(void **state)
{
	static const struct {
		DebuggerPlan plan;
		const char *line;
	} rows[] = {
		{{.debugger = gdb, .core = "/c", .exe = "/bin/a b"},
			"gdb" GDB_LOCKS "off' -core /c '/bin/a b'"},
		{{.debugger = gdb, .core = "/c", .debuginfod = true},
			"gdb" GDB_LOCKS "on' -core /c"},
		{{.debugger = cross, .core = "/c", .exe = "/e", .sysroot = "/srv/x y"},
			"/opt/bin/gdb-multiarch" GDB_LOCKS
			"off' -iex 'set sysroot /srv/x y' -q -core /c /e"},
		{{.debugger = lldb, .core = "/c", .exe = "/e", .sysroot = "/srv"},
			"lldb-16 --no-lldbinit --one-line-before-file 'settings set "
			"target.load-script-from-symbol-file false' --one-line-before-file 'platform select "
			"--sysroot \"/srv\" remote-linux' --core /c /e"},
		{{.debugger = gdb,
			 .core = "/f/core",
			 .exe = "/app/bin/x",
			 .flatpak = "org.x.Y",
			 .flatpak_folder = "/f"},
			"flatpak run --command=gdb --devel --filesystem=/f:ro --unshare=network "
			"org.x.Y" GDB_LOCKS "off' -core /f/core /app/bin/x"},
		{{.debugger = gdb,
			 .core = "/f/core",
			 .debuginfod = true,
			 .flatpak = "org.x.Y",
			 .flatpak_folder = "/f"},
			"flatpak run --command=gdb --devel --filesystem=/f:ro org.x.Y" GDB_LOCKS
			"on' -core /f/core"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		expect(&rows[i].plan, rows[i].line);
}

static void test_more_arguments_than_anybody_types(void **state)
{
	const char *many[100] = {"gdb"};

	(void)state;
	for (size_t i = 1; i < ELEMENTSOF(many) - 1; i++)
		many[i] = "-q";
	const DebuggerPlan plan = {.debugger = many, .core = "/c"};
	assert_null(debugger_argv(&plan));
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(debugger_kind("gdb"), DEBUGGER_GDB);
	assert_int_equal(debugger_kind("/opt/lldb/bin/gdb"), DEBUGGER_GDB);
	assert_int_equal(debugger_kind("lldb"), DEBUGGER_LLDB);
	assert_int_equal(debugger_kind("/usr/bin/lldb-19"), DEBUGGER_LLDB);
}

/* A root that the crashed process had, as it was told: it becomes a part of a command. */
static void test_paths_in_commands(void **state)
{
	(void)state;
	assert_true(debugger_takes_path("/srv/a root"));
	assert_false(debugger_takes_path("remote:/x"));
	assert_false(debugger_takes_path("/x\nshell touch /tmp/y"));
	assert_false(debugger_takes_path("/x\" `y`"));
	assert_false(debugger_takes_path("/x\\"));
}

static void test_quoting(void **state)
{
	(void)state;
	const char *const words[] = {
		"a-b/c.d:e@f", "", "it's", "$x `y` \"z\"", "~", "a;b", "\n", NULL};
	_cleanup_(freep) char *line = words_for_shell(words);
	assert_string_equal(line, "a-b/c.d:e@f '' 'it'\\''s' '$x `y` \"z\"' '~' 'a;b' '\n'");
}

static void test_flatpaks(void **state)
{
	static const struct {
		const char *cgroup, *id;
	} rows[] = {
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-org.gnome.Maps-4711.scope",
			"org.gnome.Maps"},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Maps-4711.scope",
			NULL},
		{"/user.slice/app.slice/app-flatpak-\\x2d\\x2dhelp.x-4711.scope", NULL},
		{"/user.slice/app.slice/app-flatpak-org.x\\x20--command-4711.scope", NULL},
		{"/user.slice/app.slice/app-flatpak-noreverse-4711.scope", NULL},
		{NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		crash.cgroup = rows[i].cgroup ? strdup(rows[i].cgroup) : NULL;
		_cleanup_(freep) char *id = crash_flatpak(&crash);
		if (rows[i].id)
			assert_string_equal(id, rows[i].id);
		else
			assert_null(id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_more_arguments_than_anybody_types),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_paths_in_commands),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_flatpaks),
	};
	return cmocka_run_group_tests_name("debugger", tests, NULL, NULL);
}
