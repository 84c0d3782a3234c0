/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs. Each reads its arguments, validates them, returns early where nothing changes, asks
 * polkit, acts, replies. What an untrusted caller can reach before polkit has said yes is: two
 * reads of /proc/sys. */
#include "helper/methods.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "helper/polkit.h"
#include "survey/sysctl.h"
#include <string.h>

#define ACTION_RAISE	 "org.vigil.helper.raise-inotify-limit"
#define ERROR_NAME(name) HELPER_NAME ".Error." name

struct Request {
	Request *next;
	Helper *helper;
	sd_bus_message *call;
	sd_bus_slot *question; /* polkit's; dropping it forgets the answer */
	uint32_t id;	       /* of the question */
	sd_bus_track *caller;  /* who vanishes takes the request along */
	uid_t uid;
	bool reset; /* else raise */
	InotifyResource resource;
	uint64_t old_value, new_value;
};

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

static Request *request_free(Request *request)
{
	for (Request **at = &request->helper->pending; *at; at = &(*at)->next)
		if (*at == request) {
			*at = request->next;
			request->helper->n_pending--;
			break;
		}
	sd_bus_slot_unref(request->question);
	sd_bus_track_unref(request->caller);
	sd_bus_message_unref(request->call);
	free(request);
	return NULL;
}

void helper_done(Helper *helper)
{
	while (helper->pending)
		request_free(helper->pending);
}

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
	uint64_t in_force;
	ChangeError e = change_raise(&request->helper->roots, request->resource, request->new_value,
		request->uid, now_usec(CLOCK_REALTIME), &in_force);

	if (e != CHANGE_OK) {
		log_warning("uid %u: raising %s from %llu to %llu failed: %s", request->uid,
			dropin_key(request->resource), (unsigned long long)request->old_value,
			(unsigned long long)request->new_value, change_errors[e].text);
		return reply_change_error(request->call, e);
	}
	log_notice("uid %u raised %s from %llu to %llu", request->uid,
		dropin_key(request->resource), (unsigned long long)request->old_value,
		(unsigned long long)in_force);
	warn_of_winner(&request->helper->roots, request->resource);
	return sd_bus_reply_method_return(request->call, "tt", request->old_value, in_force);
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

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	Request *request = userdata;
	PolkitAnswer answer = polkit_read_answer(reply);
	int r;

	(void)error;
	/* Without polkit only root itself may ask, as with every other privileged service. */
	if (answer == POLKIT_YES || (answer == POLKIT_ABSENT && request->uid == 0))
		r = request->reset ? act_reset(request) : act_raise(request);
	else if (answer == POLKIT_DISMISSED)
		r = sd_bus_reply_method_errorf(request->call,
			SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
			"Changing inotify limits needs authorisation, and none was given.");
	else
		r = sd_bus_reply_method_errorf(request->call, ERROR_NAME("NotAuthorized"),
			"You are not authorised to change inotify limits.");
	request_free(request);
	return r;
}

static int on_caller_gone(sd_bus_track *track, void *userdata)
{
	Request *request = userdata;

	(void)track;
	polkit_cancel(sd_bus_message_get_bus(request->call), request->id);
	request_free(request);
	return 0;
}

static int caller_uid(sd_bus_message *call, uid_t *ret)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	int r;

	r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);
	return r < 0 ? r : sd_bus_creds_get_euid(creds, ret);
}

/* Takes the request to polkit. details: up to three. */
static int ask(Helper *helper, sd_bus_message *call, const Request *wanted,
	const PolkitDetail *details, size_t n_details)
{
	Request *request;
	int r;

	if (helper->n_pending >= HELPER_PENDING_MAX)
		return sd_bus_reply_method_errorf(call, ERROR_NAME("Busy"),
			"Too many requests wait for an answer; try again later.");
	request = calloc(1, sizeof *request);
	if (!request)
		return -ENOMEM;
	*request = *wanted;
	request->helper = helper;
	request->call = sd_bus_message_ref(call);
	request->id = ++helper->last_id;
	request->next = helper->pending;
	helper->pending = request;
	helper->n_pending++;

	r = caller_uid(call, &request->uid);
	if (r >= 0)
		r = sd_bus_track_new(
			sd_bus_message_get_bus(call), &request->caller, on_caller_gone, request);
	if (r >= 0)
		r = sd_bus_track_add_sender(request->caller, call);
	if (r >= 0)
		r = polkit_ask(call, ACTION_RAISE, details, n_details, request->id, on_answer,
			request, &request->question);
	if (r < 0) {
		request_free(request);
		return r;
	}
	return 1;
}

static int method_raise(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Helper *helper = userdata;
	Request wanted = {};
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

	(void)snprintf(old_text, sizeof old_text, "%llu", (unsigned long long)wanted.old_value);
	(void)snprintf(new_text, sizeof new_text, "%llu", (unsigned long long)wanted.new_value);
	const PolkitDetail details[] = {{"limit", inotify_resource_to_string(wanted.resource)},
		{"old", old_text}, {"new", new_text}};
	return ask(helper, call, &wanted, details, ELEMENTSOF(details));
}

static int method_reset(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Request wanted = {.reset = true};
	const PolkitDetail details[] = {
		{"limit", "instances and watches"}, {"old", "Vigil's"}, {"new", "what was before"}};

	(void)error;
	return ask(userdata, call, &wanted, details, ELEMENTSOF(details));
}

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("RaiseInotifyLimit", SD_BUS_ARGS("s", which, "t", value), SD_BUS_RESULT("t", old, "t", new), method_raise, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ResetInotifyLimits", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reset, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

int helper_export(Helper *helper, sd_bus *bus)
{
	return sd_bus_add_object_vtable(bus, NULL, HELPER_PATH, HELPER_NAME, vtable, helper);
}
