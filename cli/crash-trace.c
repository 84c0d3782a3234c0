/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/crash-trace.h"

#include "cli/core-fetch.h"
#include "cli/crash-fetch.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/text.h"
#include "coredump/analysis.h"
#include "coredump/last-lines.h"
#include "coredump/trace-signature.h"

void shown_trace_done(ShownTrace *shown)
{
	trace_done(&shown->trace);
	crash_trace_done(&shown->kept);
}

int shown_trace_load(const CrashSource *source, const CrashRow *row, ShownTrace *ret)
{
	int r;

	*ret = (ShownTrace){};
	r = index_get_trace(source->index, row->crash.hash, &ret->kept);
	if (r <= 0 || !ret->kept.trace)
		return MIN_OF(r, 0);
	r = trace_from_json(ret->kept.trace, &ret->trace);
	/* What this Vigil cannot read is made anew. */
	return r == -EBADMSG ? 0 : r < 0 ? r : 1;
}

/* Without them there is still a trace. NULL: none are known, those known before stay. */
static json_t *read_lines(const CrashSource *source, const Crash *crash)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(json_decrefp) json_t *lines = NULL;

	if (source && crash_source_journal(source, &journal) >= 0)
		(void)last_lines_read(journal, crash, &lines);
	return json_array_size(lines) > 0 ? TAKE_PTR(lines) : NULL;
}

static int fail(const Crash *crash, const char *why)
{
	_cleanup_(freep) char *safe = escaped_terminal(why ? why : _("out of memory"));
	char id[CRASH_ID_DIGITS + 1];

	return cli_fail(EXIT_FAILED, _("Crash %s cannot be unwound: %s."),
		crash_short_id(crash, id), safe ? safe : "?");
}

int shown_trace_make(const TraceMaking *making, ShownTrace *ret, char **ret_why)
{
	const CrashSource *source = making->source;
	_cleanup_(freep) char *cache = debug_cache_path();
	CrashFetch fetch = {.cli = making->cli, .cache = cache};
	const AnalysisRequest request = {
		.core_fd = making->core,
		.crash = making->crash,
		.root_fd = source ? source->root_fd : -EBADF,
		.elsewhere = crash_source_lacks_files(source, making->crash),
		.directory = CORE_SPARE_DIRECTORY,
		.cache = cache,
		.fetch = making->cli->options.debuginfod ? crash_fetch : NULL,
		.userdata = &fetch,
	};
	_cleanup_(freep) char *why = NULL;
	ShownTrace made = {.fresh = true};
	TraceQuality quality;
	int r;

	r = analysis_run(&request, &made.trace, &why);
	if (r < 0) {
		r = fail(making->crash, why);
		if (ret_why)
			*ret_why = TAKE_PTR(why);
		return r;
	}
	trace_quality(&made.trace, &quality);
	made.kept.trace = trace_to_json(&made.trace);
	made.kept.log = read_lines(source, making->crash);
	made.kept.rating = (int)quality.rating;
	made.kept.complete = quality.n_lacking == 0 && !made.trace.partial;
	made.kept.analyzed_realtime = now_usec(CLOCK_REALTIME);
	*ret = made;
	return EXIT_DONE;
}

int shown_trace_signature(const ShownTrace *shown, const Crash *crash,
	char ret[static CRASH_SIGNATURE_SIZE], char **ret_title)
{
	int r;

	ret[0] = '\0';
	r = trace_signature(&shown->trace, crash, ret);
	if (r < 0 && r != -ENODATA)
		return r;
	*ret_title = r < 0 ? NULL : trace_signature_title(&shown->trace);
	return r == -ENODATA || *ret_title ? 0 : -ENOMEM;
}

void shown_trace_keep(const CrashSource *source, CrashRow *row, ShownTrace *shown)
{
	char signature[CRASH_SIGNATURE_SIZE], hash[CRASH_HASH_SIZE];
	_cleanup_(freep) char *title = NULL;
	CrashRow anew;
	int r;

	memcpy(hash, row->crash.hash, sizeof hash);
	r = shown_trace_signature(shown, &row->crash, signature, &title);
	if (r >= 0)
		r = index_set_trace(
			source->index, hash, &shown->kept, signature[0] ? signature : NULL, title);
	shown->store_error = MIN_OF(r, 0);
	if (r >= 0 && index_get(source->index, hash, &anew) > 0) {
		index_row_done(row);
		*row = anew;
	}
}
