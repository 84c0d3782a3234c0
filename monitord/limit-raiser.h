/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Passes "raise this limit" on to vigil-helper on the system bus, and knows whether there is one.
 */
#include "survey/limits.h"
#include <systemd/sd-bus.h>

typedef struct LimitRaiser LimitRaiser;

/* bus: borrowed, may be NULL (nothing can be raised then). 0 or -ENOMEM. */
int limit_raiser_new(sd_bus *bus, LimitRaiser **ret);
/* Whoever still waits is told so, with -ECANCELED. NULL is fine. */
LimitRaiser *limit_raiser_free(LimitRaiser *raiser);
/* Asks the bus anew whether the helper can be started. */
void limit_raiser_refresh(LimitRaiser *raiser);
/* Whether a button for it would do anything: helper there, limits ours to raise, not at the cap. */
bool limit_raiser_can(const LimitRaiser *raiser, const InotifyLimits *limits,
	InotifyResource resource, uint64_t used);
/* value 0: the helper's own step (see inotify_limit_request()). done is called once, on the loop,
 * or at once where there is no bus, or from limit_raiser_free(); message is for people. */
void limit_raiser_raise(LimitRaiser *raiser, InotifyResource resource, uint64_t value,
	void (*done)(int error, const char *message, void *userdata), void *userdata);
