/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields into a record, trust, words, signatures. */
#include "coredump/signature.h"
#include "coredump/trust.h"
#include "test.h"
#include <signal.h>

static void take(Crash *crash, const char *data)
{
	assert_in_range(crash_take_data(crash, data, strlen(data)), 0, 1);
}

static const char *const entry[] = {"MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1",
	"COREDUMP_PID=4711", "COREDUMP_UID=1000", "COREDUMP_GID=100", "COREDUMP_SIGNAL=11",
	"COREDUMP_TIMESTAMP=1764000000000000", "COREDUMP_COMM=editor",
	"COREDUMP_EXE=/usr/bin/editor", "COREDUMP_CMDLINE=editor a b",
	"_BOOT_ID=0123456789abcdef0123456789abcdef", "_MACHINE_ID=fedcba9876543210fedcba9876543210",
	"COREDUMP_HOSTNAME=box", "COREDUMP_FUTURE=new", "COREDUMP_DUMPABLE=1"};

static void fill(Crash *crash, size_t without)
{
	*crash = (Crash)CRASH_INIT;
	for (size_t i = 0; i < ELEMENTSOF(entry); i++)
		if (i != without)
			take(crash, entry[i]);
}

static void test_an_entry(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	char buf[32], name[16];

	(void)state;
	fill(&crash, SIZE_MAX);
	assert_int_equal(crash_identify(&crash, 1), 0);
	assert_int_equal(crash.pid, 4711);
	assert_int_equal(crash.uid, 1000);
	assert_int_equal(crash.gid, 100);
	assert_int_equal(crash.dumpable, 1);
	assert_true(crash.when_realtime == 1764000000000000);
	assert_string_equal(crash_program(&crash, buf), "editor");
	assert_string_equal(crash_signal_name(crash.signal, name), "SIGSEGV");
	assert_string_equal(
		json_string_value(json_object_get(crash.fields, "COREDUMP_FUTURE")), "new");
	assert_int_equal(strlen(crash.hash), 40);
	assert_int_equal(crash.kind, CRASH_COREDUMP);
}

/* Each field may be missing; only without pid there is no identity. */
static void test_each_field_may_be_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(entry); i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		fill(&crash, i);
		int r = crash_identify(&crash, 1764000000000000);
		assert_int_equal(r, strstr(entry[i], "COREDUMP_PID") ? -EBADMSG : 0);
		_cleanup_(json_decrefp) json_t *json = crash_to_json(&crash, true);
		assert_non_null(json);
	}
}

static void test_the_identity_is_pid_boot_machine_and_time(void **state)
{
	static const char *const others[] = {"COREDUMP_PID=4712",
		"COREDUMP_TIMESTAMP=1764000000000001", "_BOOT_ID=1123456789abcdef0123456789abcdef",
		"_MACHINE_ID=00dcba9876543210fedcba9876543210"};
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;

	(void)state;
	fill(&crash, SIZE_MAX);
	assert_int_equal(crash_identify(&crash, 5), 0);
	for (size_t i = 0; i < ELEMENTSOF(others); i++) {
		_cleanup_(crash_donep) Crash other = CRASH_INIT;
		take(&other, others[i]); /* the first of repeated ones counts */
		for (size_t k = 0; k < ELEMENTSOF(entry); k++)
			take(&other, entry[k]);
		assert_int_equal(crash_identify(&other, 5), 0);
		assert_string_not_equal(crash.hash, other.hash);
	}
	_cleanup_(crash_donep) Crash same = CRASH_INIT;
	fill(&same, 6); /* comm is not part of it */
	assert_int_equal(crash_identify(&same, 9), 0);
	assert_string_equal(crash.hash, same.hash);
}

static void test_secrets_and_cores_are_dropped(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;

	(void)state;
	assert_int_equal(crash_take_data(&crash, "COREDUMP_ENVIRON=TOKEN=x", 24), 0);
	assert_int_equal(crash_take_data(&crash, "COREDUMP=\177ELF", 13), 0);
	assert_true(crash.core_in_journal);
	assert_null(crash.fields);
	fill(&crash, SIZE_MAX);
	take(&crash, "COREDUMP_ENVIRON=TOKEN=secret");
	_cleanup_(json_decrefp) json_t *json = crash_to_json(&crash, true);
	_cleanup_(freep) char *text = json_dumps(json, 0);
	assert_null(strstr(text, "secret"));
}

