/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a row that waits to a child, and from its end to the row again. crash-analyst-policy.c
 * decides. */
#include "monitord/crash-analyst.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"
#include "common/words.h"
#include "monitord/background-child.h"
#include "monitord/crash-analyst-queue.h"
#include "monitord/detach.h"

#define LATER_USEC	 USEC_PER_MINUTE
#define START_AGAIN_USEC (5 * USEC_PER_MINUTE) /* no process, or no memory, was to be had */

struct CrashAnalyst {
	Monitor *monitor;
	CrashStore *store;
	CrashAnalystHandler handler;
	AnalystPolicy policy;
	sd_event_source *turn;	/* to look for what waits */
	sd_event_source *again; /* armed while something is deferred, or due later */

	BackgroundChild *child; /* NULL: none is running. What it looks into: */
	char hash[CRASH_HASH_SIZE];
	char signature[CRASH_SIGNATURE_SIZE], expected[CRASH_SIGNATURE_SIZE];
	unsigned attempt;
	bool had_trace;
	usec_t traced_realtime;

	AnalystWait waits;			   /* what for */
	bool no_program;			   /* said once */
	uint64_t analyzed, failed, given_up, left; /* since the start */
};

static CrashIndex *index_of(const CrashAnalyst *analyst)
{
	return analyst->store->index;
}

static int note_index(CrashAnalyst *analyst, int r)
{
	if (r < 0 && r != -ENOENT)
		analyst->handler.index_failed(r, analyst->handler.userdata);
	return r;
}

/* In memory it is this process's own: a child would find nothing. */
static bool can_work(const CrashAnalyst *analyst)
{
	return monitor_config(analyst->monitor)->crash_unwind && !analyst->store->in_memory;
}

/* ---- when ------------------------------------------------------------------------------------ */

static int on_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	CrashAnalyst *analyst = userdata;

	(void)source;
	(void)usec;
	analyst->again = sd_event_source_disable_unref(analyst->again);
	crash_analyst_kick(analyst);
	return 0;
}

/* Nobody waits for it to the second. */
static void look_again_in(CrashAnalyst *analyst, usec_t span)
{
	analyst->again = sd_event_source_disable_unref(analyst->again);
	(void)sd_event_add_time_relative(monitor_event(analyst->monitor), &analyst->again,
		CLOCK_MONOTONIC, span, span / 4, on_again, analyst);
}

/* What failed once is due some time. */
static void look_again_when_due(CrashAnalyst *analyst, usec_t now_realtime)
{
	usec_t due = 0;
	int r = note_index(analyst, index_next_trace_retry(index_of(analyst), &due));

	if (r > 0)
		look_again_in(analyst,
			MAX_OF(due > now_realtime ? due - now_realtime : 0, USEC_PER_MINUTE));
}

/* ---- one child ------------------------------------------------------------------------------- */

/* Where our index is, for a child that has no option for it. */
static char **child_environment(const CrashAnalyst *analyst)
{
	const char *directory = monitor_options(analyst->monitor)->state_dir;
	const char *vigil = directory ? endswith(directory, "/vigil") : NULL;
	_cleanup_(freep) char *state = NULL, *home = NULL;

	if (!directory)
		return detach_environment(NULL);
	if (asprintf(&state, "STATE_DIRECTORY=%s", directory) < 0 ||
		asprintf(&home, "XDG_STATE_HOME=%.*s",
			vigil ? (int)(vigil - directory) : (int)strlen(directory), directory) < 0)
		return NULL;
	return detach_environment((const char *const[]){state, home, NULL});
}

static void on_ended(const BackgroundResult *result, void *userdata);

static int start_child(CrashAnalyst *analyst, const char *path)
{
	const MonitorConfig *config = monitor_config(analyst->monitor);
	_cleanup_(words_freep) char **environment = child_environment(analyst);
	const char *argv[8] = {"vigil", "crash", "bt", "--refresh", "--json"};
	size_t n = 5;

	if (!environment)
		return -ENOMEM;
	if (config->crash_debuginfod)
		argv[n++] = "--debuginfod";
	argv[n] = analyst->hash;
	const BackgroundRun run = {.path = path,
		.argv = (char *const *)argv,
		.environment = environment,
		.limit_usec = config->crash_unwind_timeout_usec};
	return background_child_start(
		monitor_event(analyst->monitor), &run, on_ended, analyst, &analyst->child);
}

/* Counted before it begins. 0; -ENOENT: the crash was forgotten meanwhile; -errno. */
static int count_attempt(CrashAnalyst *analyst)
{
	_cleanup_(crash_trace_donep) CrashTrace trace = {};
	CrashIndex *index = index_of(analyst);
	int r;

	r = index_get_trace(index, analyst->hash, &trace);
	if (r < 0)
		return r;
	analyst->attempt = trace.attempts + 1;
	analyst->had_trace = trace.trace != NULL;
	analyst->traced_realtime = trace.analyzed_realtime;
	usec_t again = analyst_policy_again(analyst->attempt);
	return index_add_trace_attempt(
		index, analyst->hash, again ? now_usec(CLOCK_REALTIME) + again : 0);
}

