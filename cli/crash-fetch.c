/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/crash-fetch.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/text.h"
#include "coredump/sibling.h"
#include <string.h>

#define FETCHER	       "vigil-debuginfod"
#define SHOW_EACH_USEC (100 * USEC_PER_MSEC)

/* Raw. */
static const char *module_of(const Trace *trace, const char *build_id)
{
	for (size_t i = 0; i < trace->n_modules; i++)
		if (streq(trace->modules[i].build_id, build_id))
			return trace_module_name(trace, (int)i);
	return build_id;
}

static void hide_progress(CrashFetch *fetch)
{
	if (fetch->shows)
		(void)fputs("\r\033[K", stderr);
	fetch->shows = false;
}

static void show_progress(const DebugEvent *event, const DebugWant *wants, size_t n, void *userdata)
{
	CrashFetch *fetch = userdata;
	usec_t now = now_usec(CLOCK_MONOTONIC);
	char bytes[32], total[32];

	if (event->kind != DEBUG_EVENT_PROGRESS || now - fetch->shown_monotonic < SHOW_EACH_USEC)
		return;
	_cleanup_(freep) char *name =
		escaped_terminal(module_of(fetch->trace, wants[event->index].build_id));
	_cleanup_(freep) char *server = escaped_terminal(event->server);
	hide_progress(fetch);
	(void)fprintf(stderr, _("Fetching %zu of %zu: %s, %s of %s, from %s"), event->index + 1, n,
		name ? name : "?", format_bytes(event->bytes, bytes),
		event->total ? format_bytes(event->total, total) : "?", server ? server : "?");
	fetch->shows = true;
	fetch->shown_monotonic = now;
}

static void tell(CrashFetch *fetch, const DebugFetchResult *result)
{
	const char *words = debug_fetch_words(result->end);
	_cleanup_(freep) char *server = escaped_terminal(result->server);
	char bytes[32];

	if (fetch->told || fetch->cli->options.quiet)
		return;
	fetch->told = true;
	if (words)
		(void)cli_fail(EXIT_DONE, "%s", _(words));
	if (server && *server && result->server_seconds)
		(void)cli_fail(EXIT_DONE, _("Note: '%s' does not answer and is left out for %s."),
			server, format_span(result->server_seconds * USEC_PER_SEC, bytes));
	else if (server && *server)
		(void)cli_fail(EXIT_DONE, _("Note: '%s' does not answer."), server);
	bool asked = result->end != DEBUG_FETCH_NO_SERVERS && result->end != DEBUG_FETCH_METERED;
	if (asked && result->wanted)
		(void)cli_fail(EXIT_DONE, _("Note: %zu of %zu debug files were fetched, %s."),
			result->ends[DEBUG_GOT], result->wanted,
			format_bytes(result->bytes, bytes));
}

int crash_fetch(const Trace *trace, void *userdata)
{
	CrashFetch *fetch = userdata;
	_cleanup_(freep) char *program = sibling_path(FETCHER), *error = NULL;
	bool visible = isatty(STDERR_FILENO) && !fetch->cli->options.quiet;
	const DebugFetchRequest request = {
		.trace = trace,
		.program = program,
		.cache = fetch->cache,
		.max_bytes = DEBUG_FETCH_BYTES - fetch->bytes,
		.max_usec = DEBUG_FETCH_USEC - fetch->usec,
		.although_metered = fetch->cli->options.metered,
		.crashed_thread_only = !fetch->cli->options.threads && !fetch->cli->options.full,
		.progress = visible ? show_progress : NULL,
		.userdata = fetch,
	};
	DebugFetchResult result;
	int r;

	if (fetch->over)
		return 0;
	if (!program || !fetch->cache)
		return -ENOENT;
	fetch->trace = trace;
	usec_t begin = now_usec(CLOCK_MONOTONIC);
	r = debug_files_fetch(&request, &result, &error);
	hide_progress(fetch);
	fetch->usec += now_usec(CLOCK_MONOTONIC) - begin;
	if (r >= 0)
		fetch->bytes += result.bytes;
	fetch->over = r < 0 || result.end != DEBUG_FETCH_DONE ||
		      fetch->bytes >= DEBUG_FETCH_BYTES || fetch->usec >= DEBUG_FETCH_USEC;
	if (r < 0) {
		_cleanup_(freep) char *safe = escaped_terminal(error ? error : strerror(-r));
		(void)cli_fail(EXIT_DONE, _("Note: debug files cannot be fetched: %s."),
			safe ? safe : "?");
		return r;
	}
	tell(fetch, &result);
	return (int)result.ends[DEBUG_GOT];
}
