/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What Vigil's parts are called on the buses; each interface is described in its part's manual. */
#define HELPER_NAME "org.vigil.Helper1" /* the system bus; also its interface */
#define HELPER_PATH "/org/vigil/Helper1"

#define MONITOR_NAME	  "org.vigil.Monitor1" /* the user's bus; also the daemon's own interface */
#define MONITOR_PATH	  "/org/vigil/Monitor1"
#define INOTIFY_INTERFACE "org.vigil.Inotify1"
#define CRASH_INTERFACE	  "org.vigil.Crash1"
