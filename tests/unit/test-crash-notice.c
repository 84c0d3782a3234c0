/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What crashes are called and what is said of them, whatever their names hold. */
#include "common/text.h"
#include "coredump/record.h"
#include "monitord/crash-notice.h"
#include <signal.h>

#include "tests/unit/test.h"

/* ---- names ----------------------------------------------------------------------------------- */

static void entry(const char *id, const char *text)
{
	char name[160];

	(void)snprintf(name, sizeof name, "applications/%s.desktop", id);
	fixture_file(name, text);
}

static int entries(void **state)
{
	if (fixture_setup(state) < 0)
		return -1;
	entry("org.gnome.Nautilus",
		"[Desktop Entry]\nName=Files\nIcon=org.gnome.Nautilus\nExec=nautilus %U\n");
	entry("firefox", "[Desktop Entry]\nName=Firefox\nIcon=firefox\nExec=firefox %u\n");
	entry("code", "[Desktop Entry]\nName=Code\nExec=/usr/share/code/code\n");
	entry("org.kde.konsole",
		"[Desktop Entry]\nName=Konsole\nExec=konsole\nCategories=Qt;TerminalEmulator;\n");
	entry("org.example.App", "[Desktop Entry]\nName=Example\nExec=/usr/bin/flatpak run x\n");
	entry("meld", "[Desktop Entry]\nName=Meld\nIcon=meld\nExec=meld %F\n");
	return 0;
}

typedef struct NameRow {
	const char *exe, *cmdline, *unit; /* of the user */
	const char *name, *icon, *app_id, *inside;
	bool part, interpreted, service;
} NameRow;

/* clang-format off */
static const NameRow names[] = {
	{"/usr/bin/nautilus", "nautilus --new", "app-gnome-org.gnome.Nautilus-1234.scope", "Files", "org.gnome.Nautilus", "org.gnome.Nautilus", NULL, false, false, false},
	{"/usr/bin/nautilus", "nautilus", "dbus-:1.2-org.gnome.Nautilus@0.service", "Files", "org.gnome.Nautilus", "org.gnome.Nautilus", NULL, false, false, false},
	/* a tab is not the browser */
	{"/usr/lib/firefox/firefox", "/usr/lib/firefox/firefox -contentproc -childID 4 tab", "app-gnome-firefox-77.scope", "Firefox", "firefox", "firefox", NULL, true, false, false},
	{"/usr/share/code/code", "/usr/share/code/code --type=renderer", "app-gnome-code-77.scope", "Code", NULL, "code", NULL, true, false, false},
	/* what was started in it is not it */
	{"/usr/bin/clangd", "clangd", "app-gnome-code-77.scope", "clangd", NULL, NULL, "Code", false, false, false},
	/* terminals host others */
	{"/usr/bin/vim", "vim x", "app-org.kde.konsole-1.scope", "vim", NULL, NULL, NULL, false, false, false},
	{"/usr/bin/vim", "vim x", "app-org.kde.konsole@ab12.service", "vim", NULL, NULL, NULL, false, false, false},
	{"/usr/bin/konsole", "konsole", "app-org.kde.konsole@ab12.service", "Konsole", NULL, "org.kde.konsole", NULL, false, false, false},
	/* all of a sandbox is its application's */
	{"/app/bin/thing", "thing", "app-flatpak-org.example.App-99.scope", "Example", NULL, "org.example.App", NULL, false, false, false},
	/* interpreters say nothing */
	{"/usr/bin/python3.11", "/usr/bin/python3 /usr/bin/meld a \"b c\"", "app-gnome-meld-5.scope", "Meld", "meld", "meld", NULL, false, true, false},
	{"/usr/bin/python3.11", "python3 \"/home/me/my tools/sync.py\" --all", "session-2.scope", "python3.11 (sync.py)", NULL, NULL, NULL, false, true, false},
	/* services that stay, and those that do not */
	{"/usr/bin/wireplumber", "wireplumber", "wireplumber.service", "wireplumber", NULL, NULL, NULL, false, false, true},
	{"/usr/bin/sleep", "sleep 1", "run-u12.service", "sleep", NULL, NULL, NULL, false, false, false},
	{NULL, NULL, NULL, "comm", NULL, NULL, NULL, false, false, false},
};
/* clang-format on */

