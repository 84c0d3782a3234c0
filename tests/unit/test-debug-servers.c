/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/debuginfod/servers: which there are, when one is left out, what is remembered. */
#include "coredump/debuginfod/servers.h"

#include "common/text.h"
#include "tests/unit/test.h"

#define NOW (1700000000 * USEC_PER_SEC)

static void which_there_are(void **state)
{
	static const struct {
		const char *urls, *labels[4];
	} rows[] = {
		{"", {}},
		{"  http://a  https://b:80/x\thttp://a\nfile:///srv/debug ",
			{"a", "b:80", "/srv/debug"}},
		{"ima:enforcing https://c ftp://d gopher://e https:// f", {"c"}},
		{"https://me:secret@host/?key=x http://@g", {"host", "g"}},
		{"https://@/me:secret@host", {""}},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(servers_donep) Servers servers = {};
		assert_int_equal(servers_parse(rows[i].urls, &servers), 0);
		for (size_t n = 0; n < servers.n; n++)
			assert_string_equal(servers.servers[n].label, rows[i].labels[n]);
		assert_null(rows[i].labels[servers.n]);
	}
	_cleanup_(servers_donep) Servers many = {};
	assert_int_equal(
		servers_parse("http://1 http://2 http://3 http://4 http://5 http://6 http://7 "
			      "http://8 http://9 http://10 http://11 http://12 http://13 "
			      "http://14 http://15 http://16 http://17",
			&many),
		0);
	assert_int_equal(many.n, SERVERS_MAX);
}

static void one_that_fails_rests_longer_each_time(void **state)
{
	_cleanup_(servers_donep) Servers servers = {};
	const Server *server = &servers.servers[0];

	(void)state;
	assert_int_equal(servers_parse("http://a http://b", &servers), 0);
	assert_false(server_failed(&servers, 0, NOW));
	assert_false(server_is_left_out(server, NOW));
	server_answered(&servers, 0); /* in a row, that is */
	assert_false(server_failed(&servers, 0, NOW));
	assert_true(server_failed(&servers, 0, NOW));
	assert_true(server_is_left_out(server, NOW + SERVER_REST_USEC - 1));
	assert_false(server_is_left_out(server, NOW + SERVER_REST_USEC));
	assert_true(server_failed(&servers, 0, NOW));
	assert_true(server_is_left_out(server, NOW + 2 * SERVER_REST_USEC - 1));
	for (int i = 0; i < 200; i++)
		assert_true(server_failed(&servers, 0, NOW));
	assert_true(server_is_left_out(server, NOW + SERVER_REST_MAX - 1));
	assert_false(server_is_left_out(server, NOW + SERVER_REST_MAX));
	/* The clock was set back: not for years. */
	assert_false(server_is_left_out(server, NOW - SERVER_REST_MAX));
	assert_false(server_is_left_out(&servers.servers[1], NOW));
	server_answered(&servers, 0);
	assert_false(server_is_left_out(server, NOW));
}

static void what_is_remembered(void **state)
{
	_cleanup_(servers_donep) Servers servers = {}, again = {};
	DebugWant want = {.build_id = "00ff", .what = DEBUG_INFO}, other = want;
	usec_t life = 600 * USEC_PER_SEC;
	_cleanup_(closep) int dir_fd = fixture_open();

	(void)state;
	other.what = DEBUG_EXECUTABLE;
	assert_int_equal(servers_parse("http://a http://b", &servers), 0);
	assert_int_equal(servers_save(&servers, dir_fd), 0); /* nothing was learned */
	assert_int_equal(faccessat(dir_fd, SERVERS_FILE, F_OK, 0), -1);
	server_add_miss(&servers, 1, &want, NOW);
	(void)server_failed(&servers, 0, NOW);
	(void)server_failed(&servers, 0, NOW);
	assert_int_equal(servers_save(&servers, dir_fd), 0);
	/* Of a server that is configured no more nothing is kept. */
	assert_int_equal(servers_parse("http://c http://b http://a", &again), 0);
	servers_load(&again, dir_fd);
	assert_true(server_knows_miss(&again.servers[1], &want, NOW, life));
	assert_true(server_knows_miss(&again.servers[1], &want, NOW + life - 1, life));
	assert_false(server_knows_miss(&again.servers[1], &want, NOW + life, life));
	assert_false(
		server_knows_miss(&again.servers[1], &want, NOW - 1, life)); /* of the future */
	assert_false(server_knows_miss(&again.servers[1], &want, NOW, 0));
	assert_false(server_knows_miss(&again.servers[1], &other, NOW, life));
	assert_false(server_knows_miss(&again.servers[2], &want, NOW, life));
	assert_true(server_is_left_out(&again.servers[2], NOW));
	assert_false(server_is_left_out(&again.servers[0], NOW));
}

static void the_oldest_misses_go(void **state)
{
	_cleanup_(servers_donep) Servers servers = {};
	DebugWant want = {};

	(void)state;
	assert_int_equal(servers_parse("http://a", &servers), 0);
	for (unsigned i = 0; i < SERVER_MISSES_MAX + 10; i++) {
		(void)snprintf(want.build_id, sizeof want.build_id, "%08x", i);
		server_add_miss(&servers, 0, &want, NOW + i * USEC_PER_SEC);
	}
	assert_int_equal(json_object_size(servers.servers[0].misses), SERVER_MISSES_MAX);
	assert_true(server_knows_miss(&servers.servers[0], &want, 2 * NOW, NOW * 2));
	strcpy(want.build_id, "00000009");
	assert_false(server_knows_miss(&servers.servers[0], &want, 2 * NOW, NOW * 2));
	strcpy(want.build_id, "0000000a");
	assert_true(server_knows_miss(&servers.servers[0], &want, 2 * NOW, NOW * 2));
}

static void events_are_lines(void **state)
{
	char line[DEBUG_EVENT_BYTES + 1];
	DebugEvent event = {.kind = DEBUG_EVENT_PROGRESS,
			   .index = 2,
			   .bytes = 5,
			   .total = 1ull << 40,
			   .server = "h\x1b[31m\n\xff:80"},
		   again;

	(void)state;
	(void)debug_event_to_line(&event, line);
	assert_null(strpbrk(line, "\n\x1b"));
	assert_int_equal(debug_event_from_line(line, 3, &again), 0);
	assert_int_equal(again.total, event.total);
	assert_int_equal(again.index, 2);
	assert_int_equal(debug_event_from_line(line, 2, &again), -EBADMSG);
	static const char *const bad[] = {"", "{}", "[]", "an error in words", "{\"event\":\"x\"}",
		"{\"event\":\"end\",\"why\":\"x\"}",
		"{\"event\":\"end\",\"event\":\"end\",\"why\":\"got\"}"};
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		assert_int_equal(debug_event_from_line(bad[i], 3, &again), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_there_are),
		cmocka_unit_test(one_that_fails_rests_longer_each_time),
		cmocka_unit_test_setup_teardown(
			what_is_remembered, fixture_setup, fixture_teardown),
		cmocka_unit_test(the_oldest_misses_go),
		cmocka_unit_test(events_are_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