/* 1: it runs, or is to be tried later; 0: not this one, there may be others; -errno of the index.
 */
static int begin(CrashAnalyst *analyst, const char *hash, const char *path)
{
	CrashRow row;
	int r;

	r = index_get(index_of(analyst), hash, &row);
	if (r <= 0)
		return r;
	memcpy(analyst->hash, row.crash.hash, sizeof analyst->hash);
	memcpy(analyst->signature, row.signature, sizeof analyst->signature);
	memcpy(analyst->expected, row.signature, sizeof analyst->expected);
	index_row_done(&row);
	r = count_attempt(analyst);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	(void)index_expected_signature(index_of(analyst), analyst->signature, analyst->expected);
	analyst_policy_started(&analyst->policy, analyst->expected, now_usec(CLOCK_MONOTONIC));
	r = start_child(analyst, path);
	if (r < 0) {
		(void)log_warning_errno(r, "Crash %.*s cannot be unwound, '%s' does not start: %m",
			CRASH_ID_DIGITS, hash, path);
		look_again_in(analyst, START_AGAIN_USEC);
		return 1;
	}
	log_debug(
		"Crash %.*s is being unwound, attempt %u", CRASH_ID_DIGITS, hash, analyst->attempt);
	return 1;
}

/* ---- its end --------------------------------------------------------------------------------- */

/* Into the index, where it has no better reason yet, and the log. */
static void tell_failure(CrashAnalyst *analyst, const BackgroundResult *result)
{
	_cleanup_(freep) char *why = NULL;
	char span[32];
	int n;

	if (result->end == BACKGROUND_LATE)
		n = asprintf(&why, "it took longer than %s",
			format_span(
				monitor_config(analyst->monitor)->crash_unwind_timeout_usec, span));
	else if (result->end == BACKGROUND_CRASHED)
		n = asprintf(&why, "what unwinds was ended by signal %d", result->status);
	else
		n = asprintf(&why, "%.*s", (int)strcspn(result->said, "\n"),
			result->said[0] ? result->said : "no trace came of it");
	if (n < 0)
		return;
	analyst->failed++;
	bool last = analyst_policy_again(analyst->attempt) == 0;
	analyst->given_up += last;
	log_info("Crash %.*s could not be unwound%s: %s", CRASH_ID_DIGITS, analyst->hash,
		last ? " and is given up" : "", why);
	if (result->end != BACKGROUND_EXITED)
		(void)note_index(
			analyst, index_set_trace_error(index_of(analyst), analyst->hash, why));
}

static void tell_success(CrashAnalyst *analyst, const CrashTrace *trace)
{
	usec_t again =
		trace->complete ? 0 : analyst_policy_complete(analyst->attempt, analyst->had_trace);
	CrashRow row;

	analyst->analyzed++;
	(void)note_index(analyst, index_set_trace_retry(index_of(analyst), analyst->hash,
					  again ? now_usec(CLOCK_REALTIME) + again : 0));
	if (note_index(analyst, index_get(index_of(analyst), analyst->hash, &row)) <= 0)
		return;
	analyst_policy_became(&analyst->policy, analyst->expected,
		!streq(analyst->expected, analyst->signature), row.signature,
		now_usec(CLOCK_MONOTONIC));
	log_debug("Crash %.*s was unwound: %s", CRASH_ID_DIGITS, analyst->hash,
		row.title ? row.title : "no function is known");
	analyst->handler.analyzed(&row, analyst->signature, trace, analyst->handler.userdata);
	index_row_done(&row);
}

static void on_ended(const BackgroundResult *result, void *userdata)
{
	CrashAnalyst *analyst = userdata;
	_cleanup_(crash_trace_donep) CrashTrace trace = {};
	int r;

	analyst->child = background_child_free(analyst->child);
	r = note_index(analyst, index_get_trace(index_of(analyst), analyst->hash, &trace));
	if (r > 0 && trace.trace && trace.analyzed_realtime != analyst->traced_realtime)
		tell_success(analyst, &trace);
	else if (r >= 0)
		tell_failure(analyst, result);
	analyst->hash[0] = '\0';
	crash_analyst_kick(analyst);
}

/* ---- a turn ---------------------------------------------------------------------------------- */

static char *find_program(CrashAnalyst *analyst)
{
	char *path = detach_find_program("vigil", NULL);

	if (!path && !analyst->no_program)
		log_warning(
			"There is no program 'vigil' in PATH or beside the daemon: crashes are not unwound");
	analyst->no_program = !path;
	return path;
}

