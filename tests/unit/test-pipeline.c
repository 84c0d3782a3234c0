/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links of the crash pipeline, in trees as different machines have them. */
#include "common/text.h"
#include "coredump/pipeline.h"
#include "tests/unit/test.h"

static void test_patterns(void **state)
{
	static const struct {
		const char *text;
		CoreTakerKind kind;
		const char *handler;
	} rows[] = {
		{"|/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h %d",
			CORE_TAKER_SYSTEMD, "/lib/systemd/systemd-coredump"},
		{"| /usr/lib/systemd/systemd-coredump %P", CORE_TAKER_SYSTEMD,
			"/usr/lib/systemd/systemd-coredump"},
		{"@@/run/systemd/coredump", CORE_TAKER_SOCKET, "/run/systemd/coredump"},
		{"@/run/other", CORE_TAKER_SOCKET, "/run/other"},
		{"|/usr/share/apport/apport -p%p -s%s", CORE_TAKER_APPORT,
			"/usr/share/apport/apport"},
		{"|/usr/libexec/abrt-hook-ccpp %s %c", CORE_TAKER_ABRT,
			"/usr/libexec/abrt-hook-ccpp"},
		{"|/bin/false", CORE_TAKER_NOTHING, "/bin/false"},
		{"|/opt/mine/systemd-coredumper", CORE_TAKER_OTHER, "/opt/mine/systemd-coredumper"},
		{"|", CORE_TAKER_OTHER, ""},
		{"core", CORE_TAKER_RELATIVE, ""},
		{"core.%p", CORE_TAKER_RELATIVE, ""},
		{"/var/crash/core.%e.%p", CORE_TAKER_FILE, ""},
		{"", CORE_TAKER_NOTHING, ""},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		CoreTaker pattern;
		core_taker_parse(rows[i].text, &pattern);
		if (pattern.kind != rows[i].kind || !streq(pattern.handler, rows[i].handler))
			fail_msg("'%s': kind %d, handler '%s'", rows[i].text, pattern.kind,
				pattern.handler);
		assert_string_equal(pattern.text, rows[i].text);
	}
}

static void test_long_pattern(void **state)
{
	char text[600] = "|/";
	CoreTaker pattern;

	(void)state;
	memset(text + 2, 'x', sizeof text - 3);
	core_taker_parse(text, &pattern);
	assert_int_equal(pattern.kind, CORE_TAKER_OTHER);
	assert_true(strlen(pattern.handler) == sizeof pattern.handler - 1);
}

static void test_whole_machine(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	Pipeline pipeline;

	(void)state;
	fixture_file("proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n");
	_cleanup_(closep) int proc = openat(root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pipeline_read(root, proc, &pipeline);
	assert_int_equal(pipeline.taker.kind, CORE_TAKER_SYSTEMD);
	assert_true(pipeline.taker.missing);
	assert_false(pipeline.systemd_coredump || pipeline.processor_on_dump || pipeline.kcrash);

	fixture_file("usr/lib/systemd/systemd-coredump", "");
	fixture_file("usr/lib/systemd/system/vigil-coredump-processor@.service", "");
	fixture_link("etc/systemd/system/systemd-coredump@.service.wants/"
		     "vigil-coredump-processor@.service",
		"/usr/lib/systemd/system/vigil-coredump-processor@.service");
	fixture_file("usr/lib/x86_64-linux-gnu/libKF5Crash.so.5", "");
	pipeline_read(root, proc, &pipeline);
	assert_false(pipeline.taker.missing);
	assert_true(pipeline.systemd_coredump && pipeline.processor_on_dump);
	assert_true(pipeline.kcrash);
	assert_string_equal(pipeline.processor_dir, "usr/lib/systemd/system");
	char command[512];
	pipeline_enable_command(&pipeline, command, sizeof command);
	assert_non_null(
		strstr(command, "ln -sfn /usr/lib/systemd/system/vigil-coredump-processor@.service "
				"/etc/systemd/system/systemd-coredump@.service.wants/"));
	assert_false(pipeline.processor_follows || pipeline.drkonqi);
}

static void test_nothing_there(void **state)
{
	Pipeline pipeline;

	(void)state;
	pipeline_read(-EBADF, -EBADF, &pipeline);
	assert_int_equal(pipeline.taker.kind, CORE_TAKER_UNKNOWN);
	assert_false(pipeline.systemd_coredump || pipeline.processor_dir || pipeline.kcrash);
}

/* Each tree also has what the ones before it have: the first of the list wins. */
static void test_how_each_distribution_installs_it(void **state)
{
	static const struct {
		const char *program, *command;
	} rows[] = {
		{"usr/bin/nothing-known", NULL},
		{"usr/bin/pacman", "sudo pacman -S systemd"},
		{"usr/bin/zypper", "sudo zypper install systemd-coredump"},
		{"usr/bin/dnf", "sudo dnf install systemd-udev"},
		{"usr/bin/apt-get", "sudo apt-get install systemd-coredump"},
	};
	_cleanup_(closep) int root = fixture_open();

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		fixture_file(rows[i].program, "");
		const char *command = pipeline_install_command(root);
		if (rows[i].command)
			assert_string_equal(command, rows[i].command);
		else
			assert_null(command);
	}
}

static void test_groups_and_variables(void **state)
{
	static const char *const many[] = {"audio", "wheel", "adm", NULL};
	static const char *const none[] = {"audio", "admin", NULL};
	static const char *const environment[] = {"A=1", "KCRASH_DUMP_ONLY=1", NULL};

	(void)state;
	assert_string_equal(pipeline_journal_group(many), "adm");
	assert_null(pipeline_journal_group(none));
	assert_true(pipeline_has_variable(environment, "KCRASH_DUMP_ONLY=1"));
	assert_false(pipeline_has_variable(environment, "KCRASH_DUMP_ONLY"));
	assert_false(pipeline_has_variable(environment, "A=11"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_long_pattern),
		cmocka_unit_test(test_whole_machine),
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_how_each_distribution_installs_it),
		cmocka_unit_test(test_groups_and_variables),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
