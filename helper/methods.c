/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs. Each reads its arguments, validates them, returns early where nothing changes, asks
 * polkit, acts, replies. What an untrusted caller can reach before polkit has said yes is: two
 * reads of /proc/sys, and for a core what fetch.c says. */
#include "helper/methods.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "helper/fetch.h"
#include "helper/request.h"
#include "survey/sysctl.h"
#include <string.h>

#define ACTION_RAISE "org.vigil.helper.raise-inotify-limit"

typedef struct Change { /* what a request for one carries */
	InotifyResource resource;
	uint64_t old_value, new_value;
} Change;

typedef struct ErrorRow {
	const char *name, *text;
} ErrorRow;

/* clang-format off */
static const ErrorRow change_errors[CHANGE_ERROR_MAX] = {
	[CHANGE_OUT_OF_RANGE]  = {ERROR_NAME("OutOfRange"),    "The value is below the limit now in force, or above what this machine's memory can bear."},
	[CHANGE_READ_ONLY]     = {ERROR_NAME("ReadOnlySystem"), "/proc/sys or /etc/sysctl.d cannot be written here (a container, or a read-only system): change the limit on the host."},
	[CHANGE_NO_SPACE]      = {ERROR_NAME("NoSpace"),       "The disk that holds /etc/sysctl.d is full: nothing was changed. Free some space and try again."},
	[CHANGE_FOREIGN_FILE]  = {ERROR_NAME("ForeignFile"),   "/etc/sysctl.d/60-vigil-inotify.conf was changed by hand: nothing was touched. Remove or rename it and try again."},
	[CHANGE_NOT_EFFECTIVE] = {ERROR_NAME("NotEffective"),  "The kernel did not take the value: nothing was changed."},
	[CHANGE_FAILED]        = {ERROR_NAME("Failed"),        "The change failed: nothing was changed. The system log says more."},
};
/* clang-format on */

static int reply_change_error(sd_bus_message *call, ChangeError error)
{
	return sd_bus_reply_method_errorf(
		call, change_errors[error].name, "%s", change_errors[error].text);
}

/* Another file may have the last word at boot. Only the log is told here: whoever called sees the
 * same files and says it too. */
static void warn_of_winner(const ChangeRoots *roots, InotifyResource resource)
{
	SysctlSetting *settings = NULL;
	size_t n = 0;

	if (sysctl_find(roots->root_fd, dropin_key(resource), &settings, &n) < 0 || n == 0)
		return;
	if (!endswith(settings[n - 1].path, "/" SYSCTL_DROPIN))
		log_warning(
			"At the next boot '%s' line %u sets %s to '%s' and overrides this change",
			settings[n - 1].path, settings[n - 1].line, dropin_key(resource),
			settings[n - 1].value);
	sysctl_settings_free(settings, n);
}

/* Safety: writes one of two fixed sysctl values, within constant bounds, and one fixed file; the
 * caller gave a word from a list of two and a number. */
static int act_raise(Request *request)
{
	const Change *change = request->work;
	uint64_t in_force;
	ChangeError e = change_raise(&request->helper->roots, change->resource, change->new_value,
		request->uid, now_usec(CLOCK_REALTIME), &in_force);

	if (e != CHANGE_OK) {
		log_warning("uid %u: raising %s from %llu to %llu failed: %s", request->uid,
			dropin_key(change->resource), (unsigned long long)change->old_value,
			(unsigned long long)change->new_value, change_errors[e].text);
		return reply_change_error(request->call, e);
	}
	log_notice("uid %u raised %s from %llu to %llu", request->uid, dropin_key(change->resource),
		(unsigned long long)change->old_value, (unsigned long long)in_force);
	warn_of_winner(&request->helper->roots, change->resource);
	return sd_bus_reply_method_return(request->call, "tt", change->old_value, in_force);
}

/* Safety: takes no argument; restores values that this helper itself recorded, and only where they
 * still are what it set; removes the one file that it wrote. */
static int act_reset(Request *request)
{
	ChangeReset reset;
	ChangeError e = change_reset(&request->helper->roots, &reset);

	if (e != CHANGE_OK) {
		log_warning("uid %u: resetting the inotify limits failed: %s", request->uid,
			change_errors[e].text);
		return reply_change_error(request->call, e);
	}
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++)
		if (reset.restored[i])
			log_notice("uid %u reset %s from %llu to %llu", request->uid,
				dropin_key((InotifyResource)i), (unsigned long long)reset.before[i],
				(unsigned long long)reset.after[i]);
	return sd_bus_reply_method_return(request->call, NULL);
}

#define DENIED	  "You are not authorised to change inotify limits"
#define DISMISSED "Changing inotify limits needs authorisation, and none was given"
static const Verb verb_raise = {ACTION_RAISE, DENIED, DISMISSED, act_raise, free};
static const Verb verb_reset = {ACTION_RAISE, DENIED, DISMISSED, act_reset, free};

static int method_raise(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Helper *helper = userdata;
	Change wanted = {};
	const char *which;
	char old_text[24], new_text[24];
	uint64_t value;
	int r;

	(void)error;
	r = sd_bus_message_read(call, "st", &which, &value);
	if (r < 0)
		return r;
	wanted.resource = inotify_resource_from_string(which);
	if (wanted.resource == INOTIFY_RESOURCE_INVALID)
		return sd_bus_reply_method_errorf(
			call, ERROR_NAME("UnknownLimit"), "Expected 'instances' or 'watches'.");
	ChangeError e = change_plan(
		&helper->roots, wanted.resource, value, &wanted.old_value, &wanted.new_value);
	if (e != CHANGE_OK)
		return reply_change_error(call, e);
	if (wanted.new_value == wanted.old_value)
		return sd_bus_reply_method_return(call, "tt", wanted.old_value, wanted.new_value);

	Change *work = malloc(sizeof *work);
	if (!work)
		return -ENOMEM;
	*work = wanted;
	(void)snprintf(old_text, sizeof old_text, "%llu", (unsigned long long)wanted.old_value);
	(void)snprintf(new_text, sizeof new_text, "%llu", (unsigned long long)wanted.new_value);
	const PolkitDetail details[] = {{"limit", inotify_resource_to_string(wanted.resource)},
		{"old", old_text}, {"new", new_text}};
	return request_ask(helper, call, &verb_raise, work, details, ELEMENTSOF(details));
}

static int method_reset(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const PolkitDetail details[] = {{"limit", "instances and watches"}, {"old", "Vigil's"},
		{"new", "what was before"},
		{"polkit.message",
			"Authentication is required to undo what Vigil changed about the limits of inotify"}};

	(void)error;
	return request_ask(userdata, call, &verb_reset, NULL, details, ELEMENTSOF(details));
}

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("RaiseInotifyLimit", SD_BUS_ARGS("s", which, "t", value), SD_BUS_RESULT("t", old, "t", new), method_raise, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ResetInotifyLimits", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reset, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("FetchCore", SD_BUS_ARGS("s", crash, "h", target), SD_BUS_NO_RESULT, fetch_method, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

int helper_export(Helper *helper, sd_bus *bus)
{
	return sd_bus_add_object_vtable(bus, NULL, HELPER_PATH, HELPER_NAME, vtable, helper);
}
