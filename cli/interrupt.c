/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>

static volatile sig_atomic_t caught;

static void remember(int signal)
{
	caught = signal;
}

void interrupt_catch(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction action = {.sa_handler = remember};

	for (size_t i = 0; i < ELEMENTSOF(signals); i++)
		(void)sigaction(signals[i], &action, NULL);
}

int interrupt_caught(void)
{
	return caught;
}

int interrupt_go_on(uint64_t done_bytes, void *userdata)
{
	(void)done_bytes;
	(void)userdata;
	return caught ? -EINTR : 0;
}