static void test_hostile_values(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	static char huge[CRASH_TEXT_MAX * 3];

	(void)state;
	memset(huge, 'x', sizeof huge);
	memcpy(huge, "COREDUMP_CMDLINE=", 17);
	assert_int_equal(crash_take_data(&crash, huge, sizeof huge), 1);
	assert_int_equal(strlen(crash.cmdline), CRASH_TEXT_MAX);
	memcpy(huge, "COREDUMP_UNKNOWN=", 17);
	assert_int_equal(crash_take_data(&crash, huge, sizeof huge), 0);
	take(&crash, "COREDUMP_PID=-1");
	take(&crash, "COREDUMP_PID=99999999999999999999999");
	take(&crash, "COREDUMP_PID=");
	take(&crash, "COREDUMP_UID=4294967295");
	take(&crash, "COREDUMP_SIGNAL=1e1");
	take(&crash, "_BOOT_ID=zz23456789abcdef0123456789abcdef");
	assert_int_equal(crash.pid, 0);
	assert_int_equal(crash.uid, CRASH_UID_UNKNOWN);
	assert_int_equal(crash.signal, 0);
	assert_string_equal(crash.boot_id, "");
	assert_int_equal(crash_take_data(&crash, "no equals", 9), 0);
	assert_int_equal(crash_take_data(&crash, "COREDUMP_BIN=\xff\x00\x80", 16), 1);
	for (int i = 0; i < 2 * CRASH_N_FIELDS_MAX; i++) {
		char field[32];
		(void)snprintf(field, sizeof field, "X%d=y", i);
		assert_in_range(crash_take_data(&crash, field, strlen(field)), 0, 1);
	}
	assert_int_equal(json_object_size(crash.fields), CRASH_N_FIELDS_MAX);
	_cleanup_(json_decrefp) json_t *json = crash_to_json(&crash, true);
	_cleanup_(freep) char *text = json_dumps(json, 0);
	assert_non_null(text);
}

static void test_a_traceback(void **state)
{
	static const char *const fields[] = {"MESSAGE_ID=1f4e0a44a88649939aaea34fc6da8c95",
		"_PID=12", "_UID=1000", "_EXE=/usr/bin/python3.11",
		"MESSAGE=Traceback (most recent call last):\n  File \"/srv/a.py\", line 3, in main\n"
		"    x()\nValueError: no"};
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(fields); i++)
		take(&crash, fields[i]);
	assert_int_equal(crash_identify(&crash, 77), 0);
	assert_int_equal(crash.kind, CRASH_TRACEBACK);
	assert_int_equal(crash.pid, 12);
	assert_int_equal(crash.uid, 1000);
	assert_true(crash.when_realtime == 77);
	_cleanup_(freep) char *title = crash_signature_title(&crash);
	assert_string_equal(title, "ValueError < \"/srv/a.py\", in main");
}