/* Which of those found may begin now; NULL: none, and it is known when to look again. */
static const char *choose(CrashAnalyst *analyst, const AnalystFound *found)
{
	const MonitorConfig *config = monitor_config(analyst->monitor);
	const AnalystCandidate *candidate = &found->best;
	Strain strain;
	usec_t again = 0;

	strain_read(&monitor_options(analyst->monitor)->strain_places, &strain);
	if (strain.battery && candidate->waited < config->crash_unwind_battery_usec)
		candidate = &found->longest;
	analyst->waits = analyst_policy_may_begin(
		&strain, candidate->waited, config->crash_unwind_battery_usec, &again);
	if (analyst->waits == ANALYST_READY)
		return candidate->hash;
	log_debug("Crashes wait to be unwound, for %s",
		analyst->waits == ANALYST_MEMORY ? "memory is short" : "it runs on battery");
	look_again_in(analyst, again);
	return NULL;
}

static void take_turn(CrashAnalyst *analyst)
{
	const AnalystQueue queue = {.index = index_of(analyst),
		.policy = &analyst->policy,
		.look = analyst->handler.look,
		.userdata = analyst->handler.userdata};
	usec_t now = now_usec(CLOCK_REALTIME);
	AnalystFound found;

	analyst->waits = ANALYST_READY;
	if (note_index(analyst,
		    analyst_queue_search(&queue, now, now_usec(CLOCK_MONOTONIC), &found)) < 0)
		return;
	analyst->left += found.left;
	if (!found.best.hash[0]) {
		if (found.more)
			crash_analyst_kick(analyst);
		else
			look_again_when_due(analyst, now);
		return;
	}
	const char *hash = choose(analyst, &found);
	_cleanup_(freep) char *path = hash ? find_program(analyst) : NULL;
	if (!path)
		return;
	int r = begin(analyst, hash, path);
	if (r == 0)
		crash_analyst_kick(analyst);
	else
		(void)note_index(analyst, MIN_OF(r, 0));
}

static int on_turn(sd_event_source *source, void *userdata)
{
	CrashAnalyst *analyst = userdata;

	(void)source;
	if (!analyst->child && can_work(analyst))
		take_turn(analyst);
	return 0;
}

void crash_analyst_kick(CrashAnalyst *analyst)
{
	if (!analyst || analyst->child)
		return; /* its end looks on */
	analyst->again = sd_event_source_disable_unref(analyst->again);
	(void)sd_event_source_set_enabled(analyst->turn, SD_EVENT_ONESHOT);
}

void crash_analyst_kick_later(CrashAnalyst *analyst)
{
	if (!analyst->child && !analyst->again)
		look_again_in(analyst, LATER_USEC);
}

/* ---- life ------------------------------------------------------------------------------------ */

int crash_analyst_new(
	Monitor *monitor, CrashStore *store, const CrashAnalystHandler *handler, CrashAnalyst **ret)
{
	CrashAnalyst *analyst = calloc(1, sizeof *analyst);
	int r;

	if (!analyst)
		return -ENOMEM;
	analyst->monitor = monitor;
	analyst->store = store;
	analyst->handler = *handler;
	r = sd_event_add_defer(monitor_event(monitor), &analyst->turn, on_turn, analyst);
	/* whatever arrives, and is told, goes first */
	if (r >= 0)
		r = sd_event_source_set_priority(analyst->turn, SD_EVENT_PRIORITY_IDLE);
	if (r < 0) {
		(void)crash_analyst_free(analyst);
		return r;
	}
	*ret = analyst;
	return 0;
}

CrashAnalyst *crash_analyst_free(CrashAnalyst *analyst)
{
	if (!analyst)
		return NULL;
	(void)background_child_free(analyst->child);
	sd_event_source_disable_unref(analyst->turn);
	sd_event_source_disable_unref(analyst->again);
	free(analyst);
	return NULL;
}

bool crash_analyst_is_child(const CrashAnalyst *analyst, const Crash *crash)
{
	return analyst && analyst->child && crash->pid == background_child_pid(analyst->child);
}

json_t *crash_analyst_status(const CrashAnalyst *analyst)
{
	json_t *object = json_object();
	char id[CRASH_ID_DIGITS + 1];

	json_add_bool(object, "enabled", monitor_config(analyst->monitor)->crash_unwind);
	if (analyst->child) {
		(void)snprintf(id, sizeof id, "%.*s", CRASH_ID_DIGITS, analyst->hash);
		json_add_string(object, "running", id);
	}
	json_add_u64(object, "waiting",
		analyst_queue_length(index_of(analyst), now_usec(CLOCK_REALTIME)));
	json_add_string(object, "waitsFor",
		analyst->store->in_memory ? "index"
		: analyst->no_program	  ? "program"
					  : analyst_wait_to_string(analyst->waits));
	json_add_u64(object, "analyzed", analyst->analyzed);
	json_add_u64(object, "failed", analyst->failed);
	json_add_u64(object, "givenUp", analyst->given_up);
	json_add_u64(object, "leftOut", analyst->left);
	return object;
}