static void same(const char *got, const char *wanted)
{
	if (!wanted)
		assert_null(got);
	else if (!got)
		fail_msg("nothing instead of '%s'", wanted);
	else
		assert_string_equal(got, wanted);
}

static void a_program_has_its_applications_name(void **state)
{
	char dir[128];
	const char *const dirs[] = {dir, NULL};

	(void)state;
	(void)snprintf(dir, sizeof dir, "%s/applications", fixture_path);
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		const NameRow *row = &names[i];
		_cleanup_(identity_cache_freep) IdentityCache *cache =
			identity_cache_new(dirs, "C");
		char cgroup[256];
		CrashApp app;
		(void)snprintf(cgroup, sizeof cgroup,
			"/user.slice/user-1000.slice/user@1000.service/app.slice/%s",
			row->unit ? row->unit : "");
		const CrashAppSource source = {.exe = row->exe,
			.cmdline = row->cmdline,
			.comm = "comm",
			.user_unit = row->unit,
			.cgroup = cgroup,
			.pid = 1};
		assert_int_equal(crash_app_find(cache, &source, &app), 0);
		same(app.name, row->name);
		same(app.icon, row->icon);
		same(app.app_id, row->app_id);
		same(app.inside, row->inside);
		assert_int_equal(app.part, row->part);
		assert_int_equal(app.interpreted, row->interpreted);
		assert_int_equal(app.service, row->service);
		crash_app_done(&app);
	}
}

/* ---- one crash ------------------------------------------------------------------------------- */

static CrashApp files = {.name = (char[]){"Files"}, .app_id = (char[]){"org.gnome.Nautilus"}};

static CrashNotice plain(void)
{
	return (CrashNotice){.app = &files,
		.exe = "/usr/bin/nautilus",
		.words = crash_signal_words(SIGSEGV),
		.signal = SIGSEGV,
		.count = 1};
}

static void says(const CrashNotice *notice, bool markup, const char *summary, const char *body)
{
	_cleanup_(strbuf_done) StrBuf head = {}, text = {};

	crash_notice_summary(notice, &head);
	crash_notice_body(notice, markup, 1764064800 * USEC_PER_SEC, &text);
	assert_string_equal(strbuf_text(&head), summary);
	assert_string_equal(strbuf_text(&text), body);
}

static void a_crash_in_words(void **state)
{
	CrashNotice notice = plain();

	(void)state;
	says(&notice, false, "Files was closed after an invalid memory access",
		"/usr/bin/nautilus, SIGSEGV");
	notice.count = 12;
	notice.truncated = true;
	says(&notice, true, "Files was closed after an invalid memory access",
		"This has happened 12 times.\n"
		"Its core dump is incomplete, so a report will tell little.\n"
		"/usr/bin/nautilus, SIGSEGV");
	notice = plain();
	notice.hung = true;
	notice.signal = SIGABRT;
	says(&notice, true, "Files did not respond and was closed", "/usr/bin/nautilus, SIGABRT");
	notice = plain();
	notice.loop = true;
	notice.loop_count = 5;
	notice.loop_usec = 20 * USEC_PER_SEC;
	says(&notice, true, "Files keeps crashing",
		"5 times within 20s. The last time it was closed after an invalid memory access.\n"
		"/usr/bin/nautilus, SIGSEGV");
	notice = plain();
	notice.function = "std::vector<int>::at";
	says(&notice, true, "Files was closed after an invalid memory access",
		"It happened in std::vector&lt;int&gt;::at.\n/usr/bin/nautilus, SIGSEGV");
	notice.module = "lib<x>.so";
	notice.count = 2;
	says(&notice, true, "Files was closed after an invalid memory access",
		"This has happened 2 times.\n"
		"It happened in std::vector&lt;int&gt;::at of lib&lt;x&gt;.so.\n"
		"/usr/bin/nautilus, SIGSEGV");
	notice = plain();
	notice.exe = NULL;
	notice.signal = 0;
	notice.words = crash_signal_words(0);
	says(&notice, true, "Files ended with an error it did not handle", "");
}

