/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a crash once it is in the index. crash-policy.c decides; here what it decided is
 * done. A row stays untold until a notification server took it. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "monitord/coredump.h"

#define RETRY_FIRST_USEC USEC_PER_MINUTE /* after a refusal; then doubled */
#define RETRY_MAX_USEC	 (60 * USEC_PER_MINUTE)

/* ---- telling of one -------------------------------------------------------------------------- */

static int find_app(const Crash *crash, CrashApp *ret)
{
	_cleanup_(identity_cache_freep) IdentityCache *cache = identity_cache_new(NULL, NULL);
	const CrashAppSource source = {.exe = crash->exe,
		.cmdline = crash->cmdline,
		.comm = crash->comm,
		.unit = crash->unit,
		.user_unit = crash->user_unit,
		.cgroup = crash->cgroup,
		.pid = crash->pid};

	return cache ? crash_app_find(cache, &source, ret) : -ENOMEM;
}

static void post(Coredump *coredump, const Crash *crash, const char *signature,
	const CrashDecision *decision, usec_t when_realtime)
{
	CrashApp app = {};
	char buf[32];

	if (find_app(crash, &app) < 0)
		return; /* no memory: it stays untold */
	const CrashPost what = {
		.program = coredump_program_key(crash, buf),
		.hash = crash->hash,
		.signature = signature,
		.exe = crash->exe,
		.words = crash_signal_words(crash->signal),
		.app = &app,
		.signal = crash->signal,
		.hung = crash->not_responding,
		.truncated = crash->truncated,
		.count = decision->count,
		.loop = decision->loop,
		.loop_count = decision->loop_count,
		.loop_usec = decision->loop_usec,
		.when_realtime = when_realtime,
		.buttons = {.reporter = true,
			.developer = monitor_config(coredump->monitor)->crash_developer,
			.restart = crash_reporting_can_restart(&app)},
	};
	_cleanup_(strbuf_done) StrBuf summary = {};
	const CrashNotice notice = {
		.app = &app, .words = what.words, .hung = what.hung, .loop = what.loop};
	crash_notice_summary(&notice, &summary);
	monitor_tell(coredump->monitor, "%s.", strbuf_text(&summary));
	coredump->announced++;
	crash_board_post(coredump->board, &what);
}

void coredump_announce(Coredump *coredump, const Crash *crash, const char *signature,
	const CrashDecision *decision, usec_t when_realtime)
{
	/* Before it is shown: killed in between, we know that it may have been. */
	(void)crash_marks_one(coredump->marks, crash->hash, MARK_ATTEMPT);
	if (decision->verdict == CRASH_ANNOUNCE && !when_realtime && !crash->not_responding &&
		crash_reporting_is_drkonqis(&coredump->reporting, crash) &&
		crash_reporting_start(&coredump->reporting, crash, false) >= 0) {
		log_info("Crash %.*s is told by DrKonqi", CRASH_ID_DIGITS, crash->hash);
		(void)crash_marks_one(coredump->marks, crash->hash, MARK_TOLD);
		return;
	}
	post(coredump, crash, signature, decision, when_realtime);
}

static void begin_flood(Coredump *coredump)
{
	_cleanup_(strbuf_done) StrBuf summary = {}, body = {};
	CrashFlood flood;

	crash_policy_flood(&coredump->policy, now_usec(CLOCK_MONOTONIC), &flood);
	crash_flood_summary(&flood, false, &summary);
	crash_flood_body(&flood, false, NULL,
		notifier_has_markup(monitor_notifier(coredump->monitor)), &body);
	log_notice("Crashes come one after another: they are only counted until that is over");
	crash_board_post_text(coredump->board, CRASH_TOPIC_FLOOD, strbuf_text(&summary),
		strbuf_text(&body), now_usec(CLOCK_REALTIME), NULL);
}

