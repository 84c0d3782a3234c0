/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/debuginfod/servers.h"

#include "common/io.h"
#include "common/strbuf.h"
#include "common/text.h"
#include "common/words.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#define URL_MAX	     2000
#define URLS_MAX     ((size_t)64 * 1024) /* bytes of one file of URLs */
#define FOLDER_FILES 64
#define STATE_MAX    ((size_t)4 * 1024 * 1024)
#define BLANKS	     " \t\r\n"

/* ---- which there are ------------------------------------------------------------------------- */

static bool is_server(const char *url, size_t length)
{
	static const char *const schemes[] = {"http://", "https://", "file://"};

	for (size_t i = 0; i < ELEMENTSOF(schemes); i++)
		if (length > strlen(schemes[i]) && length <= URL_MAX && startswith(url, schemes[i]))
			return true;
	return false;
}

/* Host and port; of a file: URL its path. */
static void set_label(Server *server)
{
	const char *from = strstr(server->url, "://") + 3;
	size_t length = startswith(server->url, "file:") ? strlen(from) : strcspn(from, "/?#");
	const char *at = startswith(server->url, "file:") ? NULL : memrchr(from, '@', length);

	if (at) {
		length -= (size_t)(at + 1 - from);
		from = at + 1;
	}
	length = MIN_OF(length, sizeof server->label - 1);
	memcpy(server->label, from, length);
	server->label[length] = '\0';
}

static int add_server(Servers *servers, const char *url, size_t length)
{
	Server *server = &servers->servers[servers->n];

	for (size_t i = 0; i < servers->n; i++)
		if (strlen(servers->servers[i].url) == length &&
			memcmp(servers->servers[i].url, url, length) == 0)
			return 0;
	*server = (Server){.url = strndup(url, length), .misses = json_object()};
	if (!server->url || !server->misses) {
		free(server->url);
		json_decref(server->misses);
		return -ENOMEM;
	}
	set_label(server);
	servers->n++;
	return 0;
}

static int add_servers(Servers *servers, const char *urls)
{
	int r = 0;

	for (const char *p = urls; *p && r >= 0 && servers->n < SERVERS_MAX;) {
		size_t length = strcspn(p, BLANKS);
		if (is_server(p, length))
			r = add_server(servers, p, length);
		p += length;
		p += strspn(p, BLANKS);
	}
	return r;
}

int servers_parse(const char *urls, Servers *ret)
{
	_cleanup_(servers_donep) Servers servers = {};
	int r = add_servers(&servers, urls);

	if (r < 0)
		return r;
	*ret = servers;
	servers = (Servers){};
	return 0;
}

static int is_urls_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && endswith(entry->d_name, ".urls");
}

int servers_read_folder(int folder_fd, Servers *ret)
{
	_cleanup_(servers_donep) Servers servers = {};
	struct dirent **entries = NULL;
	int r = 0, n = scandirat(folder_fd, ".", &entries, is_urls_file, alphasort);

	for (int i = 0; i < n; i++) {
		_cleanup_(freep) char *text = NULL;
		if (r >= 0 && i < FOLDER_FILES &&
			read_file_at(folder_fd, entries[i]->d_name, URLS_MAX, &text) >= 0)
			r = add_servers(&servers, text);
		free(entries[i]);
	}
	free(entries);
	if (r < 0)
		return r;
	*ret = servers;
	servers = (Servers){};
	return 0;
}

void servers_done(Servers *servers)
{
	for (size_t i = 0; i < servers->n; i++) {
		free(servers->servers[i].url);
		json_decref(servers->servers[i].misses);
	}
	*servers = (Servers){};
}

/* ---- what was learned of them ---------------------------------------------------------------- */

static void load_one(Server *server, const json_t *entry)
{
	const char *key;
	json_t *when;

	server->failures = (unsigned)MIN_OF(
		(uint64_t)json_integer_value(json_object_get(entry, "failures")), (uint64_t)64);
	server->left_out_until =
		(usec_t)MAX_OF(
			json_integer_value(json_object_get(entry, "leftOutUntil")), (json_int_t)0) *
		USEC_PER_SEC;
	json_object_foreach (json_object_get(entry, "misses"), key, when)
		if (json_is_integer(when) && json_object_size(server->misses) < SERVER_MISSES_MAX)
			(void)json_object_set(server->misses, key, when);
}

