/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inotify module: when it looks, and what a look gives. */
#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/log.h"
#include "monitord/inotify.h"

static InotifyThresholds thresholds_of(const Inotify *inotify)
{
	const MonitorConfig *config = monitor_config(inotify->monitor);

	return (InotifyThresholds){
		.warn_percent = config->warn_percent,
		.urgent_percent = config->urgent_percent,
		.clear_percent = config->clear_percent,
		.idle_interval_usec = config->idle_interval_usec,
		.close_interval_usec = config->close_interval_usec,
	};
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	inotify_look_now(userdata);
	return 0;
}

/* Idle looks may drift by a tenth, so that the machine wakes for others anyway. */
static void schedule(Inotify *inotify, usec_t span)
{
	inotify->timer = sd_event_source_disable_unref(inotify->timer);
	int r = sd_event_add_time_relative(monitor_event(inotify->monitor), &inotify->timer,
		CLOCK_MONOTONIC, span, span / 10, on_timer, inotify);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot set the timer of the next look: %m");
}

/* Whether the figures are all there is to know: every process was read, and no limit reads as zero
 * or not at all. */
static bool figures_suffice(const Survey *survey)
{
	return survey->complete && survey->limits.ns_instances.source != LIMIT_UNKNOWN &&
	       survey->limits.ns_watches.source != LIMIT_UNKNOWN;
}

void inotify_look_now(Inotify *inotify)
{
	InotifyThresholds thresholds = thresholds_of(inotify);
	bool complete = !inotify->desk.survey || figures_suffice(inotify->desk.survey);
	bool known = inotify->desk.survey !=
		     NULL; /* the first look decides by its own figures, see on_scanned() */
	int r = scan_worker_start(
		inotify->worker, known && inotify_policy_wants_canary(&inotify->policy, &thresholds,
						  &inotify->reading, complete));

	if (r == -EBUSY) {
		inotify->look_again = true;
	} else if (r < 0) {
		(void)log_warning_errno(r, "Cannot look at the processes now: %m");
		schedule(inotify, thresholds.close_interval_usec);
	}
}

static void read_survey(const ScanResult *result, InotifyReading *ret)
{
	const SurveyAccount *account = survey_account(result->survey, result->survey->viewer);

	*ret = (InotifyReading){
		.when_monotonic = now_usec(CLOCK_MONOTONIC), .cpu_usec = result->survey->cpu_usec};
	ret->used[INOTIFY_INSTANCES] = account->instances;
	ret->used[INOTIFY_WATCHES] = account->watches;
	ret->max[INOTIFY_INSTANCES] =
		account->max_instances.source == LIMIT_UNKNOWN ? 0 : account->max_instances.value;
	ret->max[INOTIFY_WATCHES] =
		account->max_watches.source == LIMIT_UNKNOWN ? 0 : account->max_watches.value;
	ret->refused[INOTIFY_INSTANCES] =
		result->canary_asked && result->canary == CANARY_INSTANCES_EXHAUSTED;
	ret->refused[INOTIFY_WATCHES] =
		result->canary_asked && result->canary == CANARY_WATCHES_EXHAUSTED;
}

static void announce(Inotify *inotify, const InotifyReading *before)
{
	static const char *const properties[] = {
		"InstancesUsed", "WatchesUsed", "InstancesMax", "WatchesMax"};
	const InotifyReading *now = &inotify->reading;
	const bool changed[] = {before->used[0] != now->used[0], before->used[1] != now->used[1],
		before->max[0] != now->max[0], before->max[1] != now->max[1]};

	for (size_t i = 0; i < ELEMENTSOF(properties); i++)
		if (changed[i])
			monitor_emit_changed(inotify->monitor, INOTIFY_INTERFACE, properties[i]);
	if (inotify->decision.level_changed) {
		monitor_emit_changed(inotify->monitor, INOTIFY_INTERFACE, "Level");
		monitor_emit(inotify->monitor, INOTIFY_INTERFACE, "LevelChanged", "s",
			inotify_level_to_string(inotify->decision.level));
	}
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++)
		if (now->refused[i] && !before->refused[i])
			monitor_emit(inotify->monitor, INOTIFY_INTERFACE, "Refused", "s",
				inotify_resource_to_string((InotifyResource)i));
}

