/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wire format: what goes in comes out with the same identity, wherever it is cut; what is too
 * large, malformed or nobody's is refused by name; a slow reader costs no more than the deadline.
 */
#include "coredump/wire.h"

#include "common/clock.h"
#include "tests/unit/test.h"
#include <pthread.h>
#include <sys/socket.h>

static void take(Crash *crash, const char *name, const char *value)
{
	assert_int_equal(crash_take_field(crash, name, strlen(name), value, strlen(value)), 1);
}

static Crash sample(void)
{
	Crash crash = CRASH_INIT;

	take(&crash, "MESSAGE_ID", CRASH_MESSAGE_ID_COREDUMP);
	take(&crash, "_MACHINE_ID", "0123456789abcdef0123456789abcdef");
	take(&crash, "_BOOT_ID", "fedcba9876543210fedcba9876543210");
	take(&crash, "COREDUMP_PID", "4711");
	take(&crash, "COREDUMP_UID", "1000");
	take(&crash, "COREDUMP_GID", "100");
	take(&crash, "COREDUMP_SIGNAL", "11");
	take(&crash, "COREDUMP_SIGNAL_NAME", "SIGSEGV");
	take(&crash, "COREDUMP_TIMESTAMP", "1700000000000001");
	take(&crash, "COREDUMP_COMM", "kate");
	take(&crash, "COREDUMP_EXE", "/usr/bin/kate");
	take(&crash, "COREDUMP_CMDLINE", "kate \xc3\xa9 \xff \x1b[31m \"\\");
	take(&crash, "COREDUMP_FILENAME", "/var/lib/systemd/coredump/core.kate.1000");
	take(&crash, "COREDUMP_DUMPABLE", "1");
	take(&crash, "COREDUMP_TRUNCATED", "1");
	take(&crash, "MESSAGE", "Process 4711 (kate) dumped core.\n#0 main\n");
	take(&crash, "_SYSTEMD_UNIT", "systemd-coredump@0-61-0.service");
	take(&crash, "__CURSOR", "s=1;i=2");
	assert_int_equal(crash_identify(&crash, 0), 0);
	return crash;
}

static int read_text(const char *text, size_t length, Crash *ret, bool *ret_pickup)
{
	WireReader reader = {};
	int r = 0;

	for (size_t at = 0, n; at < length && r >= 0; at += n) {
		n = MIN_OF(length - at, (size_t)WIRE_DATAGRAM_MAX);
		r = wire_reader_take(&reader, text + at, n);
	}
	if (r >= 0)
		r = wire_reader_finish(&reader, ret, ret_pickup);
	wire_reader_done(&reader);
	return r;
}

static void what_is_sent_is_what_is_read(void **state)
{
	_cleanup_(crash_donep) Crash crash = sample();
	_cleanup_(crash_donep) Crash again = CRASH_INIT;
	bool pickup = false;

	(void)state;
	_cleanup_(json_decrefp) json_t *object = wire_object(&crash, true);
	_cleanup_(freep) char *text = json_dumps(object, JSON_COMPACT);
	assert_int_equal(read_text(text, strlen(text), &again, &pickup), 0);
	assert_true(pickup);
	assert_string_equal(again.hash, crash.hash);
	assert_int_equal(again.trust, CRASH_UNVERIFIED);
	assert_int_equal(again.uid, 1000);
	assert_int_equal(again.gid, 100);
	assert_int_equal(again.signal, 11);
	assert_int_equal(again.dumpable, 1);
	assert_true(again.truncated);
	assert_string_equal(again.cursor, "s=1;i=2");
	assert_string_equal(again.message, crash.message);
	assert_string_equal(again.cmdline, "kate \xc3\xa9 \xef\xbf\xbd \x1b[31m \"\\");
	assert_string_equal(json_string_value(json_object_get(again.fields, "_SYSTEMD_UNIT")),
		"systemd-coredump@0-61-0.service");
	assert_string_equal(
		json_string_value(json_object_get(object, "_DRKONQI_SD_CURSOR")), "s=1;i=2");
	assert_string_equal(json_string_value(json_object_get(object, "_DRKONQI_PICKUP")), "TRUE");
}

/* The receiver computes the same identity from what a crash was derived from. */
static void identity_survives_derived_fields(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT, again = CRASH_INIT;
	bool pickup = true;

	(void)state;
	take(&crash, "MESSAGE_ID", CRASH_MESSAGE_ID_TRACEBACK);
	take(&crash, "_PID", "17");
	take(&crash, "_UID", "1000");
	assert_int_equal(crash_identify(&crash, 123456), 0); /* time from the entry */
	_cleanup_(json_decrefp) json_t *object = wire_object(&crash, false);
	_cleanup_(freep) char *text = json_dumps(object, 0);
	assert_int_equal(read_text(text, strlen(text), &again, &pickup), 0);
	assert_false(pickup);
	assert_int_equal(again.kind, CRASH_TRACEBACK);
	assert_string_equal(again.hash, crash.hash);
}