static void act(Coredump *coredump, const Crash *crash, const char *signature,
	const CrashDecision *decision)
{
	char buf[32];

	switch (decision->verdict) {
	case CRASH_ANNOUNCE:
	case CRASH_REMIND:
		coredump_announce(coredump, crash, signature, decision, 0);
		break;
	case CRASH_UPDATE:
		crash_board_count(coredump->board, coredump_program_key(crash, buf), decision);
		__attribute__((fallthrough));
	case CRASH_COUNT:
		coredump->counted++;
		if (crash->trust == CRASH_GENUINE) /* the others are counted by the index itself */
			(void)crash_marks_one(coredump->marks, crash->hash, MARK_COUNTED);
		break;
	case CRASH_LEAVE:
	case CRASH_VERDICT_MAX:
		coredump_digest_in(coredump, COREDUMP_SOON_USEC);
		break;
	}
	if (decision->flood_began) {
		begin_flood(coredump);
		coredump_digest_in(coredump, COREDUMP_SOON_USEC);
	}
}

static void emit(const Coredump *coredump, const Crash *crash)
{
	_cleanup_(json_decrefp) json_t *exe =
		crash->exe ? json_text(crash->exe, strlen(crash->exe)) : NULL;
	char id[CRASH_ID_DIGITS + 1];

	(void)crash_short_id(crash, id);
	monitor_emit(coredump->monitor, CRASH_INTERFACE, "Arrived", "ssi", id,
		exe ? json_string_value(exe) : "", crash->signal);
}

void coredump_arrived(Coredump *coredump, const Crash *arrived, bool late)
{
	Crash crash = *arrived; /* borrowed, but for .kcrash */
	char own[CRASH_SIGNATURE_SIZE], signature[CRASH_SIGNATURE_SIZE], buf[32];
	usec_t now = now_usec(CLOCK_MONOTONIC);

	coredump->arrived++;
	crash.kcrash = json_incref(crash.kcrash);
	crash_signature(&crash, own);
	coredump_expect(coredump, own, signature);
	coredump_take_kcrash(coredump, &crash);
	CrashArrival arrival = {
		.signature = signature,
		.program = coredump_program_key(&crash, buf),
		.genuine = crash.trust == CRASH_GENUINE,
		.own = coredump_is_own(coredump, &crash),
		.foreign = coredump_is_foreign(coredump, &crash),
		.muted = coredump_is_muted(coredump, &crash, own),
		.late = late,
		.unreachable = now < coredump->unreachable_monotonic,
		.now_monotonic = now,
	};
	coredump_look_up(coredump, &arrival, own);
	CrashDecision decision = crash_policy_take(&coredump->policy, &arrival);
	log_debug("Crash %.*s of '%s': verdict %d, for it is %s", CRASH_ID_DIGITS, crash.hash,
		arrival.program, decision.verdict, crash_reason_to_string(decision.reason));
	if (!late)
		emit(coredump, &crash);
	act(coredump, &crash, signature, &decision);
	if (late)
		crash_analyst_kick_later(coredump->analyst);
	else
		crash_analyst_kick(coredump->analyst);
	json_decref(crash.kcrash);
}

/* ---- what came of it ------------------------------------------------------------------------- */

static void on_reached(Coredump *coredump, const CrashPosted *posted, CrashHashes *hashes)
{
	bool was_down = coredump->unanswered || coredump->unreachable_monotonic;

	coredump->unanswered = false;
	coredump->unreachable_monotonic = 0;
	coredump->retry_usec = 0;
	if (posted->topic == CRASH_TOPIC_PROGRAM)
		crash_policy_told(&coredump->policy, posted->signature, now_usec(CLOCK_MONOTONIC));
	if (hashes->n == 1)
		(void)crash_marks_one(coredump->marks, hashes->hashes[0], MARK_TOLD);
	else if (hashes->n)
		(void)crash_marks_queue(coredump->marks, hashes, MARK_TOLD, NULL, NULL);
	if (was_down || posted->topic != CRASH_TOPIC_PROGRAM)
		coredump_digest_in(coredump, COREDUMP_SOON_USEC);
}

