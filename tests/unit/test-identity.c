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

static void programs(void **state)
{
	(void)state;
	assert_text(identity_program("/usr/bin/code", "code --x", "code", 1), "code");
	assert_text(
		identity_program("/usr/bin/node", "node --inspect /app/bin/vite serve", "node", 1),
		"node (vite)");
	assert_text(identity_program("/usr/bin/python3.11", "python3 -m http.server", "python3", 1),
		"python3.11 (http.server)");
	assert_text(identity_program("/usr/bin/python3", "python3 -c import x", "python3", 1),
		"python3");
	assert_text(identity_program("/bin/bash", "bash", "bash", 1), "bash");
	assert_text(identity_program(NULL, NULL, "comm", 1), "comm");
	assert_text(identity_program(NULL, NULL, NULL, 77), "pid 77");
	assert_text(identity_program("/", "", "", 1), "/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units),
		cmocka_unit_test(applications),
		cmocka_unit_test(containers),
		cmocka_unit_test(programs),
	};
	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