static void datagrams_may_be_cut_anywhere(void **state)
{
	_cleanup_(crash_donep) Crash crash = sample();
	_cleanup_(json_decrefp) json_t *object = wire_object(&crash, false);
	_cleanup_(freep) char *text = json_dumps(object, JSON_COMPACT);
	size_t length = strlen(text);

	(void)state;
	for (size_t cut = 0; cut <= length; cut++) {
		_cleanup_(crash_donep) Crash again = CRASH_INIT;
		WireReader reader = {};
		bool pickup;
		assert_int_equal(wire_reader_take(&reader, text, cut), 0);
		assert_int_equal(wire_reader_take(&reader, text + cut, length - cut), 0);
		assert_int_equal(wire_reader_finish(&reader, &again, &pickup), 0);
		assert_string_equal(again.hash, crash.hash);
		wire_reader_done(&reader);
	}
	for (size_t cut = 0; cut < length; cut++) { /* no beginning of it is a whole one */
		_cleanup_(crash_donep) Crash again = CRASH_INIT;
		bool pickup;
		assert_int_equal(read_text(text, cut, &again, &pickup), cut ? -EBADMSG : -ENODATA);
	}
}

static void malformed_objects_are_refused(void **state)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{"", -ENODATA},
		{"{", -EBADMSG},
		{"[]", -EBADMSG},
		{"\"COREDUMP_PID\"", -EBADMSG},
		{"null", -EBADMSG},
		{"{}", -EBADMSG},
		{"{}{}", -EBADMSG},
		{"{\"COREDUMP_PID\":\"1\"}", -EBADMSG},
		{"{\"COREDUMP_PID\":1,\"COREDUMP_TIMESTAMP\":\"5\"}", -EBADMSG},
		{"{\"COREDUMP_PID\":\"-1\",\"COREDUMP_TIMESTAMP\":\"5\"}", -EBADMSG},
		{"{\"COREDUMP_PID\":\"1\",\"COREDUMP_TIMESTAMP\":\"5\"} x", -EBADMSG},
		{"{\"COREDUMP_PID\":\"1\",\"COREDUMP_TIMESTAMP\":\"\xff\"}", -EBADMSG},
		{"{\"COREDUMP_PID\":\"1\",\"COREDUMP_TIMESTAMP\":\"5\"}", 0},
		{"{\"COREDUMP_PID\":\"1\",\"COREDUMP_TIMESTAMP\":\"5\",\"a\":{\"b\":[{}]},\"c\":null}",
			0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		bool pickup;
		int r = read_text(rows[i].text, strlen(rows[i].text), &crash, &pickup);
		if (r != rows[i].error)
			fail_msg("'%s' gives %d, not %d", rows[i].text, r, rows[i].error);
	}
}

static void depth_and_binary_do_no_harm(void **state)
{
	static char deep[400000];
	static const char binary[] =
		"{\"COREDUMP_PID\":\"7\",\"COREDUMP_TIMESTAMP\":\"5\","
		"\"COREDUMP_COMM\":\"a\\u0000b\",\"\":\"x\",\"X\":\"\\u0001\"}";
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	bool pickup;

	(void)state;
	memset(deep, '[', sizeof deep);
	assert_int_equal(read_text(deep, sizeof deep, &crash, &pickup), -EBADMSG);
	memcpy(deep, "{\"a\":", 5);
	assert_int_equal(read_text(deep, sizeof deep, &crash, &pickup), -EBADMSG);
	assert_int_equal(read_text(binary, strlen(binary), &crash, &pickup), 0);
	assert_string_equal(crash.comm, "a");
}

static void an_object_of_one_mebibyte_is_the_end(void **state)
{
	static char block[WIRE_DATAGRAM_MAX];
	WireReader reader = {};

	(void)state;
	memset(block, ' ', sizeof block);
	for (size_t n = 0; n < WIRE_MESSAGE_MAX; n += sizeof block)
		assert_int_equal(wire_reader_take(&reader, block, sizeof block), 0);
	assert_int_equal(wire_reader_take(&reader, block, 0), 0);
	assert_int_equal(wire_reader_take(&reader, block, 1), -EMSGSIZE);
	assert_int_equal(wire_reader_take(&reader, block, SIZE_MAX), -EMSGSIZE);
	assert_int_equal(reader.length, WIRE_MESSAGE_MAX);
	wire_reader_done(&reader);
	assert_null(reader.data);
}

