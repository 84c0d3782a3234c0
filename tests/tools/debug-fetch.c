/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debug_files_fetch() on a trace: debug-fetch PROGRAM CACHE TRACE.json [always] [BYTES [SECONDS
 * [SERVER-SECONDS]]]. Events go to stdout as they come, then the result as one JSON object. */
#include "coredump/debug-fetch.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <stdlib.h>

static void on_progress(const DebugEvent *event, const DebugWant *wants, size_t n, void *userdata)
{
	char line[DEBUG_EVENT_BYTES + 1];

	(void)userdata;
	printf("%s %zu/%zu %s\n", wants[event->index].build_id, event->index + 1, n,
		debug_event_to_line(event, line));
	(void)fflush(stdout);
}

static void print_result(const DebugFetchResult *result)
{
	const char *words = debug_fetch_words(result->end);

	printf("{\"end\":%d,\"words\":\"%s\",\"wanted\":%zu,\"bytes\":%llu,\"server\":\"%s\"",
		result->end, words ? words : "", result->wanted, (unsigned long long)result->bytes,
		result->server);
	for (int i = 0; i < DEBUG_WHY_MAX; i++)
		printf(",\"why%d\":%zu", i, result->ends[i]);
	puts("}");
}

int main(int argc, char **argv)
{
	_cleanup_(freep) char *text = NULL, *error = NULL;
	_cleanup_(trace_donep) Trace trace = {};
	DebugFetchRequest request = {.trace = &trace, .progress = on_progress};
	DebugFetchResult result;
	uint64_t n[3] = {};
	int r;

	if (argc < 4 || read_file_at(AT_FDCWD, argv[3], TRACE_JSON_MAX, &text) < 0)
		return 2;
	_cleanup_(json_decrefp) json_t *root = json_loads(text, 0, NULL);
	if (trace_from_json(root, &trace) < 0)
		return 2;
	request.program = argv[1];
	request.cache = argv[2];
	request.although_metered = argc > 4 && streq(argv[4], "always");
	for (int i = 4 + request.although_metered, k = 0; i < argc && k < 3; i++, k++)
		n[k] = strtoull(argv[i], NULL, 10);
	request.max_bytes = n[0];
	request.max_usec = n[1] * USEC_PER_SEC;
	request.server_usec = n[2] * USEC_PER_SEC;
	r = debug_files_fetch(&request, &result, &error);
	if (r < 0) {
		(void)fprintf(stderr, "%d %s\n", r, error ? error : "");
		return 1;
	}
	print_result(&result);
	return 0;
}
