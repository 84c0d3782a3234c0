/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to vigil-helper, never waited for. */
#include "monitord/limit-raiser.h"

#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/names.h"
#include "common/text.h"

#define PROMPT_TIMEOUT_USEC (5 * USEC_PER_MINUTE) /* somebody may have to find a password */

typedef struct Raise Raise;

struct LimitRaiser {
	sd_bus *bus;
	sd_bus_slot *question;
	bool available;
	Raise *pending; /* list, newest first */
};

struct Raise {
	Raise *next;
	LimitRaiser *raiser;
	sd_bus_slot *slot; /* dropping it forgets the answer */
	void (*done)(int error, const char *message, void *userdata);
	void *userdata;
};

/* Takes the raise off the list and tells whoever waits for it. */
static void finish(Raise *raise, int error, const char *message)
{
	for (Raise **at = &raise->raiser->pending; *at; at = &(*at)->next)
		if (*at == raise) {
			*at = raise->next;
			break;
		}
	sd_bus_slot_unref(raise->slot);
	raise->done(error, message, raise->userdata);
	free(raise);
}

static int on_names(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	LimitRaiser *raiser = userdata;
	const char *name;

	(void)error;
	if (sd_bus_message_is_method_error(reply, NULL) ||
		sd_bus_message_enter_container(reply, 'a', "s") < 0)
		return 0;
	raiser->available = false;
	while (sd_bus_message_read(reply, "s", &name) > 0)
		raiser->available = raiser->available || streq(name, HELPER_NAME);
	return 0;
}

void limit_raiser_refresh(LimitRaiser *raiser)
{
	if (!raiser->bus)
		return;
	raiser->question = sd_bus_slot_unref(raiser->question);
	(void)sd_bus_call_method_async(raiser->bus, &raiser->question, "org.freedesktop.DBus",
		"/org/freedesktop/DBus", "org.freedesktop.DBus", "ListActivatableNames", on_names,
		raiser, NULL);
}

int limit_raiser_new(sd_bus *bus, LimitRaiser **ret)
{
	LimitRaiser *raiser = calloc(1, sizeof *raiser);

	if (!raiser)
		return -ENOMEM;
	raiser->bus = sd_bus_ref(bus);
	limit_raiser_refresh(raiser);
	*ret = raiser;
	return 0;
}

LimitRaiser *limit_raiser_free(LimitRaiser *raiser)
{
	if (!raiser)
		return NULL;
	while (raiser->pending)
		finish(raiser->pending, -ECANCELED, _("Vigil stopped waiting for the answer."));
	sd_bus_slot_unref(raiser->question);
	sd_bus_unref(raiser->bus);
	free(raiser);
	return NULL;
}

bool limit_raiser_can(const LimitRaiser *raiser, const InotifyLimits *limits,
	InotifyResource resource, uint64_t used)
{
	InotifyLimit limit =
		resource == INOTIFY_INSTANCES ? limits->fs_instances : limits->fs_watches;
	InotifyLimit binding = resource == INOTIFY_INSTANCES ? limits->instances : limits->watches;

	/* In a namespace of one's own, raising the init namespace's limit is neither possible nor
	 * of use. */
	return raiser->available && !limits->in_child_userns && limit.source != LIMIT_UNKNOWN &&
	       binding.value >= limit.value && inotify_limit_request(limits, resource, used) > 0;
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const sd_bus_error *failure = sd_bus_message_get_error(reply);

	(void)error;
	if (failure)
		finish(userdata, -EIO, failure->message ? failure->message : failure->name);
	else
		finish(userdata, 0, "");
	return 0;
}

static int call(LimitRaiser *raiser, InotifyResource resource, uint64_t value, Raise *raise)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	int r;

	r = sd_bus_message_new_method_call(
		raiser->bus, &message, HELPER_NAME, HELPER_PATH, HELPER_NAME, "RaiseInotifyLimit");
	if (r >= 0)
		r = sd_bus_message_set_allow_interactive_authorization(message, true);
	if (r >= 0)
		r = sd_bus_message_append(
			message, "st", inotify_resource_to_string(resource), value);
	if (r >= 0)
		r = sd_bus_call_async(
			raiser->bus, &raise->slot, message, on_reply, raise, PROMPT_TIMEOUT_USEC);
	return r;
}

void limit_raiser_raise(LimitRaiser *raiser, InotifyResource resource, uint64_t value,
	void (*done)(int error, const char *message, void *userdata), void *userdata)
{
	Raise *raise = raiser->bus ? calloc(1, sizeof *raise) : NULL;

	if (!raise) {
		done(-ENOTCONN, _("There is no system bus, so vigil-helper cannot be asked."),
			userdata);
		return;
	}
	*raise = (Raise){
		.next = raiser->pending, .raiser = raiser, .done = done, .userdata = userdata};
	raiser->pending = raise;
	int r = call(raiser, resource, value, raise);
	if (r < 0)
		finish(raise, r, strerror(-r));
}
