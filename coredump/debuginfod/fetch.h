/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One file after another out of the servers into the cache, within what time and bytes there are
 * for all of them together. The working directory is the cache: nothing here knows its name, so it
 * may be one whose parents this process cannot pass. */
#include "coredump/debuginfod/servers.h"
#include <elfutils/debuginfod.h>
#include <signal.h>

typedef struct FetchBudget {
	uint64_t max_bytes;
	usec_t deadline_monotonic;
	usec_t server_usec; /* without a new byte, and the server counts as failed */
} FetchBudget;

typedef struct Fetcher {
	FetchBudget budget;
	Servers *servers;
	int cache_fd;
	usec_t miss_usec;		  /* how long a miss is believed */
	const volatile sig_atomic_t *end; /* a signal wants it to end */
	void (*tell)(const DebugEvent *event);
	debuginfod_client *client;
	int verbose_fd; /* what libdebuginfod says of a request, for the reason of its failure */
	uint64_t spent_bytes;
	/* of the request that runs */
	size_t index;
	const Server *server;
	uint64_t bytes, total;
	usec_t moved_monotonic, told_monotonic;
	DebugWhy stopped; /* DEBUG_GOT: it was not */
} Fetcher;

/* The fields up to .tell are the caller's; the others are made. 0 or -errno. */
int fetcher_open(Fetcher *fetcher);
void fetcher_done(Fetcher *fetcher);
/* Asks one server after another for the index-th file and tells its end. */
DebugWhy fetcher_get(Fetcher *fetcher, size_t index, const DebugWant *want);
