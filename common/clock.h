/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"
#include <time.h>

/* Microseconds on the given clock (clock_gettime(2)). Pure code takes the result as a parameter
 * instead. */
static inline usec_t now_usec(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}
