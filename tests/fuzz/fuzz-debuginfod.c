/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vigil-debuginfod, which talks to the network, says to its caller; the list of build ids that
 * it is given; the servers that are configured, and what it remembers of them. The first byte
 * chooses. */
#include "tests/fuzz/fuzz.h"

#include "coredump/debuginfod/servers.h"

FUZZ_PARTS("{\"event\":\"progress\",\"why\":\"got\",\"index\":1,\"bytes\":5,\"total\":7,"
	   "\"seconds\":0,\"server\":\"a:1\"}",
	"{\"event\":\"end\",\"why\":\"not-found\",\"index\":0}",
	"{\"version\":1,\"want\":[{\"buildId\":\"00ff\",\"what\":\"debuginfo\"}]}",
	"{\"version\":1,\"servers\":{\"http://a/\":{\"failures\":2,\"leftOutUntil\":1700000000,"
	"\"misses\":{\"00ff/debuginfo\":1700000000}}}}",
	"http://a/", "https://u:p@b:80/x?y", "file:///c", "ima:enforcing", " ", "\n", "{", "}", "[",
	"]", ":", ",", "\"", "-1", "9223372036854775807", "null", "\"why\":\"got\"",
	"\"what\":", "\"executable\"", "\"buildId\":", "../..", "\\u0000", "0123456789abcdef");

#define NOW (1700000100 * USEC_PER_SEC)

static void check_event(const char *text)
{
	char line[DEBUG_EVENT_BYTES + 1];
	DebugEvent event, again;

	if (debug_event_from_line(text, 3, &event) < 0)
		return;
	fuzz_check(event.index < 3 && event.why < DEBUG_WHY_MAX && event.kind < DEBUG_EVENT_MAX,
		"a number beyond");
	(void)debug_event_to_line(&event, line);
	fuzz_check(!strchr(line, '\n') && strlen(line) <= DEBUG_EVENT_BYTES, "one line");
	if (!*line) /* its server's name is longer when it is escaped */
		return;
	fuzz_check(debug_event_from_line(line, 3, &again) == 0 && again.bytes == event.bytes &&
			   again.index == event.index && again.why == event.why &&
			   again.kind == event.kind,
		"the round trip");
}

static void check_wants(const char *text)
{
	_cleanup_(json_decrefp) json_t *root = json_loads(text, 0, NULL);
	_cleanup_(freep) DebugWant *wants = NULL;
	size_t n;
	int r = debug_wants_from_json(root, &wants, &n);

	fuzz_check(r == 0 || r == -EBADMSG, "an answer");
	if (r < 0)
		return;
	fuzz_check(n <= DEBUG_WANTS_MAX, "too many");
	for (size_t i = 0; i < n; i++)
		fuzz_check(debug_build_id_valid(wants[i].build_id) &&
				   !strpbrk(wants[i].build_id, "/."),
			"a build id");
	_cleanup_(json_decrefp) json_t *again = debug_wants_to_json(wants, n);
	fuzz_check(json_array_size(json_object_get(again, "want")) == n, "the round trip");
}

static void check_server(Servers *servers, size_t i, int root)
{
	static const DebugWant want = {.build_id = "00ff"};
	const Server *server = &servers->servers[i];

	fuzz_check(strlen(server->label) < DEBUG_SERVER_MAX && !strchr(server->url, ' '), "a name");
	fuzz_check(startswith(server->url, "file:") || !strchr(server->label, '@'), "a password");
	fuzz_check(json_object_size(server->misses) <= SERVER_MISSES_MAX, "too many misses");
	(void)server_knows_miss(server, &want, NOW, 600 * USEC_PER_SEC);
	server_add_miss(servers, i, &want, NOW);
	fuzz_check(server_knows_miss(server, &want, NOW, 600 * USEC_PER_SEC), "a miss");
	for (int n = 0; n < SERVER_FAILS_MAX; n++)
		(void)server_failed(servers, i, NOW);
	fuzz_check(server_is_left_out(server, NOW), "it is left out");
	fuzz_check(!server_is_left_out(server, NOW + SERVER_REST_MAX), "for a while");
	fuzz_check(servers_save(servers, root) == 0, "its state is kept");
}

static void check_servers(const uint8_t *data, size_t size, const char *text)
{
	int root = fuzz_directory();
	_cleanup_(servers_donep) Servers servers = {};

	fuzz_write(root, SERVERS_FILE, data, size);
	fuzz_check(servers_parse(data[0] % 2 ? "http://a/ https://b/" : text, &servers) == 0,
		"a list of servers");
	fuzz_check(servers.n <= SERVERS_MAX, "too many servers");
	servers_load(&servers, root);
	for (size_t i = 0; i < servers.n; i++)
		check_server(&servers, i, root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	_cleanup_(freep) char *text = fuzz_text(data + 2, size - 2);
	if (data[0] % 3 == 0)
		check_event(text);
	else if (data[0] % 3 == 1)
		check_wants(text);
	else
		check_servers(data + 2, size - 2, text);
	return 0;
}

FUZZ_MAIN
