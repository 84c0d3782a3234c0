/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two steps of vigil-unwind, and between them what needs the filesystem. The first reads a
 * compressed core once and keeps in an unnamed file what the second needs. */
#include "coredump/analysis.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/text.h"
#include "coredump/child.h"
#include "coredump/core-stream.h"
#include "coredump/crash-places.h"
#include "coredump/package-asking.h"
#include "coredump/sibling.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define UNWINDER      "vigil-unwind"
#define FETCHES_MAX   2 /* what was fetched may show more that is wanted */
#define ARGUMENTS_MAX 8

typedef struct Analysis {
	const AnalysisRequest *request;
	char *unwinder;
	int image, plan; /* fds */
	int traced;	 /* the fd that the second step reads: the core's or the image's */
	char tid[32];	 /* option */
	CrashPlaces places;
	Trace scanned;
	char *error;
} Analysis;

static void analysis_done(Analysis *analysis)
{
	free(analysis->unwinder);
	free(analysis->error);
	closep(&analysis->image);
	closep(&analysis->plan);
	crash_places_done(&analysis->places);
	trace_done(&analysis->scanned);
}

/* ---- one step -------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int fail(
	Analysis *analysis, int error, const char *format, ...)
{
	va_list ap;

	free(analysis->error);
	va_start(ap, format);
	if (vasprintf(&analysis->error, format, ap) < 0)
		analysis->error = NULL;
	va_end(ap);
	return error;
}

/* It did not come to an end. */
static int fail_run(Analysis *analysis, int r, usec_t timeout_usec)
{
	char span[32];

	switch (r) {
	case -ETIMEDOUT:
		return fail(analysis, r, _("'%s' took longer than %s and was ended"), UNWINDER,
			format_span(timeout_usec, span));
	case -EFBIG:
		return fail(analysis, r, _("'%s' said more than a trace can be, and was ended"),
			UNWINDER);
	case -EINTR:
		return fail(analysis, r, _("interrupted"));
	case -ENOENT:
		return fail(analysis, r, _("'%s' is not installed: it belongs to Vigil"),
			analysis->unwinder);
	default:
		return fail(
			analysis, r, _("'%s' cannot be run: %s"), analysis->unwinder, strerror(-r));
	}
}

/* It came to an end, and not a good one. Its own line begins with its name. */
static int fail_end(Analysis *analysis, const ChildResult *result)
{
	const char *why = startswith(result->error, UNWINDER ": ");
	char buf[16];

	if (result->signal)
		return fail(analysis, -EIO,
			_("'%s' was ended by %s: this core is more than it can read"), UNWINDER,
			crash_signal_name(result->signal, buf));
	if (!result->error[0])
		return fail(analysis, -EIO, _("'%s' failed with status %d and did not say why"),
			UNWINDER, result->status);
	if (!why)
		why = result->error;
	size_t n = strlen(why);
	while (n > 0 && why[n - 1] == '.')
		n--;
	return fail(analysis, -EIO, "%.*s", (int)n, why);
}

/* Memory is taken by the object, not by the byte: "{},{},…" would cost a hundred times its length.
 */
static bool is_bounded(const char *text, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
		n += text[i] == '{' || text[i] == '[';
	return n <= TRACE_JSON_OBJECTS;
}

static int parse(Analysis *analysis, const ChildResult *result, Trace *ret, bool *ret_core)
{
	_cleanup_(json_decrefp) json_t *root =
		is_bounded(result->output, result->length)
			? json_loadb(result->output, result->length, JSON_REJECT_DUPLICATES, NULL)
			: NULL;
	const char *image = json_string_value(json_object_get(root, "image"));
	int r;

	r = root ? trace_from_json(root, ret) : -EBADMSG;
	if (r == -EBADMSG)
		return fail(analysis, r, _("'%s' said something that is no trace"), UNWINDER);
	if (r < 0)
		return fail(analysis, r, "%s", strerror(-r));
	if (ret_core)
		*ret_core = !image || streq(image, "core");
	return 0;
}

/* ret_core: whether the core itself is what the next step is to read; may be NULL. */
static int run(Analysis *analysis, const char *const *argv, const int fds[2], usec_t timeout_usec,
	Trace *ret, bool *ret_core)
{
	static const char *const environment[] = {"LC_ALL=C.UTF-8", NULL};
	ChildResult result = {};
	int r;

	r = child_run(&(ChildRequest){.path = analysis->unwinder,
			      .argv = argv,
			      .environment = environment,
			      .fds = fds,
			      .n_fds = 2,
			      .max_output = TRACE_JSON_MAX,
			      .timeout_usec = timeout_usec,
			      .background = analysis->request->background},
		&result);
	if (r < 0)
		return fail_run(analysis, r, timeout_usec);
	if (result.status != 0)
		r = fail_end(analysis, &result);
	else
		r = parse(analysis, &result, ret, ret_core);
	child_result_done(&result);
	return r;
}

