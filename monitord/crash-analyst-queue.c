/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index as a queue. */
#include "monitord/crash-analyst-queue.h"

#include "common/cleanup.h"
#include "common/text.h"
#include "coredump/core-file.h"
#include "monitord/crash-marks.h"

#define SLICE 64 /* rows looked at in one turn of the loop */

typedef struct Search {
	const AnalystQueue *queue;
	usec_t now_realtime, now_monotonic;
	AnalystFound found;
	CrashHashes leave, same; /* these are what they were expected to be */
	unsigned seen;
	int error;
} Search;

/* What was tried already was promised another time. */
static unsigned attempts_of(Search *search, const char *hash)
{
	_cleanup_(crash_trace_donep) CrashTrace trace = {};
	int r = index_get_trace(search->queue->index, hash, &trace);

	search->error = MIN_OF(search->error, r);
	return r > 0 ? trace.attempts : 0;
}

/* Whether there is something to look into that needs nobody's password. */
static bool has_core(const CrashRow *row)
{
	CoreInfo core;

	core_look(-EBADF, &row->crash, &core);
	return core.state == CORE_PRESENT || core.state == CORE_TRUNCATED ||
	       core.state == CORE_JOURNAL;
}

static AnalystVerdict judge(Search *search, const CrashRow *row)
{
	const AnalystQueue *queue = search->queue;
	char expected[CRASH_SIGNATURE_SIZE];
	AnalystCrash crash = {.signature = expected, .vague = !row->title || !*row->title};
	int r;

	memcpy(expected, row->signature, sizeof expected);
	r = index_expected_signature(queue->index, row->signature, expected);
	search->error = MIN_OF(search->error, r);
	crash.known = !streq(expected, row->signature);
	queue->look(row, &crash, queue->userdata);
	AnalystVerdict verdict = analyst_policy_judge(queue->policy, &crash, search->now_monotonic);
	if (verdict <= ANALYST_SAME) {
		crash.attempts = attempts_of(search, row->crash.hash);
		verdict = analyst_policy_judge(queue->policy, &crash, search->now_monotonic);
	}
	if (verdict > ANALYST_SAME && !has_core(row))
		verdict = ANALYST_LEAVE;
	return verdict == ANALYST_LEAVE && !crash.vague ? ANALYST_SAME : verdict;
}

static int take_row(const CrashRow *row, void *userdata)
{
	Search *search = userdata;
	AnalystFound *found = &search->found;
	AnalystCandidate candidate = {.verdict = judge(search, row),
		.waited =
			search->now_realtime - MIN_OF(search->now_realtime, row->indexed_realtime)};

	search->seen++;
	if (search->error < 0)
		return search->error;
	memcpy(candidate.hash, row->crash.hash, sizeof candidate.hash);
	if (candidate.verdict <= ANALYST_SAME)
		return crash_hashes_add(
			candidate.verdict == ANALYST_SAME ? &search->same : &search->leave,
			row->crash.hash);
	if (!found->best.hash[0] || candidate.verdict > found->best.verdict)
		found->best = candidate; /* newer ones came before */
	if (!found->longest.hash[0] || candidate.waited > found->longest.waited)
		found->longest = candidate;
	return 0;
}

static int leave_all(CrashIndex *index, const CrashHashes *hashes, bool same)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < hashes->n; i++) {
		r = index_leave_untraced(index, hashes->hashes[i], same);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

static int leave(const Search *search)
{
	CrashIndex *index = search->queue->index;
	int r;

	if (search->leave.n + search->same.n == 0)
		return 0;
	r = index_begin(index);
	if (r < 0)
		return r;
	r = leave_all(index, &search->leave, false);
	if (r >= 0)
		r = leave_all(index, &search->same, true);
	if (r < 0) {
		index_rollback(index);
		return r;
	}
	return index_commit(index);
}

int analyst_queue_search(
	const AnalystQueue *queue, usec_t now_realtime, usec_t now_monotonic, AnalystFound *ret)
{
	Search search = {
		.queue = queue, .now_realtime = now_realtime, .now_monotonic = now_monotonic};
	int r;

	r = index_untraced(queue->index, now_realtime - MIN_OF(now_realtime, ANALYST_MAX_AGE_USEC),
		now_realtime, SLICE, take_row, &search);
	if (r >= 0)
		r = leave(&search);
	search.found.left = search.leave.n + search.same.n;
	search.found.more = search.seen == SLICE;
	crash_hashes_done(&search.leave);
	crash_hashes_done(&search.same);
	if (r < 0)
		return r;
	*ret = search.found;
	return 0;
}

uint64_t analyst_queue_length(CrashIndex *index, usec_t now_realtime)
{
	const CrashQuery queue = {
		.since_realtime = now_realtime - MIN_OF(now_realtime, ANALYST_MAX_AGE_USEC),
		.untraced_realtime = now_realtime,
		.genuine = true};
	uint64_t n = 0;

	return index_count(index, &queue, &n) < 0 ? 0 : n;
}
