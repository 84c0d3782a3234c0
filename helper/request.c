/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a method call to a verb's act, with polkit between. */
#include "helper/request.h"

#include "common/cleanup.h"

Request *request_free(Request *request)
{
	for (Request **at = &request->helper->pending; *at; at = &(*at)->next)
		if (*at == request) {
			*at = request->next;
			request->helper->n_pending--;
			break;
		}
	sd_bus_slot_unref(request->question);
	sd_bus_track_unref(request->caller);
	if (request->work)
		request->verb->done(request->work);
	sd_bus_message_unref(request->call);
	free(request);
	return NULL;
}

void helper_done(Helper *helper)
{
	while (helper->pending)
		request_free(helper->pending);
}

static int refuse(const Request *request, PolkitAnswer answer)
{
	const Verb *verb = request->verb;

	switch (answer) {
	case POLKIT_DISMISSED:
		return sd_bus_reply_method_errorf(request->call,
			SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
			"%s: try again where a password can be asked for (a terminal, a desktop), or as root.",
			verb->dismissed);
	case POLKIT_ABSENT:
		return sd_bus_reply_method_errorf(request->call, ERROR_NAME("NotAuthorized"),
			"%s: polkit cannot be asked here, so only root may.", verb->denied);
	default:
		return sd_bus_reply_method_errorf(request->call, ERROR_NAME("NotAuthorized"),
			"%s: an administrator may, or may allow you %s in a polkit rule.",
			verb->denied, verb->action);
	}
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	Request *request = userdata;
	PolkitAnswer answer = polkit_read_answer(reply);
	int r;

	(void)error;
	request->question = sd_bus_slot_unref(request->question);
	/* Without polkit only root itself may ask, as with every other privileged service. */
	if (answer == POLKIT_YES || (answer == POLKIT_ABSENT && request->uid == 0))
		r = request->verb->act(request);
	else
		r = refuse(request, answer);
	if (r == -EINPROGRESS)
		return 0;
	if (r < 0) /* what this handler returns would answer polkit, not the caller */
		(void)sd_bus_reply_method_errno(request->call, r, NULL);
	request_free(request);
	return 0;
}

static int on_caller_gone(sd_bus_track *track, void *userdata)
{
	Request *request = userdata;

	(void)track;
	if (request->question)
		polkit_cancel(sd_bus_message_get_bus(request->call), request->id);
	request_free(request);
	return 0;
}

int request_caller_uid(sd_bus_message *call, uid_t *ret)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	int r;

	r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);
	return r < 0 ? r : sd_bus_creds_get_euid(creds, ret);
}

/* Root is always heard: it needs no prompt where there is a polkit, and is not to wait for one. */
static bool is_busy(const Helper *helper, uid_t uid)
{
	unsigned n_own = 0;

	for (const Request *request = helper->pending; request; request = request->next)
		n_own += request->uid == uid;
	return uid != 0 &&
	       (helper->n_pending >= HELPER_PENDING_MAX || n_own >= HELPER_PENDING_OWN_MAX);
}

static Request *request_new(
	Helper *helper, sd_bus_message *call, uid_t uid, const Verb *verb, void *work)
{
	Request *request = calloc(1, sizeof *request);

	if (!request)
		return NULL;
	request->helper = helper;
	request->verb = verb;
	request->work = work;
	request->uid = uid;
	request->call = sd_bus_message_ref(call);
	request->id = ++helper->last_id;
	request->next = helper->pending;
	helper->pending = request;
	helper->n_pending++;
	return request;
}

int request_ask(Helper *helper, sd_bus_message *call, const Verb *verb, void *work,
	const PolkitDetail *details, size_t n_details)
{
	uid_t uid;
	int r = request_caller_uid(call, &uid);
	bool busy = r >= 0 && is_busy(helper, uid);
	Request *request = r < 0 || busy ? NULL : request_new(helper, call, uid, verb, work);

	if (!request) {
		verb->done(work);
		return busy    ? sd_bus_reply_method_errorf(call, ERROR_NAME("Busy"),
					 "Too many requests wait for an answer; try again later.")
		       : r < 0 ? r
			       : -ENOMEM;
	}
	r = sd_bus_track_new(
		sd_bus_message_get_bus(call), &request->caller, on_caller_gone, request);
	if (r >= 0)
		r = sd_bus_track_add_sender(request->caller, call);
	if (r >= 0)
		r = polkit_ask(call, verb->action, details, n_details, request->id, on_answer,
			request, &request->question);
	if (r < 0) {
		request_free(request);
		return r;
	}
	return 1;
}
