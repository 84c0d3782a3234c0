/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/debug-fetch.h"

#include "common/i18n.h"
#include "common/io.h"
#include "common/text.h"
#include "coredump/child.h"
#include "coredump/metered.h"
#include "coredump/module-files.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SERVER_SECONDS 20
#define MARGIN_USEC    (10 * USEC_PER_SEC) /* it ends by itself; this is for one that does not */
#define GRACE_USEC     (2 * USEC_PER_SEC)

/* ---- which files ----------------------------------------------------------------------------- */

typedef struct Wants {
	DebugWant *wants;
	size_t n;
	const char *cache;
} Wants;

static bool is_cached(const char *cache, const DebugWant *want)
{
	char path[4096];
	struct stat st;

	if (!cache || snprintf(path, sizeof path, "%s/%s/%s", cache, want->build_id,
			      debug_what_to_string(want->what)) >= (int)sizeof path)
		return false;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static void add(Wants *wants, const char *build_id, DebugWhat what)
{
	DebugWant want = {.what = what};

	if (wants->n >= DEBUG_WANTS_MAX)
		return;
	(void)snprintf(want.build_id, sizeof want.build_id, "%s", build_id);
	for (size_t i = 0; i < wants->n; i++)
		if (wants->wants[i].what == what && streq(wants->wants[i].build_id, build_id))
			return;
	if (!is_cached(wants->cache, &want))
		wants->wants[wants->n++] = want;
}

/* Its code, without which no frame behind its own is found, comes before the names. */
static void add_module(Wants *wants, const TraceModule *module)
{
	if (!debug_build_id_valid(module->build_id) || module->state == MODULE_MEMORY)
		return;
	if (module->state == MODULE_REPLACED || module->state == MODULE_DELETED ||
		module->state == MODULE_UNREADABLE)
		add(wants, module->build_id, DEBUG_EXECUTABLE);
	if (module->symbols != SYMBOLS_DEBUG)
		add(wants, module->build_id, DEBUG_INFO);
}

static size_t add_thread(Wants *wants, const Trace *trace, const TraceThread *thread)
{
	for (size_t i = 0; i < thread->n_frames; i++)
		if (thread->frames[i].module >= 0 &&
			(size_t)thread->frames[i].module < trace->n_modules)
			add_module(wants, &trace->modules[thread->frames[i].module]);
	return thread->n_frames;
}

size_t debug_wants_of(const Trace *trace, bool crashed_thread_only, const char *cache,
	DebugWant ret[static DEBUG_WANTS_MAX])
{
	Wants wants = {.wants = ret, .cache = cache};
	const TraceThread *crashed = trace_crashed(trace);
	size_t n_frames = crashed ? add_thread(&wants, trace, crashed) : 0;

	for (size_t i = 0; i < trace->n_threads && (!crashed_thread_only || !crashed); i++)
		n_frames += add_thread(&wants, trace, &trace->threads[i]);
	if (n_frames)
		return wants.n;
	for (size_t i = 0; i < trace->n_modules; i++)
		if (trace->modules[i].is_executable_file)
			add_module(&wants, &trace->modules[i]);
	for (size_t i = 0; i < trace->n_modules; i++)
		add_module(&wants, &trace->modules[i]);
	return wants.n;
}

char *debug_cache_path(void)
{
	const char *chosen = getenv("DEBUGINFOD_CACHE_PATH");

	if (geteuid() == 0 && (!chosen || !*chosen))
		return strdup(DEBUG_CACHE_OF_ROOT);
	return module_cache_path(chosen, getenv("XDG_CACHE_HOME"), getenv("HOME"));
}

/* ---- vigil-debuginfod ------------------------------------------------------------------------ */

typedef struct Fetching {
	const DebugFetchRequest *request;
	const DebugWant *wants;
	size_t n;
	DebugFetchResult *result;
} Fetching;

static int on_line(const char *line, void *userdata)
{
	Fetching *fetching = userdata;
	DebugFetchResult *result = fetching->result;
	DebugEvent event;

	if (debug_event_from_line(line, fetching->n, &event) < 0)
		return 0; /* an error in words */
	if (event.kind == DEBUG_EVENT_END) {
		result->ends[event.why]++;
		result->bytes += event.bytes;
	} else if (event.kind == DEBUG_EVENT_SERVER) {
		memcpy(result->server, event.server, sizeof result->server);
		result->server_seconds = event.seconds;
	}
	if (fetching->request->progress)
		fetching->request->progress(
			&event, fetching->wants, fetching->n, fetching->request->userdata);
	return 1;
}

static int write_wants(const DebugWant *wants, size_t n, int *ret_fd)
{
	_cleanup_(json_decrefp) json_t *root = debug_wants_to_json(wants, n);
	_cleanup_(freep) char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	_cleanup_(closep) int fd = memfd_create("wants", MFD_CLOEXEC);
	int r;

	if (!text)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* How it went, by how it ended and by what it said. */
static int conclude(int r, const ChildResult *child, DebugFetchResult *result, char **ret_error)
{
	if (r == -ETIMEDOUT)
		result->end = DEBUG_FETCH_OUT_OF_TIME;
	else if (r == -EINTR) /* SIGTERM would have ended us, too */
		result->end = DEBUG_FETCH_INTERRUPTED;
	else if (r < 0)
		return r;
	else if (child->status == DEBUG_NO_SERVERS)
		result->end = DEBUG_FETCH_NO_SERVERS;
	else if (child->status != 0) {
		if (ret_error)
			*ret_error = strdup(child->error);
		return -EIO;
	} else
		result->end = result->ends[DEBUG_NO_TIME]     ? DEBUG_FETCH_OUT_OF_TIME
			      : result->ends[DEBUG_TOO_LARGE] ? DEBUG_FETCH_OUT_OF_BYTES
							      : DEBUG_FETCH_DONE;
	return 0;
}

/* SIGINT alone is left to the caller, who goes on without the rest. */
static int start(Fetching *fetching, char **ret_error)
{
	const DebugFetchRequest *request = fetching->request;
	usec_t usec = request->max_usec ? request->max_usec : DEBUG_FETCH_USEC;
	char wants[32], cache[4096 + 16], bytes[48], seconds[48], server[48];
	_cleanup_(closep) int fd = -EBADF;
	ChildResult child = {};
	int r;

	r = write_wants(fetching->wants, fetching->n, &fd);
	if (r < 0)
		return r;
	(void)snprintf(wants, sizeof wants, "--wants=%d", fd);
	if (snprintf(cache, sizeof cache, "--cache=%s", request->cache) >= (int)sizeof cache)
		return -ENAMETOOLONG;
	(void)snprintf(bytes, sizeof bytes, "--max-bytes=%llu",
		(unsigned long long)(request->max_bytes ? request->max_bytes : DEBUG_FETCH_BYTES));
	(void)snprintf(seconds, sizeof seconds, "--max-seconds=%llu",
		(unsigned long long)MAX_OF(usec / USEC_PER_SEC, (usec_t)1));
	(void)snprintf(server, sizeof server, "--server-seconds=%llu",
		(unsigned long long)(request->server_usec ? request->server_usec / USEC_PER_SEC
							  : SERVER_SECONDS));
	const char *const argv[] = {request->program, wants, cache, bytes, seconds, server, NULL};
	const ChildRequest run = {.path = request->program,
		.argv = argv,
		.fds = &fd,
		.n_fds = 1,
		.max_output = 4096,
		.timeout_usec = usec + MARGIN_USEC,
		.grace_usec = GRACE_USEC,
		.background = request->background,
		.takes_interrupt = true,
		.line = on_line,
		.userdata = fetching};
	r = child_run(&run, &child);
	r = conclude(r, &child, fetching->result, ret_error);
	child_result_done(&child);
	return r;
}

int debug_files_fetch(const DebugFetchRequest *request, DebugFetchResult *ret, char **ret_error)
{
	_cleanup_(freep) DebugWant *wants = calloc(DEBUG_WANTS_MAX, sizeof *wants);
	DebugFetchResult result = {.end = DEBUG_FETCH_NOTHING};
	int r = 0;

	if (!wants)
		return -ENOMEM;
	result.wanted =
		debug_wants_of(request->trace, request->crashed_thread_only, request->cache, wants);
	if (result.wanted && !request->although_metered && network_is_metered()) {
		result.end = DEBUG_FETCH_METERED;
	} else if (result.wanted) {
		Fetching fetching = {
			.request = request, .wants = wants, .n = result.wanted, .result = &result};
		r = start(&fetching, ret_error);
	}
	if (r < 0)
		return r;
	*ret = result;
	return 0;
}

const char *debug_fetch_words(DebugFetchEnd end)
{
	static const char *const words[DEBUG_FETCH_END_MAX] = {
		[DEBUG_FETCH_NO_SERVERS] = N_(
			"No debuginfod server is configured: set DEBUGINFOD_URLS, or install your "
			"distribution's list of them beneath /etc/debuginfod."),
		[DEBUG_FETCH_METERED] =
			N_("The network is metered, so no debug files were fetched."),
		[DEBUG_FETCH_OUT_OF_TIME] =
			N_("Not all debug files were fetched in the time allowed."),
		[DEBUG_FETCH_OUT_OF_BYTES] =
			N_("Not all debug files were fetched: they are larger than what is "
			   "allowed."),
		[DEBUG_FETCH_INTERRUPTED] = N_("Fetching debug files was interrupted."),
	};

	return end >= 0 && end < DEBUG_FETCH_END_MAX ? words[end] : NULL;
}