static void on_scanned(ScanResult *result, void *userdata)
{
	Inotify *inotify = userdata;
	InotifyThresholds thresholds = thresholds_of(inotify);
	InotifyReading before = inotify->reading;

	survey_desk_take(&inotify->desk, result->survey, result->error, now_usec(CLOCK_MONOTONIC));
	if (!result->survey) {
		(void)log_warning_errno(result->error, "Cannot survey the processes: %m");
		schedule(inotify, thresholds.idle_interval_usec);
		return;
	}
	read_survey(result, &inotify->reading);
	/* The figures alone ask for the canary now: decide with its answer, not before. */
	if (!result->canary_asked && inotify_policy_wants_canary(&inotify->policy, &thresholds,
					     &inotify->reading, figures_suffice(result->survey))) {
		CanaryResult canary = inotify_canary("/");
		inotify->reading.refused[INOTIFY_INSTANCES] = canary == CANARY_INSTANCES_EXHAUSTED;
		inotify->reading.refused[INOTIFY_WATCHES] = canary == CANARY_WATCHES_EXHAUSTED;
	}
	inotify->decision = inotify_policy_take(&inotify->policy, &thresholds, &inotify->reading);
	monitor_tell(inotify->monitor, _("inotify: %llu of %llu instances, %llu of %llu watches."),
		(unsigned long long)inotify->reading.used[0],
		(unsigned long long)inotify->reading.max[0],
		(unsigned long long)inotify->reading.used[1],
		(unsigned long long)inotify->reading.max[1]);
	announce(inotify, &before);
	inotify_tell(inotify);
	if (inotify->look_again) {
		inotify->look_again = false;
		inotify_look_now(inotify);
	} else {
		schedule(inotify, inotify->decision.next_usec);
	}
}

/* ---- the module ------------------------------------------------------------------------------ */

static void stop(void *state)
{
	Inotify *inotify = state;

	(void)limit_raiser_free(inotify->raiser);
	(void)scan_worker_free(inotify->worker);
	notifier_close(monitor_notifier(inotify->monitor), inotify->handle);
	sd_event_source_disable_unref(inotify->timer);
	survey_desk_done(&inotify->desk);
	free(inotify->trouble);
	free(inotify);
}

static int start(Monitor *monitor, void **ret_state)
{
	Inotify *inotify = calloc(1, sizeof *inotify);
	int r;

	if (!inotify)
		return -ENOMEM;
	inotify->monitor = monitor;
	r = scan_worker_new(monitor_event(monitor), monitor_proc_fd(monitor), on_scanned, inotify,
		&inotify->worker);
	if (r >= 0)
		r = limit_raiser_new(monitor_system_bus(monitor), &inotify->raiser);
	if (r < 0) {
		stop(inotify);
		return r;
	}
	inotify_look_now(inotify);
	*ret_state = inotify;
	return 0;
}

/* Also called when another notification server appears: what still holds is shown to it anew. */
static void refresh(void *state)
{
	Inotify *inotify = state;

	if (inotify->policy.told > LEVEL_OK && !inotify->policy.dismissed)
		inotify->handle = 0;
	limit_raiser_refresh(inotify->raiser);
	inotify_look_now(inotify);
}

static json_t *status(void *state)
{
	const Inotify *inotify = state;
	json_t *object = json_object();

	json_add_string(object, "level", inotify_level_to_string(inotify->decision.level));
	json_add_u64(object, "instances", inotify->reading.used[INOTIFY_INSTANCES]);
	json_add_u64(object, "watches", inotify->reading.used[INOTIFY_WATCHES]);
	json_add_bool(object, "ignored", inotify->policy.ignored);
	json_add_u64(object, "nextLookUsec", inotify->decision.next_usec);
	return object;
}

extern const Module module_inotify;
const Module module_inotify = {
	.name = "inotify",
	.description = N_("warns before inotify instances or watches run out"),
	.autoload = true,
	.start = start,
	.stop = stop,
	.refresh = refresh,
	.status = status,
	.interface = INOTIFY_INTERFACE,
	.vtable = inotify_bus_vtable,
};