static void whose_it_was(void **state)
{
	CrashApp part = {.name = (char[]){"Firefox"}, .part = true};
	CrashApp inside = {.name = (char[]){"clangd"}, .inside = (char[]){"<Code>"}};
	CrashApp service = {.name = (char[]){"wireplumber"},
		.unit = (char[]){"wireplumber.service"},
		.service = true};
	CrashNotice notice = plain();

	(void)state;
	notice.app = &part;
	says(&notice, true, "A part of Firefox was closed after an invalid memory access",
		"/usr/bin/nautilus, SIGSEGV");
	notice.app = &inside;
	says(&notice, true, "clangd was closed after an invalid memory access",
		"It ran in &lt;Code&gt;.\n/usr/bin/nautilus, SIGSEGV");
	says(&notice, false, "clangd was closed after an invalid memory access",
		"It ran in <Code>.\n/usr/bin/nautilus, SIGSEGV");
	notice.app = &service;
	says(&notice, true, "wireplumber was closed after an invalid memory access",
		"/usr/bin/nautilus, wireplumber.service, SIGSEGV");
}

static void hostile_names_stay_names(void **state)
{
	static const struct {
		const char *name, *summary, *body;
	} rows[] = {
		{"<b>x</b>", "<b>x</b> was", "&lt;b&gt;x&lt;/b&gt;"},
		{"a\nb\tc\x1b[31m", "a\\nb\\tc\\x1b[31m was", "a\\nb\\tc\\x1b[31m"},
		{"%s%n%d", "%s%n%d was", "%s%n%d"},
		{"\xe2\x80\xaegpj.exe", "\\xe2\\x80\\xaegpj.exe was", "\\xe2\\x80\\xaegpj.exe"},
		{"\xff\xfe", "\\xff\\xfe was", "\\xff\\xfe"},
		{"&amp;", "&amp; was", "&amp;amp;"},
	};
	char huge[5000];

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(strbuf_done) StrBuf summary = {}, body = {};
		CrashApp app = {.name = (char *)rows[i].name, .inside = (char *)rows[i].name};
		CrashNotice notice = plain();
		notice.app = &app;
		notice.exe = rows[i].name;
		crash_notice_summary(&notice, &summary);
		crash_notice_body(&notice, true, 0, &body);
		assert_non_null(startswith(strbuf_text(&summary), rows[i].summary));
		assert_non_null(strstr(strbuf_text(&body), rows[i].body));
		assert_null(strstr(strbuf_text(&body), "<"));
		assert_null(strchr(strbuf_text(&summary), '\n'));
	}
	/* long ones are cut, at a character */
	memset(huge, 0, sizeof huge);
	for (size_t i = 0; i + 2 < sizeof huge; i += 2)
		memcpy(huge + i, "\xc3\xa9", 2);
	_cleanup_(strbuf_done) StrBuf summary = {}, body = {};
	CrashApp app = {.name = huge, .inside = huge, .unit = huge, .service = true};
	CrashNotice notice = plain();
	notice.app = &app;
	notice.exe = huge;
	crash_notice_summary(&notice, &summary);
	crash_notice_body(&notice, true, 0, &body);
	assert_true(summary.length < 200);
	assert_true(body.length < 400);
	assert_null(strstr(strbuf_text(&summary), "\\x"));
	assert_null(strstr(strbuf_text(&body), "\\x"));
	assert_non_null(strstr(strbuf_text(&summary), "\xc3\xa9…"));
}

/* ---- buttons --------------------------------------------------------------------------------- */

static void buttons_are(const CrashNotice *notice, CrashButtons setup, const char *wanted)
{
	NotificationAction actions[NOTIFICATION_ACTIONS_MAX];
	size_t n = crash_notice_actions(notice, &setup, actions);
	char ids[128] = "";

	assert_true(n <= NOTIFICATION_ACTIONS_MAX);
	for (size_t i = 0; i < n; i++) {
		strcat(ids, i ? " " : "");
		strcat(ids, actions[i].id);
	}
	assert_string_equal(ids, wanted);
}

