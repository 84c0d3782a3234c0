/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a crash once it is in the index. crash-policy.c decides; here the facts for it
 * are looked up, and what it decided is done. A row stays untold until a notification server took
 * it. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/kcrash.h"
#include "monitord/coredump.h"
#include "monitord/crash-left.h"
#include <fnmatch.h>

#define RETRY_FIRST_USEC USEC_PER_MINUTE /* after a refusal; then doubled */
#define RETRY_MAX_USEC	 (60 * USEC_PER_MINUTE)
#define SOON_USEC	 (300 * USEC_PER_MSEC)

/* ---- facts
 * ------------------------------------------------------------------------------------------------
 */

/* By the unit that systemd ran it in, never by its name, which it chose itself. Whatever Vigil
 * starts for itself is in a unit called vigil-…; an application that was started again is not. */
static bool is_own(const Coredump *coredump, const Crash *crash)
{
	_cleanup_(freep) char *unit = crash->cgroup ? identity_unit(crash->cgroup) : NULL;
	const char *const names[] = {unit, crash->user_unit, crash->unit};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (names[i] &&
			(startswith(names[i], "vigil-") ||
				(coredump->own_unit && streq(names[i], coredump->own_unit))))
			return true;
	return false;
}

static bool is_foreign(const Coredump *coredump, const Crash *crash)
{
	return !monitor_config(coredump->monitor)->crash_other_users &&
	       crash->uid != CRASH_UID_UNKNOWN && crash->uid != getuid();
}

static bool is_ignored(const MonitorConfig *config, const Crash *crash)
{
	char buf[32];
	const char *const names[] = {crash->exe, crash->comm, crash_program(crash, buf)};

	for (char **pattern = config->crash_ignore; pattern && *pattern; pattern++)
		for (size_t i = 0; i < ELEMENTSOF(names); i++)
			if (names[i] && fnmatch(*pattern, names[i], 0) == 0)
				return true;
	return false;
}

static bool is_muted(Coredump *coredump, const Crash *crash, const char *signature)
{
	const MonitorConfig *config = monitor_config(coredump->monitor);
	int r;

	if (!config->crash_notify || is_ignored(config, crash))
		return true;
	r = index_is_muted(coredump->store.index, crash, signature, now_usec(CLOCK_REALTIME));
	if (r < 0)
		coredump_index_failed(coredump, r);
	return r > 0;
}

static int take_time(const CrashRow *row, void *userdata)
{
	*(usec_t *)userdata = row->crash.when_realtime;
	return 1;
}

/* What the index knows of this signature. Crashes from before the index were listed, not told. */
static void look_up(Coredump *coredump, CrashArrival *arrival)
{
	usec_t now = now_usec(CLOCK_REALTIME), told = 0;
	const CrashMatch match = {.field = "signature", .value = arrival->signature};
	const CrashQuery all = {.matches = &match, .n_matches = 1};
	const CrashQuery last = {
		.since_realtime =
			MAX_OF(coredump->store.begin_realtime, now - CRASH_NEWS_AGAIN_USEC),
		.matches = &match,
		.n_matches = 1,
		.told = true,
		.newest_first = true,
		.limit = 1,
	};
	uint64_t count = 0;
	int r;

	arrival->told_ago_usec = USEC_INFINITY;
	if (crash_policy_knows(&coredump->policy, arrival->signature))
		return;
	r = index_count(coredump->store.index, &all, &count);
	if (r >= 0)
		r = index_query(coredump->store.index, &last, take_time, &told);
	if (r < 0)
		coredump_index_failed(coredump, r);
	arrival->earlier = count ? count - 1 : 0;
	if (told)
		arrival->told_ago_usec = now > told ? now - told : 0;
}

/* What KCrash and DrKonqi wrote beside: into the index, and away. crash->kcrash is then the
 * caller's to let go. */
static void take_kcrash(Coredump *coredump, Crash *crash)
{
	int cache_fd = coredump->reporting.cache_fd;
	_cleanup_(freep) char *name = NULL;
	int r;

	if (cache_fd < 0 || crash->uid != getuid() || crash->trust != CRASH_GENUINE)
		return;
	int found = kcrash_find(cache_fd, crash, &name);
	if (found < 0)
		(void)log_debug_errno(found, "KCrash metadata of crash %.*s is left alone: %m",
			CRASH_ID_DIGITS, crash->hash);
	crash->not_responding = crash->not_responding || kcrash_was_hung(cache_fd, crash) > 0;
	if (found <= 0 && !crash->not_responding)
		return;
	r = index_set_kcrash(coredump->store.index, crash->hash, found > 0 ? crash->kcrash : NULL,
		crash->not_responding);
	if (r < 0)
		coredump_index_failed(coredump, r);
	else if (found > 0)
		(void)kcrash_remove(cache_fd, name);
}

/* ---- telling of one
 * --------------------------------------------------------------------------------------- */

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

/* The key of a program: what mutes take, too. */
static const char *program_key(const Crash *crash, char buf[static 32])
{
	return crash->exe && crash->exe[0] ? crash->exe : crash_program(crash, buf);
}

