/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which DrKonqi is installed: looked for once, asked for its version without waiting. */
#include "common/forward.h"
#include <systemd/sd-event.h>

/* A Qt program that never gets to print its version is ended after this. */
#define DRKONQI_PROBE_USEC (10 * USEC_PER_SEC)

typedef struct DrkonqiProbe DrkonqiProbe;

/* path: the program; NULL: reporter_find_drkonqi(). Never fails for want of it: then its path is
 * NULL. SIGCHLD must be blocked (sd_event_add_child(3)). 0 or -errno. */
int drkonqi_probe_new(sd_event *event, const char *path, DrkonqiProbe **ret);
/* Ends a program that is still being asked. Takes NULL, gives NULL. */
DrkonqiProbe *drkonqi_probe_free(DrkonqiProbe *probe);
const char *drkonqi_probe_path(const DrkonqiProbe *probe); /* NULL: not installed */
unsigned drkonqi_probe_major(const DrkonqiProbe *probe);   /* 0: not known (yet) */
bool drkonqi_probe_is_done(const DrkonqiProbe *probe);
