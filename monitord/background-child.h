/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A child process for work that nobody waits for: it gets what processor and disk have left over
 * (nice 19, SCHED_BATCH, idle I/O), is the first to go when memory is out, ends with us, and is
 * killed after a span with all that it started. Never waits but for what was killed. */
#include "common/forward.h"
#include <systemd/sd-event.h>

#define BACKGROUND_CHILD_SAID_MAX 512

typedef enum BackgroundEnd {
	BACKGROUND_EXITED,  /* .status: of its exit; 127: it could not be run */
	BACKGROUND_CRASHED, /* .status: the signal */
	BACKGROUND_LATE,    /* killed, for its time was over */
} BackgroundEnd;

typedef struct BackgroundResult {
	BackgroundEnd end;
	int status;
	char said[BACKGROUND_CHILD_SAID_MAX]; /* its stderr, the beginning; raw */
} BackgroundResult;

typedef struct BackgroundChild BackgroundChild;

typedef struct BackgroundRun { /* borrowed for the call alone */
	const char *path;
	char *const *argv;
	char *const *environment; /* whole */
	usec_t limit_usec;
} BackgroundRun;

/* stdin and stdout are /dev/null. ended is called once on the loop, and may free the child. SIGCHLD
 * must be blocked in all threads (sd_event_add_child(3)). 0 or -errno. */
int background_child_start(sd_event *event, const BackgroundRun *run,
	void (*ended)(const BackgroundResult *result, void *userdata), void *userdata,
	BackgroundChild **ret);
/* Kills it, and all of its process group, if it runs. NULL is fine. */
BackgroundChild *background_child_free(BackgroundChild *child);
pid_t background_child_pid(const BackgroundChild *child); /* 0: it is over */