/* ---- the two steps ----------------------------------------------------------------------------
 */

/* Only a compressed core is written anywhere. */
static int open_image(Analysis *analysis)
{
	const char *directory = analysis->request->directory;
	CoreCompression compression;
	int r;

	r = core_compression_detect(analysis->request->core_fd, &compression);
	if (r < 0 || compression == CORE_PLAIN)
		analysis->image = memfd_create("vigil-image", MFD_CLOEXEC);
	else
		analysis->image = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return analysis->image >= 0
		       ? 0
		       : fail(analysis, -errno, _("cannot make a file in '%s' for the core: %s"),
				 directory, strerror(errno));
}

static int scan(Analysis *analysis)
{
	const AnalysisRequest *request = analysis->request;
	int fds[2] = {request->core_fd, analysis->image};
	char core[32], image[32];
	const char *argv[ARGUMENTS_MAX] = {UNWINDER, "scan", core, image};
	size_t n = 4;
	bool plain = true;
	int r;

	(void)snprintf(core, sizeof core, "--core=%d", fds[0]);
	(void)snprintf(image, sizeof image, "--image=%d", fds[1]);
	if (analysis->tid[0])
		argv[n++] = analysis->tid;
	if (request->background)
		argv[n++] = "--background";
	r = run(analysis, argv, fds, request->scan_usec ? request->scan_usec : ANALYSIS_SCAN_USEC,
		&analysis->scanned, &plain);
	analysis->traced = plain ? request->core_fd : analysis->image;
	return r;
}

static int write_plan(Analysis *analysis, const ModuleFiles *files)
{
	_cleanup_(json_decrefp) json_t *plan = module_files_plan(files);
	_cleanup_(freep) char *text = plan ? json_dumps(plan, JSON_COMPACT) : NULL;
	int r;

	if (!text)
		return -ENOMEM;
	analysis->plan = safe_close(analysis->plan);
	analysis->plan = memfd_create("vigil-plan", MFD_CLOEXEC);
	if (analysis->plan < 0)
		return -errno;
	r = write_all(analysis->plan, text, strlen(text));
	if (r >= 0 && lseek(analysis->plan, 0, SEEK_SET) < 0)
		r = -errno;
	return r;
}

static int unwind(Analysis *analysis, const ModuleFiles *files, Trace *ret)
{
	const AnalysisRequest *request = analysis->request;
	char image[32], plan[32];
	const char *argv[ARGUMENTS_MAX] = {UNWINDER, "trace", image, plan};
	size_t n = 4;
	int r;

	r = write_plan(analysis, files);
	if (r < 0)
		return fail(analysis, r, "%s", strerror(-r));
	int fds[2] = {analysis->traced, analysis->plan};
	(void)snprintf(image, sizeof image, "--image=%d", fds[0]);
	(void)snprintf(plan, sizeof plan, "--plan=%d", fds[1]);
	if (analysis->tid[0])
		argv[n++] = analysis->tid;
	if (request->background)
		argv[n++] = "--background";
	return run(analysis, argv, fds,
		request->trace_usec ? request->trace_usec : ANALYSIS_TRACE_USEC, ret, NULL);
}

/* ---- around them ----------------------------------------------------------------------------- */

static int prepare(Analysis *analysis)
{
	const AnalysisRequest *request = analysis->request;
	const Crash *crash = request->crash;
	const char *tid = json_string_value(json_object_get(crash->fields, "COREDUMP_TID"));
	uint64_t number;

	analysis->unwinder = request->unwinder ? strdup(request->unwinder) : sibling_path(UNWINDER);
	if (!analysis->unwinder)
		return -ENOMEM;
	if (tid && parse_u64(tid, INT32_MAX, &number) == 0)
		(void)snprintf(analysis->tid, sizeof analysis->tid, "--tid=%d", (int)number);
	crash_places_open(crash, request->root_fd, request->elsewhere, &analysis->places);
	if (request->cache)
		analysis->places.places.cache = request->cache;
	return 0;
}

static int find_files(Analysis *analysis, ModuleFiles *ret)
{
	int r = module_files_find(&analysis->scanned, &analysis->places.places, ret);

	return r < 0 ? fail(analysis, r, "%s", strerror(-r)) : 0;
}

/* Packages are those of the first step's modules, which every trace of this core has. */
static int take_packages(Analysis *analysis, PackageAsking *asking)
{
	int r = package_asking_end(asking);

	return r < 0 ? fail(analysis, r, "%s", strerror(-r)) : 0;
}

