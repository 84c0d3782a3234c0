/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inotify module: timer, worker, notification, D-Bus. What it decides is in inotify-policy.c,
 * what it says in inotify-warning.c. Nothing in it takes an inotify instance but the canary, which
 * lets go at once. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/log.h"
#include "common/names.h"
#include "common/text.h"
#include "monitord/inotify-policy.h"
#include "monitord/inotify-warning.h"
#include "monitord/launch.h"
#include "monitord/limit-raiser.h"
#include "monitord/monitor.h"
#include "monitord/scan-worker.h"
#include "monitord/survey-desk.h"
#include <fcntl.h>

typedef struct Inotify {
	Monitor *monitor;
	ScanWorker *worker;
	sd_event_source *timer;
	LimitRaiser *raiser;
	InotifyPolicy policy;
	InotifyReading reading;
	InotifyDecision decision;
	PressureTrend holder_trend; /* of the biggest holder, whose name is below */
	char holder_name[128];
	SurveyDesk desk;
	uint32_t handle;	/* of the open notification, 0 none */
	bool undelivered;	/* nobody saw it yet */
	bool look_again;	/* a refresh came while a scan ran */
	InotifyResource raised; /* the last one that the button asked for */
	char *trouble;		/* why raising failed */
} Inotify;

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

/* ---- the notification ------------------------------------------------------------------------ */

static void look_now(Inotify *inotify);

/* A raise holds until the machine is off; who wins then is told now, while somebody is at it. */
static void tell_override(Inotify *inotify, InotifyResource resource)
{
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(strbuf_done) StrBuf body = {};
	const NotificationHandler nobody = {};
	BootSetting setting = {};
	char key[64];

	(void)snprintf(
		key, sizeof key, "fs.inotify.max_user_%s", inotify_resource_to_string(resource));
	if (root < 0 || boot_setting_find(root, key, 0, &setting) < 0)
		return;
	if (setting.overrides) {
		Notification what = {
			.summary = _("The raised limit lasts until the next boot only"),
			.icon = "dialog-information",
			.desktop_entry = "org.vigil.Monitor",
			.category = "device",
			.urgency = NOTIFICATION_NORMAL,
		};
		inotify_override_body(
			&setting, notifier_has_markup(monitor_notifier(inotify->monitor)), &body);
		what.body = strbuf_text(&body);
		(void)notifier_show(monitor_notifier(inotify->monitor), 0, &what, &nobody);
		log_notice("'%s' line %u overrides the raised limit at the next boot", setting.path,
			setting.line);
	}
	boot_setting_done(&setting);
}

static void on_raised(int error, const char *message, void *userdata)
{
	Inotify *inotify = userdata;

	if (error == -ECANCELED) /* the module is going */
		return;
	free(inotify->trouble);
	inotify->trouble = error < 0 ? strdup(message) : NULL;
	if (error < 0) {
		log_warning("The limit could not be raised: %s", message);
		inotify->policy.told = LEVEL_OK; /* say so in a fresh warning */
	} else {
		tell_override(inotify, inotify->raised);
	}
	look_now(inotify);
}

/* What to raise to where nobody named a value: the last survey knows the use. */
static uint64_t sensible_value(const Inotify *inotify, InotifyResource resource)
{
	const Survey *survey = inotify->desk.survey;

	return survey ? inotify_limit_request(
				&survey->limits, resource, survey_most_used(survey, resource))
		      : 0;
}

static void on_action(uint32_t handle, const char *id, void *userdata)
{
	Inotify *inotify = userdata;

	(void)handle;
	if (streq(id, "raise")) {
		inotify->raised = inotify->decision.resource;
		limit_raiser_raise(inotify->raiser, inotify->raised,
			sensible_value(inotify, inotify->raised), on_raised, inotify);
	} else if (streq(id, "show") || streq(id, "default"))
		launch_show(monitor_config(inotify->monitor)->show_command);
	else if (streq(id, "ignore")) {
		inotify->policy.ignored = true;
		notifier_close(monitor_notifier(inotify->monitor), inotify->handle);
		inotify->handle = 0;
	}
}

static void on_delivered(uint32_t handle, bool ok, void *userdata)
{
	Inotify *inotify = userdata;

	if (handle != inotify->handle)
		return;
	if (!ok && !inotify->undelivered)
		log_notice("The warning could not be shown: no notification server answered");
	inotify->undelivered = !ok;
}

static void on_closed(uint32_t handle, bool by_person, void *userdata)
{
	Inotify *inotify = userdata;

	if (handle != inotify->handle)
		return;
	inotify->handle = 0;
	inotify->policy.dismissed = inotify->policy.dismissed || by_person;
}

/* The biggest holders, and whether the first of them looks like a leak. */
static int find_holders(Inotify *inotify, PressureHolder holders[static PRESSURE_HOLDERS],
	PressureVerdict *ret_verdict)
{
	int n = pressure_holders(inotify->desk.survey, inotify->desk.survey->viewer,
		inotify->decision.resource, holders);

	if (n > 0) {
		if (!streq(holders[0].name, inotify->holder_name)) {
			(void)snprintf(inotify->holder_name, sizeof inotify->holder_name, "%s",
				holders[0].name);
			inotify->holder_trend = (PressureTrend){};
		}
		pressure_trend_add(
			&inotify->holder_trend, inotify->reading.when_monotonic, holders[0].count);
	}
	*ret_verdict = pressure_verdict(n > 0 ? &holders[0] : NULL, &inotify->holder_trend);
	return MAX_OF(n, 0);
}

