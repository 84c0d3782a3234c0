/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wants and events as JSON, and read with suspicion in both directions. */
#include "coredump/debug-want.h"

#include "common/text.h"
#include <errno.h>
#include <string.h>

static const char *const whats[DEBUG_WHAT_MAX] = {
	[DEBUG_INFO] = "debuginfo", [DEBUG_EXECUTABLE] = "executable"};
static const char *const whys[DEBUG_WHY_MAX] = {
	[DEBUG_GOT] = "got",
	[DEBUG_NOT_FOUND] = "not-found",
	[DEBUG_NO_ANSWER] = "no-answer",
	[DEBUG_TOO_LARGE] = "too-large",
	[DEBUG_NO_TIME] = "no-time",
	[DEBUG_INTERRUPTED] = "interrupted",
	[DEBUG_NO_ROOM] = "no-room",
};
static const char *const kinds[DEBUG_EVENT_MAX] = {
	[DEBUG_EVENT_PROGRESS] = "progress",
	[DEBUG_EVENT_END] = "end",
	[DEBUG_EVENT_SERVER] = "server",
};

static int find_word(const char *const *words, int n, const char *word)
{
	for (int i = 0; word && i < n; i++)
		if (streq(words[i], word))
			return i;
	return -EBADMSG;
}

const char *debug_what_to_string(DebugWhat what)
{
	return what >= 0 && what < DEBUG_WHAT_MAX ? whats[what] : "?";
}

bool debug_build_id_valid(const char *id)
{
	size_t n = strspn(id, "0123456789abcdef");

	return n >= 2 && n % 2 == 0 && n < TRACE_BUILD_ID_SIZE && id[n] == '\0';
}

json_t *debug_wants_to_json(const DebugWant *wants, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
			array, json_pack("{s:s, s:s}", "buildId", wants[i].build_id, "what",
				       debug_what_to_string(wants[i].what)));
	json_t *root = json_pack("{s:i, s:o}", "version", 1, "want", array);
	return root && json_array_size(array) == n ? root : (json_decref(root), NULL);
}

static int take_want(json_t *item, DebugWant *ret)
{
	const char *id = json_string_value(json_object_get(item, "buildId"));
	int what =
		find_word(whats, DEBUG_WHAT_MAX, json_string_value(json_object_get(item, "what")));

	if (!id || what < 0 || !debug_build_id_valid(id))
		return -EBADMSG;
	memcpy(ret->build_id, id, strlen(id) + 1);
	ret->what = (DebugWhat)what;
	return 0;
}

int debug_wants_from_json(const json_t *root, DebugWant **ret, size_t *ret_n)
{
	json_t *array = json_object_get(root, "want");
	size_t n = json_array_size(array);
	_cleanup_(freep) DebugWant *wants = NULL;
	int r;

	if (json_integer_value(json_object_get(root, "version")) != 1 || !json_is_array(array) ||
		n > DEBUG_WANTS_MAX)
		return -EBADMSG;
	wants = calloc(MAX_OF(n, (size_t)1), sizeof *wants);
	if (!wants)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		r = take_want(json_array_get(array, i), &wants[i]);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(wants);
	*ret_n = n;
	return 0;
}

const char *debug_event_to_line(const DebugEvent *event, char buf[static DEBUG_EVENT_BYTES + 1])
{
	_cleanup_(json_decrefp) json_t *root = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "event",
		kinds[event->kind], "why", whys[event->why], "index", (json_int_t)event->index,
		"bytes", (json_int_t)event->bytes, "total", (json_int_t)event->total, "seconds",
		(json_int_t)event->seconds);

	json_add_string(root, "server", event->server);
	size_t n = root ? json_dumpb(root, buf, DEBUG_EVENT_BYTES, JSON_COMPACT | JSON_ENSURE_ASCII)
			: 0;
	buf[n <= DEBUG_EVENT_BYTES ? n : 0] = '\0';
	return buf;
}

static uint64_t number(const json_t *root, const char *key)
{
	return (uint64_t)MAX_OF(json_integer_value(json_object_get(root, key)), (json_int_t)0);
}

int debug_event_from_line(const char *line, size_t n, DebugEvent *ret)
{
	_cleanup_(json_decrefp) json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *server = json_string_value(json_object_get(root, "server"));
	int kind = find_word(
		kinds, DEBUG_EVENT_MAX, json_string_value(json_object_get(root, "event")));
	int why = find_word(whys, DEBUG_WHY_MAX, json_string_value(json_object_get(root, "why")));
	uint64_t index = number(root, "index");

	if (kind < 0 || why < 0 || index >= n || (server && strlen(server) >= DEBUG_SERVER_MAX))
		return -EBADMSG;
	*ret = (DebugEvent){.kind = (DebugEventKind)kind,
		.why = (DebugWhy)why,
		.index = (size_t)index,
		.bytes = number(root, "bytes"),
		.total = number(root, "total"),
		.seconds = number(root, "seconds")};
	if (server)
		memcpy(ret->server, server, strlen(server) + 1);
	return 0;
}