static int copy_packages(Analysis *analysis, Trace *trace)
{
	const Trace *scanned = &analysis->scanned;

	for (size_t i = 0; i < MIN_OF(scanned->n_modules, trace->n_modules); i++) {
		const TraceModule *from = &scanned->modules[i];
		TraceModule *module = &trace->modules[i];
		if (from->package && !module->package && !(module->package = strdup(from->package)))
			return fail(analysis, -ENOMEM, "%s", strerror(ENOMEM));
		if (from->version && !module->version && !(module->version = strdup(from->version)))
			return fail(analysis, -ENOMEM, "%s", strerror(ENOMEM));
	}
	return 0;
}

/* A trace that is better for what was fetched takes the place of the one before; a failure on the
 * way costs nothing. */
static void unwind_better(Analysis *analysis, ModuleFiles *files, Trace *trace)
{
	const AnalysisRequest *request = analysis->request;

	for (int i = 0; i < FETCHES_MAX && request->fetch; i++) {
		ModuleFiles more = {};
		Trace better = {};
		module_files_judge(files, trace); /* code is fetched of what is gone */
		if (request->fetch(trace, request->userdata) <= 0)
			return;
		if (find_files(analysis, &more) < 0 || unwind(analysis, &more, &better) < 0) {
			module_files_done(&more);
			return;
		}
		module_files_done(files);
		*files = more;
		trace_done(trace);
		*trace = better;
	}
}

static void add_stats(const Analysis *analysis, usec_t begin, Trace *trace)
{
	TraceStats *stats = &trace->stats;
	const TraceStats *scanned = &analysis->scanned.stats;
	struct stat st;

	stats->core_bytes = scanned->core_bytes;
	if (analysis->traced == analysis->image) { /* the rest was read from there */
		stats->read_bytes = scanned->read_bytes;
		if (fstat(analysis->image, &st) == 0)
			stats->written_bytes = (uint64_t)st.st_blocks * 512;
	} else {
		stats->read_bytes += scanned->read_bytes;
	}
	stats->usec = now_usec(CLOCK_MONOTONIC) - begin;
}

/* Opens what is needed, and lets the core be read. */
static int begin_with(Analysis *analysis)
{
	int r;

	r = prepare(analysis);
	if (r < 0)
		return fail(analysis, r, "%s", strerror(-r));
	r = open_image(analysis);
	return r < 0 ? r : scan(analysis);
}

static int analyse(Analysis *analysis, Trace *ret)
{
	const AnalysisRequest *request = analysis->request;
	const ModulePlaces *places = &analysis->places.places;
	_cleanup_(module_files_done) ModuleFiles files = {};
	_cleanup_(package_asking_endp) PackageAsking asking = {};
	usec_t begin = now_usec(CLOCK_MONOTONIC);
	int r;

	r = begin_with(analysis);
	if (r >= 0)
		r = find_files(analysis, &files);
	if (r < 0)
		return r;
	package_asking_begin(&asking, &files, request->crash,
		places->root_fd < 0 && !places->elsewhere, &analysis->scanned);
	r = unwind(analysis, &files, ret);
	if (r >= 0)
		r = take_packages(analysis, &asking);
	if (r < 0)
		return r;
	unwind_better(analysis, &files, ret);
	module_files_judge(&files, ret);
	if (analysis->scanned.partial && !ret->partial)
		ret->partial = TAKE_PTR(analysis->scanned.partial);
	add_stats(analysis, begin, ret);
	return copy_packages(analysis, ret);
}

int analysis_run(const AnalysisRequest *request, Trace *ret, char **ret_error)
{
	Analysis analysis = {
		.request = request, .image = -EBADF, .plan = -EBADF, .places = CRASH_PLACES_INIT};
	Trace trace = {};
	int r;

	r = analyse(&analysis, &trace);
	if (r >= 0) {
		*ret = trace;
	} else {
		trace_done(&trace);
		*ret_error = TAKE_PTR(analysis.error);
	}
	analysis_done(&analysis);
	return r < 0 ? r : 0;
}

int analysis_scan(const AnalysisRequest *request, Trace *ret, char **ret_error)
{
	Analysis analysis = {
		.request = request, .image = -EBADF, .plan = -EBADF, .places = CRASH_PLACES_INIT};
	int r;

	r = begin_with(&analysis);
	if (r >= 0) {
		*ret = analysis.scanned;
		analysis.scanned = (Trace){};
	} else {
		*ret_error = TAKE_PTR(analysis.error);
	}
	analysis_done(&analysis);
	return r < 0 ? r : 0;
}
