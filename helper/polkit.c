/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to polkit. */
#include "helper/polkit.h"

#include "common/cleanup.h"
#include "common/text.h"
#include <stdio.h>

#define POLKIT_NAME	       "org.freedesktop.PolicyKit1"
#define POLKIT_PATH	       "/org/freedesktop/PolicyKit1/Authority"
#define AUTHORITY	       "org.freedesktop.PolicyKit1.Authority"
#define CANCELLATION_ID_SIZE   16
#define ALLOW_USER_INTERACTION 1u
/* Somebody may have to find a password. Afterwards the answer is no. */
#define ANSWER_TIMEOUT_USEC (3 * USEC_PER_MINUTE)

static int append_details(sd_bus_message *question, const PolkitDetail *details, size_t n)
{
	int r;

	r = sd_bus_message_open_container(question, 'a', "{ss}");
	for (size_t i = 0; i < n && r >= 0; i++)
		r = sd_bus_message_append(question, "{ss}", details[i].key, details[i].value);
	return r < 0 ? r : sd_bus_message_close_container(question);
}

/* polkit's cancellation_id: unique among those of one caller, which is this process. */
static const char *name_of(uint32_t id, char buf[static CANCELLATION_ID_SIZE])
{
	(void)snprintf(buf, CANCELLATION_ID_SIZE, "%u", id);
	return buf;
}

int polkit_ask(sd_bus_message *call, const char *action, const PolkitDetail *details,
	size_t n_details, uint32_t id, sd_bus_message_handler_t answer, void *userdata,
	sd_bus_slot **ret_slot)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *question = NULL;
	sd_bus *bus = sd_bus_message_get_bus(call);
	uint32_t flags = sd_bus_message_get_allow_interactive_authorization(call) > 0
				 ? ALLOW_USER_INTERACTION
				 : 0;
	char name[CANCELLATION_ID_SIZE];
	int r;

	r = sd_bus_message_new_method_call(
		bus, &question, POLKIT_NAME, POLKIT_PATH, AUTHORITY, "CheckAuthorization");
	if (r >= 0)
		r = sd_bus_message_append(question, "(sa{sv})s", "system-bus-name", 1, "name", "s",
			sd_bus_message_get_sender(call), action);
	if (r >= 0)
		r = append_details(question, details, n_details);
	if (r >= 0)
		r = sd_bus_message_append(question, "us", flags, name_of(id, name));
	if (r < 0)
		return r;
	return sd_bus_call_async(bus, ret_slot, question, answer, userdata, ANSWER_TIMEOUT_USEC);
}

void polkit_cancel(sd_bus *bus, uint32_t id)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	char name[CANCELLATION_ID_SIZE];
	int r;

	r = sd_bus_message_new_method_call(
		bus, &message, POLKIT_NAME, POLKIT_PATH, AUTHORITY, "CancelCheckAuthorization");
	if (r >= 0)
		r = sd_bus_message_append(message, "s", name_of(id, name));
	if (r >= 0)
		r = sd_bus_message_set_expect_reply(message, false);
	if (r >= 0)
		(void)sd_bus_send(bus, message, NULL);
}

/* What an error means: polkit's own is a no, silence is a prompt that nobody answered, and anything
 * else comes from the bus or systemd, which could not start it (not installed, masked, failed). */
static PolkitAnswer from_error(const sd_bus_error *error)
{
	if (startswith(error->name, POLKIT_NAME "."))
		return POLKIT_NO;
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
		sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
		return POLKIT_DISMISSED;
	return POLKIT_ABSENT;
}

PolkitAnswer polkit_read_answer(sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	int authorized = 0, challenge = 0;

	if (error)
		return from_error(error);
	if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
		sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
		return POLKIT_NO;
	return authorized ? POLKIT_YES : challenge ? POLKIT_DISMISSED : POLKIT_NO;
}
