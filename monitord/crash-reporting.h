/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is started for a crash: the reporter that the configuration chooses, the details, the
 * debugger, the program itself once more. Each in a unit of its own (launch.h). */
#include "coredump/reporter.h"
#include "monitord/crash-board.h"
#include "monitord/drkonqi-probe.h"
#include "monitord/monitor.h"

typedef struct CrashReporting {
	Monitor *monitor;
	DrkonqiProbe *probe;
	int cache_fd; /* $XDG_CACHE_HOME; -EBADF: there is none */
	char *cache_path;
} CrashReporting;

/* 0 or -ENOMEM. */
int crash_reporting_init(CrashReporting *reporting, Monitor *monitor);
void crash_reporting_done(CrashReporting *reporting);

/* Whether DrKonqi is to be started for it at once, and will show a notification of its own: so its
 * launcher does for crashes of KDE's programs. */
bool crash_reporting_is_drkonqis(const CrashReporting *reporting, const Crash *crash);
/* Starts the reporter. crash with all that the index has; picked_up: it is of a catch-up. 0;
 * -ENOENT: none for it; -errno. */
int crash_reporting_start(const CrashReporting *reporting, const Crash *crash, bool picked_up);

/* What the buttons of a notification do; failures are logged. */
void crash_reporting_show_details(const CrashReporting *reporting, const CrashPosted *posted);
void crash_reporting_debug(const CrashReporting *reporting, const CrashPosted *posted);
void crash_reporting_restart(const CrashReporting *reporting, const CrashPosted *posted);
/* Whether that can be done for the program. */
bool crash_reporting_can_restart(const CrashApp *app);