static void buttons_fit_the_crash(void **state)
{
	CrashNotice notice = plain();
	CrashApp part = {.name = (char[]){"Firefox"}, .part = true};
	CrashApp script = {.name = (char[]){"python3 (x)"}, .interpreted = true};
	const CrashButtons all = {.reporter = true, .developer = true, .restart = true};
	NotificationAction actions[NOTIFICATION_ACTIONS_MAX];

	(void)state;
	buttons_are(&notice, all, "default details restart report debug ignore");
	buttons_are(&notice, (CrashButtons){}, "default details ignore");
	buttons_are(&notice, (CrashButtons){.reporter = true}, "default details report ignore");
	notice.loop = true; /* it would only go on */
	buttons_are(&notice, all, "default details report debug ignore");
	notice = plain();
	notice.hung = true; /* nothing that its makers could read out of it */
	buttons_are(&notice, all, "default details restart debug ignore");
	notice = plain();
	notice.signal = 0; /* a traceback: there is no core */
	buttons_are(&notice, all, "default details restart report ignore");
	notice = plain();
	notice.app = &part;
	buttons_are(&notice, all, "default details report debug ignore");
	notice.app = &script;
	size_t n = crash_notice_actions(&notice, &all, actions);
	assert_string_equal(actions[n - 1].label, "Ignore this crash");
}

/* ---- several --------------------------------------------------------------------------------- */

static void several_in_words(void **state)
{
	CrashDigest digest = {.rows = {{"Files", 3}, {"<Fox>", 1}},
		.n_rows = 2,
		.programs = 4,
		.crashes = 9,
		.since_realtime = 1764064800 * USEC_PER_SEC};
	const CrashFlood flood = {.crashes = 9960,
		.span_usec = 150 * USEC_PER_SEC,
		.programs = 2,
		.top = "/usr/bin/a<b",
		.top_crashes = 9000};
	_cleanup_(strbuf_done) StrBuf text = {};

	(void)state;
	crash_digest_summary(&digest, 1764068400 * USEC_PER_SEC, &text);
	assert_string_equal(strbuf_text(&text), "4 programs crashed since 10:00");
	strbuf_reset(&text);
	crash_digest_body(&digest, true, &text);
	assert_string_equal(strbuf_text(&text), "Files (3 times), &lt;Fox&gt; and 2 more");
	strbuf_reset(&text);
	digest.programs = 1;
	crash_digest_summary(&digest, 1764064800 * USEC_PER_SEC + 3 * 86400 * USEC_PER_SEC, &text);
	assert_string_equal(strbuf_text(&text), "1 program crashed since Tuesday 10:00");
	strbuf_reset(&text);
	crash_digest_summary(&digest, 1764064800 * USEC_PER_SEC + 30 * 86400 * USEC_PER_SEC, &text);
	assert_string_equal(strbuf_text(&text), "1 program crashed since 2025-11-25");

	strbuf_reset(&text);
	crash_flood_summary(&flood, false, &text);
	assert_string_equal(strbuf_text(&text), "Programs crash one after another");
	strbuf_reset(&text);
	crash_flood_summary(&flood, true, &text);
	assert_string_equal(strbuf_text(&text), "9960 crashes within 2min were only counted");
	strbuf_reset(&text);
	digest.n_rows = 1;
	crash_flood_body(&flood, true, &digest, true, &text);
	assert_string_equal(strbuf_text(&text),
		"a&lt;b crashed 9000 times.\nNot told of before: Files (3 times)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_program_has_its_applications_name, entries, fixture_teardown),
		cmocka_unit_test(a_crash_in_words),
		cmocka_unit_test(whose_it_was),
		cmocka_unit_test(hostile_names_stay_names),
		cmocka_unit_test(buttons_fit_the_crash),
		cmocka_unit_test(several_in_words),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
