/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does for one crash what the daemon does when a person asks for a report: finds and removes its
 * KCrash metadata, asks DrKonqi for its version, chooses, starts. Prints "started KIND MAJOR" (or
 * "none") and stays until its stdin ends.
 * usage: reporter-start auto|drkonqi|builtin|command CACHE DRKONQI EXE BOOT PID CORE [WORD …]
 * DRKONQI: "-" for none. With a session bus in the environment, systemd is asked there. */
#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/kcrash.h"
#include "coredump/reporter.h"
#include "monitord/drkonqi-probe.h"
#include "monitord/launch.h"
#include <fcntl.h>
#include <signal.h>

#define WHEN ((usec_t)1700000000000000)

static const char *const choices[] = {"auto", "drkonqi", "builtin", "command"};

static int on_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	char byte;

	(void)events;
	(void)userdata;
	if (read(fd, &byte, 1) <= 0)
		return sd_event_exit(sd_event_source_get_event(source), 0);
	return 0;
}

static int fill(Crash *crash, char **argv, int cache_fd)
{
	_cleanup_(freep) char *name = NULL;
	uint64_t pid;
	int r;

	if (parse_u64(argv[6], INT32_MAX, &pid) < 0)
		return -EINVAL;
	crash->exe = strdup(argv[4]);
	(void)snprintf(crash->boot_id, sizeof crash->boot_id, "%s", argv[5]);
	crash->pid = (pid_t)pid;
	crash->core_file = strdup(argv[7]);
	crash->signal = SIGSEGV;
	crash->uid = geteuid();
	crash->when_realtime = WHEN;
	r = crash_identify(crash, 0);
	if (r >= 0)
		r = kcrash_find(cache_fd, crash, &name);
	return r > 0 ? kcrash_remove(cache_fd, name) : r;
}

static int start(sd_bus *bus, const ReporterSetup *setup, const Crash *crash)
{
	Reporter reporter = {};
	int r;

	r = reporter_choose(setup, crash, &reporter);
	if (r >= 0)
		r = launch_program(
			bus, &(Launch){.argv = (const char *const *)reporter.argv,
				     .environment = (const char *const *)reporter.environment,
				     .input = reporter.input,
				     .unit = "vigil-reporter-test.service",
				     .terminal = reporter.terminal});
	if (r >= 0)
		printf("started %s %u\n", choices[reporter.kind], setup->drkonqi_major);
	else
		printf("none %s\n", strerror(-r));
	(void)fflush(stdout);
	reporter_done(&reporter);
	return r;
}

static int run(ReporterSetup *setup, char **argv, sd_event *event, sd_bus *bus)
{
	DrkonqiProbe *probe = NULL;
	Crash crash = CRASH_INIT;
	int r;

	r = fill(&crash, argv, setup->cache_fd);
	if (r >= 0 && !streq(argv[3], "-"))
		r = drkonqi_probe_new(event, argv[3], &probe);
	while (r >= 0 && probe && !drkonqi_probe_is_done(probe))
		r = sd_event_run(event, UINT64_MAX);
	if (r >= 0 && probe) {
		setup->drkonqi = drkonqi_probe_path(probe);
		setup->drkonqi_major = drkonqi_probe_major(probe);
	}
	if (r >= 0)
		(void)start(bus, setup, &crash);
	if (r >= 0)
		r = sd_event_loop(event);
	drkonqi_probe_free(probe);
	crash_done(&crash);
	return r;
}

int main(int argc, char **argv)
{
	ReporterSetup setup = {.kde_debug = getenv("KDE_DEBUG") != NULL};
	sd_event *event = NULL;
	sd_bus *bus = NULL;
	sigset_t child;
	int r;

	if (argc < 8)
		return 2;
	log_setup("reporter-start", LOG_DEBUG);
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	for (size_t i = 0; i < ELEMENTSOF(choices); i++)
		if (streq(argv[1], choices[i]))
			setup.choice = (ReporterChoice)i;
	setup.command = (const char *const *)argv + 8;
	setup.cache_path = argv[2];
	setup.cache_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = setup.cache_fd < 0 ? -errno : sd_event_new(&event);
	if (r >= 0 && getenv("DBUS_SESSION_BUS_ADDRESS"))
		r = sd_bus_open_user(&bus);
	if (r >= 0 && bus)
		r = sd_bus_attach_event(bus, event, 0);
	if (r >= 0)
		r = sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_end, NULL);
	if (r >= 0)
		r = run(&setup, argv, event, bus);
	sd_bus_flush_close_unref(bus);
	sd_event_unref(event);
	(void)safe_close(setup.cache_fd);
	if (r < 0)
		(void)log_error_errno(r, "Cannot start a reporter: %m");
	return r < 0;
}
