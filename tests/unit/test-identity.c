/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/identity: units, applications, containers and names from text. */
#include "survey/identity.h"

#include "tests/unit/test.h"

#define assert_text(got, expected)                                                                 \
	do {                                                                                       \
		_cleanup_(freep) char *_got = (got);                                               \
		const char *_expected = (expected);                                                \
		if (_expected)                                                                     \
			assert_string_equal(_got ? _got : "(null)", _expected);                    \
		else                                                                               \
			assert_null(_got);                                                         \
	} while (0)

static void cgroup_files(void **state)
{
	static const char *const rows[][2] = {
		{"0::/user.slice/x.scope\n", "/user.slice/x.scope"},
		{"0::/user.slice/x.scope", "/user.slice/x.scope"},
		{"0::/\n", "/"},
		{"0::/", "/"},
		{"", NULL},
		{"\n\n\n", NULL},
		{"0::", NULL},
		{"0:", NULL},
		{"0", NULL},
		{"::\n::::\n", NULL},
		{"0::relative\n", NULL},
		{"0::/../../x.service\n", "/../../x.service"}, /* outside of our cgroup namespace */
		/* hybrid: systemd's own hierarchy is v1, the unified one is empty */
		{"12:cpu,cpuacct:/\n1:name=systemd:/system.slice/a.service\n0::/\n",
			"/system.slice/a.service"},
		{"12:cpu:/\n1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n",
			"/system.slice/b.service"},
		{"1:name=systemd:/a.service\n", "/a.service"},
		{"1:name=systemd:/\n0::/\n", "/"},
		{"12:cpu:/docker/1\n", NULL},
		/* a folder's name may not pass for a controller's */
		{"5:cpu:/x:name=systemd:/evil.service\n1:name=systemd:/good.service\n",
			"/good.service"},
		{"5:cpu:/0::/evil.service\n", NULL},
		{"0::/a:b::c\n", "/a:b::c"},
		{"0::/first\n0::/second\n", "/first"},
		{"0::/a b\tc\xff\n", "/a b\tc\xff"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_text(identity_cgroup(rows[i][0]), rows[i][1]);

	char *text = malloc(200001);
	assert_non_null(text);
	memset(text, ':', 200000); /* one line without end, then many empty ones */
	text[200000] = '\0';
	assert_text(identity_cgroup(text), NULL);
	memset(text, '\n', 200000);
	assert_text(identity_cgroup(text), NULL);
	free(text);
}

static void units(void **state)
{
	static const char *const rows[][2] = {
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-42.scope",
			"app-firefox-42.scope"},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service/payload/y.scope",
			"x.service"},
		{"/system.slice/ssh.service", "ssh.service"},
		{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
		{"/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope"},
		{"/", NULL},
		{"", NULL},
		{"/.service/a", NULL},
		{"////x.scope///", "x.scope"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_text(identity_unit(rows[i][0]), rows[i][1]);
}

static void applications(void **state)
{
	static const char *const rows[][2] = {
		{"app-org.gnome.Terminal.service", "org.gnome.Terminal"},
		{"app-gnome-firefox-1234.scope", "firefox"},
		{"app-firefox-1234.scope", "firefox"},
		{"app-org.kde.kate@f3a1.service", "org.kde.kate"},
		{"app-KDE-org.kde.kate@f3a1.service", "org.kde.kate"},
		{"app-flatpak-org.mozilla.firefox-99.scope", "org.mozilla.firefox"},
		{"app-gnome-my\\x2dtool-7.scope", "my-tool"},
		{"app-a\\x00b-7.scope", "ab"},
		{"app-cut\\x2-7.scope", "cut\\x2"},
		{"snap.code.code-1f2e.scope", "code_code"},
		{"snap.lxd.daemon.service", "lxd_daemon"},
		{"dbus-:1.2-org.gnome.Foo@0.service", "org.gnome.Foo"},
		{"dbus-:1.22-org.gnome.Foo\\x2dBar@17.service", "org.gnome.Foo-Bar"},
		{"dbus-:1.2-org.gnome.Foo.service", "org.gnome.Foo"},
		{"dbus-:1.2-@0.service", NULL},
		{"dbus-:1.2-nodots@0.service", NULL},
		{"dbus-:1-org.gnome.Foo@0.service", NULL},
		{"dbus-:.-org.gnome.Foo@0.scope", NULL},
		{"dbus-:", NULL},
		{"dbus-broker.service", NULL},
		{"ssh.service", NULL},
		{"app-", NULL},
		{"app-.scope", NULL},
		{"snap..scope", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_text(identity_app_id(rows[i][0]), rows[i][1]);
}

static void containers(void **state)
{
#define HEX64 "1f2e3d4c5b6a79880123456789abcdef1f2e3d4c5b6a79880123456789abcdef"
	static const char *const rows[][3] = {
		{"/system.slice/docker-" HEX64 ".scope", NULL, "docker:1f2e3d4c5b6a"},
		{"/docker/" HEX64, NULL, "docker:1f2e3d4c5b6a"},
		{"/user.slice/user@1.service/user.slice/libpod-" HEX64 ".scope", NULL,
			"podman:1f2e3d4c5b6a"},
		{"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" HEX64 ".scope", NULL,
			"pod:1f2e3d4c5b6a"},
		{"/kubepods/pod1/" HEX64, NULL, "pod:1f2e3d4c5b6a"},
		{"/machine.slice/machine-deb\\x2d12.scope/payload", NULL, "machine:deb-12"},
		{"/lxc.payload.web/system.slice", NULL, "lxc:web"},
		{"/x/app-flatpak-org.x.Y-3.scope", "app-flatpak-org.x.Y-3.scope",
			"flatpak:org.x.Y"},
		{"/x", "snap.code.code-1.scope", "snap:code"},
		{"/system.slice/docker-short.scope", NULL, NULL},
		{"/system.slice/ssh.service", "ssh.service", NULL},
		{"", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_text(identity_container(rows[i][0], rows[i][1]), rows[i][2]);
}

static void hostile_paths_give_bounded_labels(void **state)
{
	char *path = malloc(70000);

	(void)state;
	assert_non_null(path);
	/* one component of 60000 bytes, with and without an ending */
	memset(path, 'A', 60000);
	strcpy(path + 60000, ".service");
	path[0] = '/';
	assert_text(identity_unit(path), NULL); /* no cgroup has such a name */
	assert_text(identity_container(path, NULL), NULL);
	memcpy(path, "/machine-", 9);
	strcpy(path + 60000, ".scope");
	_cleanup_(freep) char *machine = identity_container(path, NULL);
	assert_true(!machine || strlen(machine) < 300);
	/* ten thousand components */
	for (int i = 0; i < 10000; i++)
		memcpy(path + i * 6, "/a.b.c", 6);
	strcpy(path + 60000, "/x.service");
	assert_text(identity_unit(path), "x.service");
	free(path);

	static const char *const rows[][2] = {
		{"/a\nb.service", "a\nb.service"}, /* raw: who shows it escapes it */
		{"/x.service\n0::/y.service", "x.service\n0::"},
		{"no slash", NULL},
		{"/user@.service/x.scope", "x.scope"},
		{"/user@1.service", "user@1.service"},
		{"/.scope", NULL},
		{"/\xff\xfe.scope", "\xff\xfe.scope"},
	};
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *unit = identity_unit(rows[i][0]);
		if (i != 1)
			assert_string_equal(
				unit ? unit : "(null)", rows[i][1] ? rows[i][1] : "(null)");
	}
	assert_text(identity_container("/docker/" HEX64 "0", NULL), NULL); /* 65 digits */
	assert_text(identity_container("/docker-" HEX64, NULL), "docker:1f2e3d4c5b6a");
	assert_text(identity_container("/" HEX64, NULL), NULL);
	assert_text(identity_container("/actions_job/" HEX64, NULL), "container:1f2e3d4c5b6a");
	assert_text(
		identity_container("/kubepods/burstable/pod12/" HEX64, NULL), "pod:1f2e3d4c5b6a");
	assert_text(identity_container("/lxc/web", NULL), "lxc:web");
	assert_text(identity_container("/machine-.scope", NULL), NULL);
	assert_text(identity_container("/machine-a\\x", NULL), "machine:a\\x");
	assert_text(identity_container("/lxc.payload.", NULL), NULL);
	assert_text(identity_container("/lxc.payload.scope", NULL), "lxc:scope");
	assert_text(identity_container("/lxc.payload.a.scope", NULL), "lxc:a");
	assert_text(identity_container("/machine-.scope", NULL), NULL);
}

static void hostile_units_give_no_application(void **state)
{
	static const char *const rows[][2] = {
		{"app--.scope", NULL},
		{"app---.scope", NULL},
		{"app-@.service", NULL},
		{"app-@x.service", NULL},
		{"app-\\x-1.scope", "\\x"},
		{"app-\\xZZ-1.scope", "\\xZZ"},
		{"app-\\x00-1.scope", ""},
		{"app-\\x2f\\x2e\\x2e-1.scope", "/.."}, /* raw; desktop_entry_find() refuses it */
		{"app-x", NULL},
		{"app-x.slice", NULL},
		{"snap.", NULL},
		{"snap.a", NULL},
		{"snap.a.", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *id = identity_app_id(rows[i][0]);
		if (rows[i][1] && *rows[i][1])
			assert_string_equal(id ? id : "(null)", rows[i][1]);
		else
			assert_true(!id || !*id);
	}
}

/* As a survey keeps them: "|" parts two arguments; without it what stands there is one. */
static char *arguments_of(const char *cmdline)
{
	size_t n = cmdline ? strlen(cmdline) : 0;
	char *arguments = cmdline ? calloc(1, n + 2) : NULL;

	for (size_t i = 0; i < n; i++)
		arguments[i] = cmdline[i] == '|' ? '\0' : cmdline[i];
	return arguments;
}

static void programs(void **state)
{
	static const struct {
		const char *exe, *cmdline, *comm, *expected;
	} rows[] = {
		{"/usr/bin/code", "code --x", "code", "code"},
		{"/usr/bin/node", "node --inspect /app/bin/vite serve", "node", "node (vite)"},
		{"/usr/bin/node", "node /app/node_modules/.bin/vite", "node", "node (vite)"},
		{"/usr/bin/node", "node /app/node_modules/vite/bin/vite.js", "node", "node (vite)"},
		{"/usr/bin/node", "node /a/node_modules/@org/tool/dist/cli.js x", "node",
			"node (@org/tool)"},
		{"/usr/bin/node", "node /a/node_modules/b/node_modules/c/i.js", "node", "node (c)"},
		{"/usr/bin/node", "node /srv/shop/index.js", "node", "node (shop/index.js)"},
		{"/usr/bin/node", "node index.js", "node", "node (index.js)"},
		{"/usr/bin/node", "node /index.js", "node", "node (index.js)"},
		{"/usr/bin/node", "node -r dotenv/config app/start.js", "node",
			"node (app/start.js)"},
		{"/usr/bin/node", "node -e 1", "node", "node"},
		{"/usr/bin/node", "node --eval 1", "node", "node"},
		{"/usr/bin/node", "npm run dev", "npm run dev", "node (npm)"},
		{"/usr/bin/node", "node", "node", "node"},
		{"/usr/bin/node", "/a/node_modules/", "node", "node"},
		{"/usr/bin/node", "node /a/node_modules//", "node", NULL},
		{"/usr/bin/node", "", "node", "node"},
		{"/usr/bin/node", "     ", "node", "node"},
		{"/usr/bin/node", NULL, "node", "node"},
		{"/usr/bin/python3.11", "python3 -m http.server", "python3",
			"python3.11 (http.server)"},
		{"/usr/bin/python3", "python3 -c import x", "python3", "python3"},
		{"/usr/bin/python3", "/usr/bin/python3 -W ignore /usr/bin/meld a", "meld",
			"python3 (meld)"},
		{"/usr/bin/python3", "gunicorn: worker [x]", "gunicorn", "python3 (gunicorn)"},
		{"/usr/bin/java", "java -cp /a/b.jar:/c.jar -Xmx1g com.x.Main arg", "java",
			"java (com.x.Main)"},
		{"/usr/bin/java", "java -Xmx1g -jar /opt/x/tool.jar", "java", "java (tool.jar)"},
		{"/usr/lib/electron28/electron", "electron --x /usr/lib/code/code.mjs", "electron",
			"electron (code.mjs)"},
		{"/usr/bin/deno", "deno run --allow-net main.ts", "deno", "deno (main.ts)"},
		{"/usr/bin/perl", "perl -ne print", "perl", "perl"},
		{"/bin/bash", "bash", "bash", "bash"},
		{"/bin/bash", "-bash", "bash", "bash"},
		{"/bin/bash", "bash -lc make", "bash", "bash"},
		{"/bin/bash", "bash -e build.sh", "bash", "bash (build.sh)"},
		{"/bin/bash", "bash -o pipefail build.sh", "bash", "bash (build.sh)"},
		{"/bin/bash", "bash -", "bash", "bash (-)"},
		{"/usr/bin/shotwell", "shotwell x", "shotwell", "shotwell"}, /* begins like sh */
		{"/usr/bin/nodejs-thing", "a b", "x", "nodejs-thing"},
		{"/usr/bin/python3", "python3|/opt/my tools/sync files.py|a b", "python3",
			"python3 (sync files.py)"},
		{"/usr/bin/node", "node|--inspect|/srv/my shop/index.js|x", "node",
			"node (my shop/index.js)"},
		{"/usr/bin/java", "java|-cp|/a b.jar:/c.jar|com.x.Main", "java",
			"java (com.x.Main)"},
		{"/usr/bin/bash", "bash|-c|echo a b", "bash", "bash"},
		{"/usr/bin/node", "npm run dev|", "npm run dev", "node (npm)"},
		{"/usr/bin/python3", "python3||x.py", "python3", "python3"},
		{"/usr/bin/python3", "|x.py", "python3", "python3"},
		{NULL, NULL, "comm", "comm"},
		{NULL, NULL, NULL, "pid 77"},
		{"/", "", "", "/"},
		{"", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *arguments = arguments_of(rows[i].cmdline);
		_cleanup_(freep) char *name =
			identity_program(rows[i].exe, arguments, rows[i].comm, 77);
		assert_non_null(name);
		if (rows[i].expected)
			assert_string_equal(name, rows[i].expected);
	}
	char longest[5000] = "";
	memset(longest, 'x', sizeof longest - 2);
	memcpy(longest, "node ", 5);
	_cleanup_(freep) char *name = identity_program("/usr/bin/node", longest, "node", 1);
	assert_true(strlen(name) < 100);
}

static void a_terminal_is_not_blamed_for_what_runs_in_it(void **state)
{
	static const struct {
		const char *id, *program;
		bool terminal;
		const char *path;
		bool own;
	} rows[] = {
		{"org.gnome.Terminal", "gnome-terminal", true, "/usr/libexec/gnome-terminal-server",
			true},
		{"org.gnome.Terminal", "gnome-terminal", true, "/usr/bin/gnome-text-editor", false},
		{"org.gnome.Terminal", "gnome-terminal", true, "/usr/bin/bash", false},
		{"org.kde.konsole", "konsole", true, "/usr/bin/konsole", true},
		{"org.kde.konsole", "konsole", true, "/usr/bin/node", false},
		{"org.kde.konsole", "konsole", true, "/home/u/konsole/server", false},
		{"firefox", "firefox", false, "/usr/lib/firefox/firefox", true},
		{"firefox-esr", "/usr/lib/firefox-esr/firefox-esr", false,
			"/usr/lib/firefox-esr/glxtest", true},
		{"google-chrome", "/usr/bin/google-chrome-stable", false,
			"/opt/google/chrome/chrome", true},
		{"code", "/usr/share/code/code", false, "/usr/share/code/code", true},
		{"code", "/usr/share/code/code", false, "/usr/bin/node", false},
		{"code", "/usr/share/code/code", false, "/usr/bin/bash", false},
		{"org.gnome.Nautilus", "nautilus", false, "/usr/bin/nautilus", true},
		{"org.gnome.Builder", "gnome-builder", false, "/usr/bin/gnome-calculator", false},
		{"jetbrains-idea", "/opt/idea/bin/idea.sh", false, "/opt/idea/bin/fsnotifier",
			true},
		{"jetbrains-idea", "/usr/bin/idea", false,
			"/opt/intellij-idea-ultimate/jbr/bin/java", true},
		{"x", NULL, false, "/usr/bin/x", false},
		{"x", "/", false, "/usr/bin/y", false},
		{"", "", false, "", true},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const DesktopEntry entry = {.id = (char *)rows[i].id,
			.program = (char *)rows[i].program,
			.terminal = rows[i].terminal};
		if (identity_is_own(rows[i].path, &entry) != rows[i].own)
			fail_msg("%s in %s", rows[i].path, rows[i].id);
	}
}

static void rows_are_named_by_their_application(void **state)
{
	static const struct {
		const char *unit, *exe, *cmdline, *expected;
	} rows[] = {
		{"app-gnome-org.x.Editor-12.scope", "/usr/bin/editor", "editor", "Schreiber"},
		{"app-gnome-org.x.Editor-12.scope", "/usr/bin/python3", "python3 /usr/bin/editor",
			"Schreiber"},
		{"app-gnome-org.x.Editor-12.scope", "/usr/bin/rg", "rg x", "rg"},
		{"app-term-12.scope", "/usr/bin/term", "term", "Terminal"},
		{"app-term-12.scope", "/usr/bin/node", "node /a/vite", "node (vite)"},
		{"app-flatpak-org.x.Boxed-3.scope", "/app/bin/whatever", "whatever", "Kiste"},
		{"app-none-4.scope", "/usr/bin/none", "none", "none"},
		{"app-\\x2e\\x2e\\x2fetc-4.scope", "/usr/bin/none", "none", "none"},
		{"ssh.service", "/usr/sbin/sshd", "sshd", "sshd"},
	};
	char dir[128];
	const char *const dirs[] = {dir, NULL};

	(void)state;
	(void)snprintf(dir, sizeof dir, "%s/applications", fixture_path);
	fixture_file("applications/org.x.Editor.desktop",
		"[Desktop Entry]\nName=Writer\nName[de]=Schreiber\nExec=editor %U\n");
	fixture_file("applications/term.desktop",
		"[Desktop Entry]\nName=Terminal\nExec=term\nCategories=TerminalEmulator;\n");
	fixture_file("applications/org.x.Boxed.desktop",
		"[Desktop Entry]\nName=Kiste\nExec=flatpak run org.x.Boxed\n");
	_cleanup_(identity_cache_freep) IdentityCache *cache =
		identity_cache_new(dirs, "de_DE.UTF-8");
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		char cgroup[256];
		_cleanup_(freep) char *arguments = arguments_of(rows[i].cmdline);
		SurveyProcess process = {.pid = 5,
			.exe = (char *)rows[i].exe,
			.arguments = arguments,
			.cgroup = cgroup};
		(void)snprintf(cgroup, sizeof cgroup, "/user.slice/user@1000.service/app.slice/%s",
			rows[i].unit);
		assert_int_equal(survey_identify(&process, cache), 0);
		assert_string_equal(process.unit, rows[i].unit);
		assert_string_equal(process.app_name, rows[i].expected);
		free(process.unit);
		free(process.app_id);
		free(process.app_name);
		free(process.container);
	}
	/* once known, the file is not asked again; and what is too much is shown without */
	assert_int_equal(unlink(fixture_at("applications/term.desktop")), 0);
	assert_non_null(identity_desktop_entry(cache, "term"));
	for (int i = 0; i < 2 * IDENTITY_APPS_MAX; i++) {
		char id[16];
		(void)snprintf(id, sizeof id, "x%d", i);
		assert_null(identity_desktop_entry(cache, id));
	}
	assert_int_equal(cache->n, IDENTITY_APPS_MAX);
	assert_non_null(identity_desktop_entry(cache, "org.x.Editor"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cgroup_files),
		cmocka_unit_test(units),
		cmocka_unit_test(applications),
		cmocka_unit_test(containers),
		cmocka_unit_test(hostile_paths_give_bounded_labels),
		cmocka_unit_test(hostile_units_give_no_application),
		cmocka_unit_test(programs),
		cmocka_unit_test(a_terminal_is_not_blamed_for_what_runs_in_it),
		cmocka_unit_test_setup_teardown(
			rows_are_named_by_their_application, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
