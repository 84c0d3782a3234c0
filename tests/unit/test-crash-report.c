/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a bug report: what is in it, what never is, and how large it gets. */
#include "cli/crash-report.h"
#include "common/text.h"
#include "tests/unit/test.h"
#include <signal.h>

static const CrashReportContext context = {.os = "Debian GNU/Linux 12",
	.kernel = "6.1.0",
	.home = "/srv/people/ann",
	.user = "ann",
	.repeats = 3};

static void test_hiding(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"/home/bob/x", "~/x"},
		{"/home/bob", "~"},
		{"file:///home/bob/x", "file://~/x"},
		{"--dir=/home/bob:/home/eve/y", "--dir=~:~/y"},
		{"/srv/people/ann/.cache", "~/.cache"},
		{"/srv/people/anna", "/srv/people/anna"},
		{"/root/x", "~/x"},
		{"/rootfs/x", "/rootfs/x"},
		{"/home/", "/home/"},
		{"/usr/home/bob", "/usr/home/bob"},
		{"user ann at host", "user user at host"},
		{"annotate banns ann-lee", "annotate banns ann-lee"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(strbuf_done) StrBuf out = {};
		crash_report_hide(&out, rows[i].text, &context);
		assert_string_equal(strbuf_text(&out), rows[i].want);
	}
}

static Crash sample(void)
{
	Crash crash = CRASH_INIT;

	crash.signal = SIGSEGV;
	crash.when_realtime = 1795599000 * USEC_PER_SEC;
	crash.exe = (char *)"/srv/people/ann/bin/gimp";
	crash.cmdline = (char *)"gimp `rm` /home/bob/x\nnext";
	crash.hostname = (char *)"annshost";
	crash.message =
		(char *)"Process 1 (gimp) of user 1000 dumped core.\n\nModule libx.so from deb x-1\n"
			"Stack trace of thread 1:\n#0 0x1 f (/srv/people/ann/l.so + 0x1)\n";
	return crash;
}

static void test_report(void **state)
{
	const CrashRow row = {.crash = sample(), .title = "f"};
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	crash_report_markdown(&row, &context, &out);
	const char *text = strbuf_text(&out);
	assert_non_null(startswith(text, "## gimp was closed after an invalid memory access\n"));
	assert_non_null(strstr(text, "- Program: `~/bin/gimp`\n"));
	assert_non_null(strstr(text, "- Command line: `gimp 'rm' ~/x\\nnext`\n"));
	assert_non_null(strstr(text, "- Seen: 3 times here\n"));
	assert_non_null(strstr(text, "#0 0x1 f (~/l.so + 0x1)\n"));
	assert_non_null(strstr(text, "- System: `Debian GNU/Linux 12`\n"));
	assert_null(strstr(text, "ann"));
	assert_null(strstr(text, "of user 1000"));
}

static void test_nothing_told(void **state)
{
	const CrashRow row = {.crash = CRASH_INIT};
	const CrashReportContext nothing = {};
	_cleanup_(strbuf_done) StrBuf out = {};

	(void)state;
	crash_report_markdown(&row, &nothing, &out);
	assert_non_null(strstr(strbuf_text(&out), "No stack trace was recorded"));
}

/* However much the crash tells, in bytes that escaping makes longer: it fits a bug tracker. */
static void test_size(void **state)
{
	size_t n = CRASH_MESSAGE_MAX;
	_cleanup_(freep) char *huge = malloc(n + 1), *lines = malloc(n + 1), *ticks = malloc(n + 1);
	const CrashReportContext huge_context = {
		.os = huge, .kernel = huge, .home = "/h", .user = "x"};
	CrashRow row = {.crash = sample()};

	(void)state;
	assert_true(huge && lines && ticks);
	memset(huge, 0x01, n);
	for (size_t i = 0; i < n; i++)
		lines[i] = i % 40 == 39 ? '\n' : '\x02';
	memset(ticks, '`', n);
	ticks[0] = ticks[5000] = '\n';
	huge[n] = lines[n] = ticks[n] = '\0';
	row.title = row.crash.exe = row.crash.cmdline = row.crash.unit = row.crash.user_unit = huge;
	for (int i = 0; i < 3; i++) {
		_cleanup_(strbuf_done) StrBuf out = {};
		row.crash.message = i == 0 ? huge : i == 1 ? lines : ticks;
		crash_report_markdown(&row, &huge_context, &out);
		assert_false(out.failed);
		assert_true(out.length <= CRASH_REPORT_MAX);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hiding),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_nothing_told),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
