/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The warning on the desktop: what is shown of a decision, and what its buttons do. */
#include "monitord/inotify.h"

#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/log.h"
#include "common/text.h"
#include "monitord/inotify-warning.h"
#include "monitord/launch.h"
#include <fcntl.h>

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
	inotify_look_now(inotify);
}

uint64_t inotify_sensible_value(const Inotify *inotify, InotifyResource resource)
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
			inotify_sensible_value(inotify, inotify->raised), on_raised, inotify);
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

void inotify_tell(Inotify *inotify)
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