static void post(Coredump *coredump, const Crash *crash, const char *signature,
	const CrashDecision *decision, usec_t when_realtime)
{
	CrashApp app = {};
	char buf[32];

	if (find_app(crash, &app) < 0)
		return; /* no memory: it stays untold */
	const CrashPost what = {
		.program = program_key(crash, buf),
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

static void announce(Coredump *coredump, const Crash *crash, const char *signature,
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
		announce(coredump, crash, signature, decision, 0);
		break;
	case CRASH_UPDATE:
		crash_board_count(coredump->board, program_key(crash, buf), decision);
		/* fall through */
	case CRASH_COUNT:
		coredump->counted++;
		if (crash->trust == CRASH_GENUINE) /* the others are counted by the index itself */
			(void)crash_marks_one(coredump->marks, crash->hash, MARK_COUNTED);
		break;
	case CRASH_LEAVE:
	case CRASH_VERDICT_MAX:
		coredump_digest_in(coredump, SOON_USEC);
		break;
	}
	if (decision->flood_began) {
		begin_flood(coredump);
		coredump_digest_in(coredump, SOON_USEC);
	}
}

static void emit(const Coredump *coredump, const Crash *crash)
{
	_cleanup_(json_decrefp) json_t *exe =
		crash->exe ? json_text(crash->exe, strlen(crash->exe)) : NULL;
	char id[CRASH_ID_DIGITS + 1];

	(void)snprintf(id, sizeof id, "%.*s", CRASH_ID_DIGITS, crash->hash);
	monitor_emit(coredump->monitor, CRASH_INTERFACE, "Arrived", "ssi", id,
		exe ? json_string_value(exe) : "", crash->signal);
}

void coredump_arrived(Coredump *coredump, const Crash *arrived, bool late)
{
	Crash crash = *arrived; /* borrowed, but for .kcrash */
	char signature[CRASH_SIGNATURE_SIZE], buf[32];
	usec_t now = now_usec(CLOCK_MONOTONIC);

	coredump->arrived++;
	crash.kcrash = json_incref(crash.kcrash);
	crash_signature(&crash, signature);
	take_kcrash(coredump, &crash);
	CrashArrival arrival = {
		.signature = signature,
		.program = program_key(&crash, buf),
		.genuine = crash.trust == CRASH_GENUINE,
		.own = is_own(coredump, &crash),
		.foreign = is_foreign(coredump, &crash),
		.muted = is_muted(coredump, &crash, signature),
		.late = late,
		.unreachable = now < coredump->unreachable_monotonic,
		.now_monotonic = now,
	};
	look_up(coredump, &arrival);
	CrashDecision decision = crash_policy_take(&coredump->policy, &arrival);
	log_debug("Crash %.*s of '%s': verdict %d, for it is %s", CRASH_ID_DIGITS, crash.hash,
		arrival.program, decision.verdict, crash_reason_to_string(decision.reason));
	if (!late)
		emit(coredump, &crash);
	act(coredump, &crash, signature, &decision);
	json_decref(crash.kcrash);
}

/* ---- telling of several
 * ----------------------------------------------------------------------------------- */

static CrashChoice choose(const CrashRow *row, void *userdata)
{
	Coredump *coredump = userdata;
	const Crash *crash = &row->crash;

	if (crash_board_is_telling(coredump->board, crash->hash))
		return CRASH_LEFT_SKIP;
	return is_own(coredump, crash) || is_foreign(coredump, crash) ||
			       is_muted(coredump, crash, row->signature)
		       ? CRASH_LEFT_COUNT
		       : CRASH_LEFT_TELL;
}

static void tell_one(Coredump *coredump, const char *hash)
{
	const CrashDecision decision = {.verdict = CRASH_ANNOUNCE, .count = 1};
	CrashRow row;

	if (index_get(coredump->store.index, hash, &row) <= 0)
		return;
	bool fresh = now_usec(CLOCK_REALTIME) < row.crash.when_realtime + USEC_PER_MINUTE;
	take_kcrash(coredump, &row.crash);
	crash_policy_told(&coredump->policy, row.signature, now_usec(CLOCK_MONOTONIC));
	announce(coredump, &row.crash, row.signature, &decision,
		fresh ? 0 : row.crash.when_realtime);
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
		coredump_digest_in(coredump, SOON_USEC);
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
		CLOCK_MONOTONIC, at, SOON_USEC / 3, on_digest, coredump);
}

/* ---- what came of it
 * --------------------------------------------------------------------------------------- */

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
		coredump_digest_in(coredump, SOON_USEC);
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
	coredump_digest_in(coredump, SOON_USEC);
}

/* ---- buttons
 * -----------------------------------------------------------------------------------------------
 */

int coredump_report(Coredump *coredump, const char *hash)
{
	CrashRow row;
	int r;

	r = index_get(coredump->store.index, hash, &row);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	take_kcrash(coredump, &row.crash);
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