static void test_trust(void **state)
{
	static const struct {
		const char *unit, *uid;
		CrashTrust trust;
	} rows[] = {
		{"systemd-coredump@0-61-0.service", "1000", CRASH_GENUINE},
		{"systemd-coredump@0-1-79_28092-0.service", "1000", CRASH_GENUINE},
		{"systemd-coredumpd.service", "1000", CRASH_GENUINE},
		{"init.scope", "0", CRASH_GENUINE},
		{NULL, "0", CRASH_GENUINE},
		{"user@1000.service", "1000", CRASH_UNVERIFIED},
		{"systemd-coredump@.service", "1000", CRASH_UNVERIFIED},
		{"systemd-coredump@x.scope", "1000", CRASH_UNVERIFIED},
		{"xsystemd-coredump@0.service", "1000", CRASH_UNVERIFIED},
		{"systemd-coredumpd.service.d", "1000", CRASH_UNVERIFIED},
		{NULL, NULL, CRASH_UNVERIFIED},
		{NULL, "00", CRASH_UNVERIFIED},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(
			crash_trust(&(TrustedFields){rows[i].unit, rows[i].uid}), rows[i].trust);
}

/* Same crash: same signature; the noise on top, addresses and clones do not count. */
static void test_signatures(void **state)
{
	static const char a[] =
		"Process 1 (x) of user 1000 dumped core.\n\nStack trace of thread 1:\n"
		"#0  0x00007f0a8b0a9d3c __pthread_kill_implementation (libc.so.6 + 0x8aec4)\n"
		"#1  0x00007f0a8b05af32 raise (libc.so.6 + 0x3bf32)\n"
		"#2  0x00007f0a8b045472 abort (libc.so.6 + 0x26472)\n"
		"#3  0x000055d0b1c0119b boom.constprop.0 (x + 0x119b)\n"
		"#4  0x000055d0b1c011aa operator()(int) (x + 0x11aa)\n"
		"#5  0x000055d0b1c011cc n/a (x + 0x11cc)\nStack trace of thread 2:\n"
		"#0  0x00007f0a8b0a9d3c poll (libc.so.6 + 0x8aec4)\n";
	static const char b[] = "Stack trace of thread 9:\n"
				"#0  0x000000000000119b boom (x + 0x119b)\n"
				"#1  0x00000000000011aa operator()(int) (x + 0x11aa)\n"
				"#2  0x00000000000011cc n/a (x + 0x11cc)\n";
	static const char c[] = "#0  0x000000000000119b bang (x + 0x119b)\n";
	char signatures[4][CRASH_SIGNATURE_SIZE];
	const char *const messages[] = {a, b, c, NULL};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		Crash crash = CRASH_INIT;
		crash.exe = (char *)"/usr/bin/x";
		crash.signal = SIGABRT;
		crash.message = (char *)messages[i];
		crash_signature(&crash, signatures[i]);
		if (i == 0) {
			_cleanup_(freep) char *title = crash_signature_title(&crash);
			assert_string_equal(title, "boom < operator() < x+0x11cc");
		}
	}
	assert_string_equal(signatures[0], signatures[1]);
	assert_string_not_equal(signatures[0], signatures[2]);
	assert_string_not_equal(signatures[0], signatures[3]);
}

static void test_no_trace_is_no_trouble(void **state)
{
	static const char *const messages[] = {"", "\n\n\n", "#", "#0", "#0  0x", "#0  0x12 (",
		"#0  0x12 f (", "#0  0x12 n/a ()", "#999999999999999999999  0x1 f (x + 0x1)",
		"Process crashed\n#0  0x1 \n"};
	char signature[CRASH_SIGNATURE_SIZE];

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(messages); i++) {
		Crash crash = CRASH_INIT;
		crash.message = (char *)messages[i];
		crash_signature(&crash, signature);
		_cleanup_(freep) char *title = crash_signature_title(&crash);
		assert_int_equal(strlen(signature), 16);
		assert_non_null(title);
	}
}

static void test_no_made_up_time_is_to_come(void **state)
{
	static const struct {
		CrashTrust trust;
		usec_t when, expected;
	} rows[] = {
		{CRASH_UNVERIFIED, 7, 7},
		{CRASH_UNVERIFIED, 1001, 1000},
		{CRASH_UNVERIFIED, INT64_MAX, 1000},
		{CRASH_UNVERIFIED, 0, 0}, /* of the entry: crash_identify() */
		{CRASH_GENUINE, 1001, 1001},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		Crash crash = CRASH_INIT;
		crash.trust = rows[i].trust;
		crash.when_realtime = rows[i].when;
		crash_bound_time(&crash, 1000);
		assert_int_equal(crash.when_realtime, rows[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_entry),
		cmocka_unit_test(test_each_field_may_be_missing),
		cmocka_unit_test(test_the_identity_is_pid_boot_machine_and_time),
		cmocka_unit_test(test_secrets_and_cores_are_dropped),
		cmocka_unit_test(test_hostile_values),
		cmocka_unit_test(test_a_traceback),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_no_made_up_time_is_to_come),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_no_trace_is_no_trouble),
	};
	return cmocka_run_group_tests_name("crash-record", tests, NULL, NULL);
}
