/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* polkit, asked over sd-bus. The subject is always the caller's unique bus name, which cannot be
 * handed on or reused (CVE-2013-4288), never a pid. org.freedesktop.PolicyKit1.Authority(8). */
#include "common/forward.h"
#include <systemd/sd-bus.h>

typedef enum PolkitAnswer {
	POLKIT_YES,
	POLKIT_NO,
	POLKIT_DISMISSED, /* it would take a password, and nobody gave one */
	POLKIT_ABSENT,	  /* no polkit that could be asked */
} PolkitAnswer;

typedef struct PolkitDetail {
	const char *key, *value;
} PolkitDetail;

/* Asks; answer is called once on the event loop unless the slot is dropped first. call: the method
 * call whose sender is the subject; its interactive flag is passed on. id: names the question for
 * polkit_cancel(), unique among those under way. 0 or -errno. */
int polkit_ask(sd_bus_message *call, const char *action, const PolkitDetail *details,
	size_t n_details, uint32_t id, sd_bus_message_handler_t answer, void *userdata,
	sd_bus_slot **ret_slot);
/* Takes a question back that nobody waits for any more, so that its prompt goes away. */
void polkit_cancel(sd_bus *bus, uint32_t id);
/* What polkit's reply means. */
PolkitAnswer polkit_read_answer(sd_bus_message *reply);