void servers_load(Servers *servers, int cache_fd)
{
	_cleanup_(freep) char *text = NULL;
	ssize_t n = read_file_at(cache_fd, SERVERS_FILE, STATE_MAX, &text);
	_cleanup_(json_decrefp) json_t *root = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
	const json_t *known = json_object_get(root, "servers");

	for (size_t i = 0; i < servers->n; i++)
		load_one(&servers->servers[i], json_object_get(known, servers->servers[i].url));
}

int servers_save(Servers *servers, int cache_fd)
{
	json_t *known = json_object();
	_cleanup_(json_decrefp) json_t *root =
		json_pack("{s:i, s:o}", "version", 1, "servers", known);

	if (!servers->changed)
		return 0;
	for (size_t i = 0; root && i < servers->n; i++) {
		const Server *server = &servers->servers[i];
		(void)json_object_set_new(known, server->url,
			json_pack("{s:i, s:I, s:O}", "failures", (int)server->failures,
				"leftOutUntil", (json_int_t)(server->left_out_until / USEC_PER_SEC),
				"misses", server->misses));
	}
	_cleanup_(freep) char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	if (!text)
		return -ENOMEM;
	servers->changed = false;
	return write_file_atomic(cache_fd, SERVERS_FILE, 0600, text, strlen(text));
}

void server_answered(Servers *servers, size_t i)
{
	Server *server = &servers->servers[i];

	servers->changed |= server->failures || server->left_out_until;
	server->failures = 0;
	server->left_out_until = 0;
}

bool server_failed(Servers *servers, size_t i, usec_t now_realtime)
{
	Server *server = &servers->servers[i];
	usec_t rest = SERVER_REST_USEC;

	servers->changed = true;
	server->failures++;
	if (server->failures < SERVER_FAILS_MAX)
		return false;
	for (unsigned n = SERVER_FAILS_MAX; n < server->failures && rest < SERVER_REST_MAX; n++)
		rest *= 2;
	server->left_out_until = now_realtime + MIN_OF(rest, SERVER_REST_MAX);
	return true;
}

/* A time beyond the longest rest was written under another clock. */
bool server_is_left_out(const Server *server, usec_t now_realtime)
{
	return server->left_out_until > now_realtime &&
	       server->left_out_until <= now_realtime + SERVER_REST_MAX;
}

static void miss_key(const DebugWant *want, char ret[static TRACE_BUILD_ID_SIZE + 16])
{
	(void)snprintf(ret, TRACE_BUILD_ID_SIZE + 16, "%s/%s", want->build_id,
		debug_what_to_string(want->what));
}

static void drop_oldest(json_t *misses)
{
	const char *key, *oldest = NULL;
	json_int_t when = INT64_MAX;
	json_t *value;

	json_object_foreach (misses, key, value)
		if (json_integer_value(value) < when) {
			when = json_integer_value(value);
			oldest = key;
		}
	if (oldest)
		(void)json_object_del(misses, oldest);
}

void server_add_miss(Servers *servers, size_t i, const DebugWant *want, usec_t now_realtime)
{
	json_t *misses = servers->servers[i].misses;
	char key[TRACE_BUILD_ID_SIZE + 16];

	miss_key(want, key);
	servers->changed = true;
	if (json_object_size(misses) >= SERVER_MISSES_MAX && !json_object_get(misses, key))
		drop_oldest(misses);
	(void)json_object_set_new(
		misses, key, json_integer((json_int_t)(now_realtime / USEC_PER_SEC)));
}

bool server_knows_miss(
	const Server *server, const DebugWant *want, usec_t now_realtime, usec_t life_usec)
{
	char key[TRACE_BUILD_ID_SIZE + 16];

	miss_key(want, key);
	const json_t *when = json_object_get(server->misses, key);
	usec_t then = (usec_t)json_integer_value(when) * USEC_PER_SEC;
	return when && then <= now_realtime && now_realtime - then < life_usec;
}
