/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A survey (and the canary) on a thread of its own: the loop never waits for /proc. */
#include "survey/survey.h"
#include <systemd/sd-event.h>

typedef struct ScanWorker ScanWorker;

typedef struct ScanResult {
	Survey *survey; /* owned by whoever gets the result; NULL: it failed with .error */
	int error;
	bool canary_asked;
	CanaryResult canary;
} ScanResult;

/* done is called on the loop, once a scan. Everything it needs is opened here. 0 or -errno. */
int scan_worker_new(sd_event *event, int proc_fd, void (*done)(ScanResult *result, void *userdata),
	void *userdata, ScanWorker **ret);
/* Waits for a scan under way. NULL is fine. */
ScanWorker *scan_worker_free(ScanWorker *worker);
/* Starts a scan; with_canary: ask the kernel too. -EBUSY: one is under way (done will come). */
int scan_worker_start(ScanWorker *worker, bool with_canary);