void coredump_on_fate(
	const CrashPosted *posted, CrashFate fate, CrashHashes *hashes, void *userdata)
{
	Coredump *coredump = userdata;
	usec_t now = now_usec(CLOCK_MONOTONIC);

	if (coredump->digest_posted && posted->topic == coredump->digest_topic)
		coredump->digest_running = coredump->digest_posted = false;
	if (fate == CRASH_REACHED) {
		on_reached(coredump, posted, hashes);
		return;
	}
	if (!coredump->unreachable_monotonic)
		log_notice("A crash could not be shown: %s. It stays marked as untold until it can",
			fate == CRASH_UNANSWERED ? "the notification server does not answer"
						 : "no notification server takes it");
	coredump->retry_usec = coredump->retry_usec
				       ? MIN_OF(coredump->retry_usec * 2, RETRY_MAX_USEC)
				       : RETRY_FIRST_USEC;
	coredump->unreachable_monotonic = now + coredump->retry_usec;
	if (posted->topic == CRASH_TOPIC_PROGRAM)
		crash_policy_failed(&coredump->policy, posted->signature);
	if (fate == CRASH_UNANSWERED) {
		coredump->unanswered = true;
		return;
	}
	if (hashes->n)
		(void)crash_marks_queue(coredump->marks, hashes, MARK_DROP_ATTEMPT, NULL, NULL);
	coredump_digest_in(coredump, coredump->retry_usec);
}

void coredump_tell_again(Coredump *coredump)
{
	crash_board_refresh(coredump->board);
	if (coredump->digest_posted)
		coredump->digest_running = coredump->digest_posted = false;
	coredump->unanswered = false;
	coredump->unreachable_monotonic = 0;
	coredump->retry_usec = 0;
	coredump_digest_in(coredump, COREDUMP_SOON_USEC);
}

/* ---- buttons --------------------------------------------------------------------------------- */

int coredump_report(Coredump *coredump, const char *hash)
{
	CrashRow row;
	int r;

	r = index_get(coredump->store.index, hash, &row);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	coredump_take_kcrash(coredump, &row.crash);
	bool picked_up = now_usec(CLOCK_REALTIME) > row.crash.when_realtime + 10 * USEC_PER_MINUTE;
	r = crash_reporting_start(&coredump->reporting, &row.crash, picked_up);
	index_row_done(&row);
	return r;
}

/* An interpreter runs many programs: of those the crash is muted, not the interpreter. */
static void ignore(Coredump *coredump, const CrashPosted *posted)
{
	_cleanup_(freep) char *program = strdup(posted->program);
	int r;

	r = posted->app.interpreted
		    ? index_mute(coredump->store.index, MUTE_SIGNATURE, posted->signature, 0)
		    : index_mute(coredump->store.index, MUTE_PROGRAM, posted->program, 0);
	if (r < 0) {
		(void)log_warning_errno(r, "'%s' could not be muted: %m", posted->program);
		coredump_index_failed(coredump, r);
		return;
	}
	log_info(
		"Crashes of '%s' are not announced any more; 'vigil crash mute' shows and ends that",
		posted->program);
	if (program)
		crash_board_close(coredump->board, program); /* posted ends with it */
}

void coredump_on_pressed(const CrashPosted *posted, const char *action, void *userdata)
{
	Coredump *coredump = userdata;
	int r;

	if (streq(action, "details") || streq(action, "default")) {
		crash_reporting_show_details(&coredump->reporting, posted);
	} else if (streq(action, "report")) {
		r = coredump_report(coredump, posted->hash);
		if (r < 0)
			log_notice("No reporter was started for crash %.*s", CRASH_ID_DIGITS,
				posted->hash);
	} else if (streq(action, "debug")) {
		crash_reporting_debug(&coredump->reporting, posted);
	} else if (streq(action, "restart")) {
		crash_reporting_restart(&coredump->reporting, posted);
	} else if (streq(action, "ignore")) {
		ignore(coredump, posted);
	}
}