static void compose(Inotify *inotify, const PressureHolder *holders, int n, PressureVerdict verdict,
	InotifyWarning *ret)
{
	InotifyResource resource = inotify->decision.resource;

	*ret = (InotifyWarning){
		.resource = resource,
		.level = inotify->decision.level,
		.used = inotify->reading.used[resource],
		.max = inotify->reading.max[resource],
		.refused = inotify->reading.refused[resource],
		.incomplete = !inotify->desk.survey->complete,
		.holders = holders,
		.n_holders = n,
		.verdict = verdict,
		/* two samples are a difference, not a trend */
		.full_in_usec = inotify->policy.trend[resource].n > 2
					? inotify->decision.full_in_usec
					: USEC_INFINITY,
		.trouble = inotify->trouble,
	};
}

static void show(Inotify *inotify, const InotifyWarning *warning)
{
	const NotificationHandler handler = {.delivered = on_delivered,
		.action = on_action,
		.closed = on_closed,
		.userdata = inotify};
	_cleanup_(strbuf_done) StrBuf body = {};
	Notification what = {
		.summary = inotify_warning_summary(warning),
		.icon = "dialog-warning",
		.desktop_entry = "org.vigil.Monitor",
		.category = "device.warning",
		.urgency = warning->level == LEVEL_URGENT ? NOTIFICATION_CRITICAL
							  : NOTIFICATION_NORMAL,
		.stays = true,
	};

	inotify_warning_body(
		warning, notifier_has_markup(monitor_notifier(inotify->monitor)), &body);
	what.body = strbuf_text(&body);
	if (limit_raiser_can(inotify->raiser, &inotify->desk.survey->limits, warning->resource,
		    warning->used))
		what.actions[what.n_actions++] = (NotificationAction){"raise", _("Raise limit")};
	what.actions[what.n_actions++] = (NotificationAction){"show", _("Show")};
	what.actions[what.n_actions++] = (NotificationAction){"ignore", _("Ignore until restart")};
	uint32_t handle =
		notifier_show(monitor_notifier(inotify->monitor), inotify->handle, &what, &handler);
	if (handle)
		inotify->handle = handle;
	else
		inotify->undelivered = true;
}

static void act(Inotify *inotify)
{
	PressureHolder holders[PRESSURE_HOLDERS];
	_cleanup_(strbuf_done) StrBuf text = {};
	PressureVerdict verdict;
	InotifyWarning warning;
	InotifyAction action = inotify->decision.action;

	if (action == ACTION_CLOSE) {
		notifier_close(monitor_notifier(inotify->monitor), inotify->handle);
		inotify->handle = 0;
		inotify->undelivered = false;
		log_info("inotify use is back to normal");
		monitor_tell(inotify->monitor, _("inotify use is back to normal."));
	}
	if (action == ACTION_NOTHING || action == ACTION_CLOSE)
		return;
	int n = find_holders(inotify, holders, &verdict);
	compose(inotify, holders, n, verdict, &warning);
	if (action == ACTION_SHOW) {
		inotify_warning_body(&warning, false, &text);
		log_warning("%s: %s", inotify_warning_summary(&warning), strbuf_text(&text));
		monitor_tell(inotify->monitor, "%s: %s", inotify_warning_summary(&warning),
			strbuf_text(&text));
	}
	show(inotify, &warning);
}

/* ---- looking --------------------------------------------------------------------------------- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	look_now(userdata);
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

static void look_now(Inotify *inotify)
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
	act(inotify);
	if (inotify->look_again) {
		inotify->look_again = false;
		look_now(inotify);
	} else {
		schedule(inotify, inotify->decision.next_usec);
	}
}

/* ---- D-Bus ----------------------------------------------------------------------------------- */

static int method_survey(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Inotify *inotify = userdata;
	bool scan;
	int r;

	(void)error;
	r = survey_desk_ask(&inotify->desk, call, now_usec(CLOCK_MONOTONIC), &scan);
	if (scan)
		look_now(inotify);
	return r;
}

static void on_raised_for_caller(int error, const char *message, void *userdata)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

	if (error < 0)
		(void)sd_bus_reply_method_errorf(call, SD_BUS_ERROR_FAILED, "%s", message);
	else
		(void)sd_bus_reply_method_return(call, NULL);
}

static int method_raise(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Inotify *inotify = userdata;
	const char *which;
	uint64_t value;
	int r;

	r = sd_bus_message_read(call, "st", &which, &value);
	if (r < 0)
		return r;
	InotifyResource resource = inotify_resource_from_string(which);
	if (resource == INOTIFY_RESOURCE_INVALID)
		return sd_bus_error_set(
			error, SD_BUS_ERROR_INVALID_ARGS, "Expected 'instances' or 'watches'.");
	if (value == 0)
		value = sensible_value(inotify, resource);
	limit_raiser_raise(
		inotify->raiser, resource, value, on_raised_for_caller, sd_bus_message_ref(call));
	return 1;
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const Inotify *inotify = userdata;
	InotifyResource resource =
		startswith(property, "Instances") ? INOTIFY_INSTANCES : INOTIFY_WATCHES;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	if (streq(property, "Level"))
		return sd_bus_message_append(
			reply, "s", inotify_level_to_string(inotify->decision.level));
	return sd_bus_message_append(reply, "t",
		endswith(property, "Max") ? inotify->reading.max[resource]
					  : inotify->reading.used[resource]);
}

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Survey", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_survey, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("RaiseLimit", SD_BUS_ARGS("s", which, "t", value), SD_BUS_NO_RESULT, method_raise, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("InstancesUsed", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("InstancesMax", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("WatchesUsed", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("WatchesMax", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Level", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_SIGNAL_WITH_ARGS("LevelChanged", SD_BUS_ARGS("s", level), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Refused", SD_BUS_ARGS("s", which), 0),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

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
	look_now(inotify);
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
	look_now(inotify);
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
	.vtable = vtable,
};