/* Each byte becomes six of JSON: bulk goes, identity stays. */
static void the_worst_crash_still_fits(void **state)
{
	_cleanup_(crash_donep) Crash crash = sample();
	static char bad[CRASH_MESSAGE_MAX + 1];
	char key[32];

	(void)state;
	memset(bad, 1, sizeof bad);
	for (size_t i = 0; i < crash_n_texts; i++)
		(void)crash_take_field(&crash, crash_texts[i].field, strlen(crash_texts[i].field),
			bad, sizeof bad);
	free(crash.message);
	crash.message = strndup(bad, CRASH_MESSAGE_MAX);
	free(crash.cmdline);
	crash.cmdline = strndup(bad, CRASH_TEXT_MAX);
	for (int i = 0; i < CRASH_N_FIELDS_MAX; i++) {
		(void)snprintf(key, sizeof key, "COREDUMP_X%d", i);
		(void)crash_take_field(&crash, key, strlen(key), bad, 240);
	}
	_cleanup_(json_decrefp) json_t *object = wire_object(&crash, false);
	_cleanup_(freep) char *text = json_dumps(object, JSON_COMPACT);
	assert_true(strlen(text) <= WIRE_MESSAGE_MAX);
	assert_true(strlen(text) > WIRE_MESSAGE_MAX / 2);
	_cleanup_(crash_donep) Crash again = CRASH_INIT;
	bool pickup;
	assert_int_equal(read_text(text, strlen(text), &again, &pickup), 0);
	assert_string_equal(again.hash, crash.hash);
}

/* ---- sending ------------------------------------------------------------------------------- */

static void *read_all(void *userdata)
{
	int fd = *(int *)userdata;
	static char datagram[2 * WIRE_DATAGRAM_MAX];
	static WireReader reader;
	ssize_t n;

	reader = (WireReader){};
	while ((n = recv(fd, datagram, sizeof datagram, MSG_TRUNC)) > 0)
		if (n > WIRE_DATAGRAM_MAX || wire_reader_take(&reader, datagram, (size_t)n) < 0)
			return NULL;
	return &reader;
}

static void large_objects_are_sent_whole(void **state)
{
	_cleanup_(crash_donep) Crash crash = sample(), again = CRASH_INIT;
	pthread_t thread;
	void *result;
	int fds[2];
	bool pickup;

	(void)state;
	free(crash.message);
	crash.message = malloc(CRASH_MESSAGE_MAX);
	memset(crash.message, 'x', CRASH_MESSAGE_MAX);
	crash.message[CRASH_MESSAGE_MAX - 1] = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_all, &fds[1]), 0);
	_cleanup_(json_decrefp) json_t *object = wire_object(&crash, false);
	assert_int_equal(
		wire_send(fds[0], object, now_usec(CLOCK_MONOTONIC) + 30 * USEC_PER_SEC), 0);
	(void)close(fds[0]);
	assert_int_equal(pthread_join(thread, &result), 0);
	(void)close(fds[1]);
	assert_non_null(result);
	assert_int_equal(wire_reader_finish(result, &again, &pickup), 0);
	assert_string_equal(again.message, crash.message);
	wire_reader_done(result);
}

static void a_reader_that_never_reads_costs_the_deadline(void **state)
{
	_cleanup_(json_decrefp) json_t *object = json_object();
	static char text[WIRE_MESSAGE_MAX - 100];
	int fds[2];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	json_add_string(object, "MESSAGE", text);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	usec_t start = now_usec(CLOCK_MONOTONIC);
	assert_int_equal(wire_send(fds[0], object, start + USEC_PER_SEC / 5), -ETIME);
	usec_t took = now_usec(CLOCK_MONOTONIC) - start;
	assert_true(took >= USEC_PER_SEC / 5 && took < 5 * USEC_PER_SEC);
	(void)close(fds[1]);
	/* It ended with datagrams unread: told once, then as for any closed peer. */
	assert_int_equal(wire_send(fds[0], object, start + 60 * USEC_PER_SEC), -ECONNRESET);
	assert_int_equal(wire_send(fds[0], object, start + 60 * USEC_PER_SEC), -EPIPE);
	(void)close(fds[0]);
}

static void what_is_too_large_is_not_sent(void **state)
{
	_cleanup_(json_decrefp) json_t *object = json_object();
	static char text[WIRE_MESSAGE_MAX + 1];
	int fds[2];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	json_add_string(object, "MESSAGE", text);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(wire_send(fds[0], object, USEC_INFINITY), -EMSGSIZE);
	(void)close(fds[0]);
	assert_int_equal(read(fds[1], text, 1), 0);
	(void)close(fds[1]);
}

static void paths_are_beneath_the_runtime_directory(void **state)
{
	_cleanup_(freep) char *vigil = wire_vigil_path("/run/user", 1000);
	_cleanup_(freep) char *drkonqi = wire_drkonqi_path("/run/user", 1000);

	(void)state;
	assert_string_equal(vigil, "/run/user/1000/vigil/coredump");
	assert_string_equal(drkonqi, "/run/user/1000/drkonqi-coredump-launcher");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_is_what_is_read),
		cmocka_unit_test(identity_survives_derived_fields),
		cmocka_unit_test(datagrams_may_be_cut_anywhere),
		cmocka_unit_test(malformed_objects_are_refused),
		cmocka_unit_test(depth_and_binary_do_no_harm),
		cmocka_unit_test(an_object_of_one_mebibyte_is_the_end),
		cmocka_unit_test(the_worst_crash_still_fits),
		cmocka_unit_test(large_objects_are_sent_whole),
		cmocka_unit_test(a_reader_that_never_reads_costs_the_deadline),
		cmocka_unit_test(what_is_too_large_is_not_sent),
		cmocka_unit_test(paths_are_beneath_the_runtime_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
