/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was left untold, told in one: after the start, after a flood, when the bucket has a token or
 * a server appears. Attempts are written down before it is shown, a slice each turn of the loop. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "monitord/coredump.h"
#include "monitord/crash-left.h"

static CrashChoice choose(const CrashRow *row, void *userdata)
{
	Coredump *coredump = userdata;
	const Crash *crash = &row->crash;

	if (crash_board_is_telling(coredump->board, crash->hash))
		return CRASH_LEFT_SKIP;
	return coredump_is_own(coredump, crash) || coredump_is_foreign(coredump, crash) ||
			       coredump_is_muted(coredump, crash, row->signature)
		       ? CRASH_LEFT_COUNT
		       : CRASH_LEFT_TELL;
}

static void tell_one(Coredump *coredump, const char *hash)
{
	const CrashDecision decision = {.verdict = CRASH_ANNOUNCE, .count = 1};
	char signature[CRASH_SIGNATURE_SIZE];
	CrashRow row;

	if (index_get(coredump->store.index, hash, &row) <= 0)
		return;
	bool fresh = now_usec(CLOCK_REALTIME) < row.crash.when_realtime + USEC_PER_MINUTE;
	coredump_take_kcrash(coredump, &row.crash);
	coredump_expect(coredump, row.signature, signature);
	crash_policy_told(&coredump->policy, signature, now_usec(CLOCK_MONOTONIC));
	coredump_announce(
		coredump, &row.crash, signature, &decision, fresh ? 0 : row.crash.when_realtime);
	index_row_done(&row);
}

static void on_attempts_marked(CrashHashes *hashes, void *userdata)
{
	Coredump *coredump = userdata;

	monitor_tell(coredump->monitor, "%s.", coredump->digest_summary);
	coredump->digest_posted = true;
	crash_board_post_text(coredump->board, coredump->digest_topic, coredump->digest_summary,
		coredump->digest_body, coredump->digest_since, hashes);
}

static void tell_several(Coredump *coredump, CrashLeft *left, const CrashFlood *flood)
{
	bool markup = notifier_has_markup(monitor_notifier(coredump->monitor));
	_cleanup_(strbuf_done) StrBuf summary = {}, body = {};
	usec_t now = now_usec(CLOCK_REALTIME);

	if (flood) {
		crash_flood_summary(flood, true, &summary);
		crash_flood_body(flood, true, &left->digest, markup, &body);
	} else {
		crash_digest_summary(&left->digest, now, &summary);
		crash_digest_body(&left->digest, markup, &body);
	}
	free(coredump->digest_summary);
	free(coredump->digest_body);
	coredump->digest_summary = strbuf_take(&summary);
	coredump->digest_body = strbuf_take(&body);
	coredump->digest_topic = flood ? CRASH_TOPIC_FLOOD : CRASH_TOPIC_DIGEST;
	coredump->digest_since = flood ? now - MIN_OF(now, flood->span_usec + USEC_PER_MINUTE)
				       : left->digest.since_realtime;
	coredump->digest_running = true;
	if (!coredump->digest_summary || !coredump->digest_body ||
		crash_marks_queue(coredump->marks, &left->tell, MARK_ATTEMPT, on_attempts_marked,
			coredump) < 0)
		coredump->digest_running = false;
}

/* Whether now is the time; else the timer is set for it, or waits for whoever ends the waiting. */
static bool may_tell(Coredump *coredump, usec_t now)
{
	const CrashFollowerStatus *follower =
		coredump->follower ? crash_follower_status(coredump->follower) : NULL;

	if (coredump->digest_running || coredump->unanswered)
		return false; /* on_fate(), or another server */
	if (now < coredump->unreachable_monotonic) {
		coredump_digest_in(coredump, coredump->unreachable_monotonic - now);
		return false;
	}
	bool catching_up = follower && !follower->caught_up && follower->mode < CRASH_NO_JOURNAL &&
			   !follower->index_error;
	if (catching_up || !crash_marks_are_done(coredump->marks)) {
		coredump_digest_in(coredump, COREDUMP_SOON_USEC);
		return false;
	}
	return true;
}

static int on_digest(sd_event_source *source, uint64_t usec, void *userdata)
{
	Coredump *coredump = userdata;
	usec_t now = now_usec(CLOCK_MONOTONIC);
	CrashLeft left = {};
	CrashFlood flood;
	int r;

	(void)source;
	(void)usec;
	coredump->digest = sd_event_source_disable_unref(coredump->digest);
	if (!may_tell(coredump, now))
		return 0;
	usec_t pause = crash_policy_pause(&coredump->policy, now);
	if (pause > 0) {
		coredump_digest_in(coredump, pause + USEC_PER_MSEC);
		return 0;
	}
	bool ended = crash_policy_flood_ended(&coredump->policy, now, &flood);
	r = crash_left_gather(coredump->store.index, choose, coredump, &left);
	if (r < 0) {
		coredump_index_failed(coredump, r);
		return 0;
	}
	if (left.count.n)
		(void)crash_marks_queue(coredump->marks, &left.count, MARK_COUNTED, NULL, NULL);
	if (ended || (left.tell.n > 0 && crash_policy_may_digest(&coredump->policy, now))) {
		if (left.tell.n == 1 && !ended)
			tell_one(coredump, left.tell.hashes[0]);
		else
			tell_several(coredump, &left, ended ? &flood : NULL);
	}
	crash_left_done(&left);
	return 0;
}

void coredump_digest_in(Coredump *coredump, usec_t span)
{
	uint64_t before;
	usec_t at = now_usec(CLOCK_MONOTONIC) + span;

	if (coredump->digest && sd_event_source_get_time(coredump->digest, &before) >= 0 &&
		before <= at)
		return;
	coredump->digest = sd_event_source_disable_unref(coredump->digest);
	(void)sd_event_add_time(monitor_event(coredump->monitor), &coredump->digest,
		CLOCK_MONOTONIC, at, COREDUMP_SOON_USEC / 3, on_digest, coredump);
}
