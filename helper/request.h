/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One call on its way through polkit: asked, answered, acted on, replied to. The verbs say what to
 * ask for and what to do; this is what they share. */
#include "helper/methods.h"
#include "helper/polkit.h"

#define ERROR_NAME(name) HELPER_NAME ".Error." name

typedef struct Verb {
	const char *action; /* polkit's name for it */
	const char *denied; /* for the caller, who is also told why and what would help */
	const char *dismissed;
	/* polkit has said yes: does it and replies. 0 or positive: done; -errno: the caller is
	 * told; -EINPROGRESS: it goes on, and the verb calls request_free() when it has replied. */
	int (*act)(Request *request);
	void (*done)(void *work); /* frees the verb's own */
} Verb;

struct Request {
	Request *next;
	Helper *helper;
	sd_bus_message *call;
	sd_bus_slot *question; /* polkit's; dropping it forgets the answer */
	uint32_t id;	       /* of the question */
	sd_bus_track *caller;  /* who vanishes takes the request along */
	uid_t uid;
	const Verb *verb;
	void *work; /* the verb's own */
};

/* The uid behind a call, as the bus vouches for it. 0 or -errno. */
int request_caller_uid(sd_bus_message *call, uid_t *ret);
/* Takes the call to polkit. work is taken over, also on failure. As a method's return value: 1, or
 * -errno; a refusal for want of a free place is replied. */
int request_ask(Helper *helper, sd_bus_message *call, const Verb *verb, void *work,
	const PolkitDetail *details, size_t n_details);
Request *request_free(Request *request);
