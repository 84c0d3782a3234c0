/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a button, or a crash that is DrKonqi's, to a program. */
#include "monitord/crash-reporting.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/drkonqi.h"
#include "monitord/launch.h"
#include <fcntl.h>

static char *cache_home(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *path;

	if (cache && cache[0] == '/')
		return strdup(cache);
	return home && home[0] == '/' && asprintf(&path, "%s/.cache", home) >= 0 ? path : NULL;
}

int crash_reporting_init(CrashReporting *reporting, Monitor *monitor)
{
	*reporting = (CrashReporting){.monitor = monitor, .cache_fd = -EBADF};
	reporting->cache_path = cache_home();
	if (reporting->cache_path) {
		(void)make_directories(reporting->cache_path);
		reporting->cache_fd =
			open(reporting->cache_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return drkonqi_probe_new(monitor_event(monitor), NULL, &reporting->probe);
}

void crash_reporting_done(CrashReporting *reporting)
{
	reporting->probe = drkonqi_probe_free(reporting->probe);
	reporting->cache_fd = safe_close(reporting->cache_fd);
	free(reporting->cache_path);
	*reporting = (CrashReporting){.cache_fd = -EBADF};
}

/* ---- the reporter ---------------------------------------------------------------------------- */

static ReporterChoice choice_of(const MonitorConfig *config)
{
	const char *first = config->crash_reporter ? config->crash_reporter[0] : NULL;

	if (!first || streq(first, "auto"))
		return REPORTER_AUTO;
	if (streq(first, "drkonqi"))
		return REPORTER_DRKONQI;
	return streq(first, "builtin") ? REPORTER_BUILTIN : REPORTER_COMMAND;
}

static ReporterSetup setup_of(const CrashReporting *reporting, bool picked_up)
{
	const MonitorConfig *config = monitor_config(reporting->monitor);

	return (ReporterSetup){
		.choice = choice_of(config),
		.command = (const char *const *)config->crash_reporter,
		.drkonqi = drkonqi_probe_path(reporting->probe),
		.drkonqi_major = drkonqi_probe_major(reporting->probe),
		.cache_fd = reporting->cache_fd,
		.cache_path = reporting->cache_path,
		.kde_debug = getenv("KDE_DEBUG") != NULL,
		.picked_up = picked_up,
	};
}

bool crash_reporting_is_drkonqis(const CrashReporting *reporting, const Crash *crash)
{
	const ReporterSetup setup = setup_of(reporting, false);

	return (setup.choice == REPORTER_AUTO || setup.choice == REPORTER_DRKONQI) &&
	       reporting->cache_fd >= 0 && drkonqi_takes(&setup, crash);
}

int crash_reporting_start(const CrashReporting *reporting, const Crash *crash, bool picked_up)
{
	const ReporterSetup setup = setup_of(reporting, picked_up);
	Reporter reporter = {};
	char unit[64];
	int r;

	r = reporter_choose(&setup, crash, &reporter);
	if (r < 0)
		return r;
	(void)snprintf(
		unit, sizeof unit, "vigil-reporter-%.*s.service", CRASH_ID_DIGITS, crash->hash);
	const Launch launch = {
		.argv = (const char *const *)reporter.argv,
		.environment = (const char *const *)reporter.environment,
		.input = reporter.input,
		.unit = unit,
		.description = "Crash reporter",
		.terminal = reporter.terminal,
	};
	r = launch_program(monitor_session_bus(reporting->monitor), &launch);
	if (r < 0)
		(void)log_warning_errno(r,
			"The crash reporter '%s' of crash %.*s could not be started (CrashReporter= of vigil.conf): %m",
			reporter.argv[0], CRASH_ID_DIGITS, crash->hash);
	reporter_done(&reporter);
	return r;
}

/* ---- buttons --------------------------------------------------------------------------------- */

/* `vigil …` in a terminal. */
static void show(const CrashReporting *reporting, const char *const *argv, const char *unit)
{
	const Launch launch = {
		.argv = argv, .unit = unit, .description = "Crash details", .terminal = true};
	int r = launch_program(monitor_session_bus(reporting->monitor), &launch);

	if (r == -ENOENT)
		log_warning("No terminal could be started to show '%s %s %s'", argv[0], argv[1],
			argv[2]);
	else if (r < 0)
		(void)log_warning_errno(r, "Cannot show '%s %s %s': %m", argv[0], argv[1], argv[2]);
}

static void show_crash(
	const CrashReporting *reporting, const CrashPosted *posted, const char *command)
{
	char id[CRASH_ID_DIGITS + 1], unit[64];

	(void)snprintf(id, sizeof id, "%.*s", CRASH_ID_DIGITS, posted->hash);
	(void)snprintf(unit, sizeof unit, "vigil-%s-%s.service", command, id);
	show(reporting, (const char *const[]){"vigil", "--wait", "crash", command, id, NULL}, unit);
}

void crash_reporting_show_details(const CrashReporting *reporting, const CrashPosted *posted)
{
	char since[48];

	if (posted->topic == CRASH_TOPIC_PROGRAM) {
		show_crash(reporting, posted, "info");
		return;
	}
	(void)snprintf(since, sizeof since, "--since=@%llu",
		(unsigned long long)(posted->since_realtime / USEC_PER_SEC));
	if (posted->topic == CRASH_TOPIC_DIGEST)
		show(reporting,
			(const char *const[]){"vigil", "--wait", "crash", "list", since, NULL},
			"vigil-list.service");
	else
		show(reporting,
			(const char *const[]){"vigil", "--wait", "crash", "groups", since, NULL},
			"vigil-groups.service");
}

void crash_reporting_debug(const CrashReporting *reporting, const CrashPosted *posted)
{
	show_crash(reporting, posted, "debug");
}

/* The unit of an application, or of a terminal, that the program only ran in is not it. */
static const char *unit_of(const CrashApp *app)
{
	return app->app_id || app->service ? app->unit : NULL;
}

bool crash_reporting_can_restart(const CrashApp *app)
{
	LaunchRestart restart = {};

	if (app->part || !unit_of(app))
		return false;
	bool can = launch_restart_plan(unit_of(app), app->app_id, NULL, &restart);
	launch_restart_done(&restart);
	return can;
}

void crash_reporting_restart(const CrashReporting *reporting, const CrashPosted *posted)
{
	const CrashApp *app = &posted->app;
	int r = launch_restart(monitor_session_bus(reporting->monitor), unit_of(app), app->app_id);

	if (r < 0)
		(void)log_warning_errno(r, "'%s' could not be started again: %m", app->name);
}
