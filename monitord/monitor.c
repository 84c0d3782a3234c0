/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: event loop, buses, signals. Whatever happens to a bus, the loop and the modules go
 * on; the session bus is tried again with growing pauses. */
#include "monitord/monitor.h"

#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/log.h"
#include "common/text.h"
#include "monitord/modules.h"
#include "monitord/monitor-bus.h"
#include <signal.h>
#include <stdarg.h>
#include <systemd/sd-daemon.h>

#define RECONNECT_FIRST_USEC USEC_PER_SEC
#define RECONNECT_MAX_USEC   (60 * USEC_PER_SEC)
#define NOTIFICATIONS	     "org.freedesktop.Notifications"

struct Monitor {
	const MonitorOptions *options;
	sd_event *event;
	sd_bus *session, *system;
	sd_event_source *reconnect;
	usec_t reconnect_usec;
	bool had_name; /* once ours, a taken name is another daemon's doing, not a reason to quit */
	Notifier *notifier;
	MonitorConfig config;
	ModuleRegistry registry;
	int status;
};

sd_event *monitor_event(const Monitor *monitor)
{
	return monitor->event;
}

sd_bus *monitor_session_bus(const Monitor *monitor)
{
	return monitor->session;
}

sd_bus *monitor_system_bus(const Monitor *monitor)
{
	return monitor->system;
}

Notifier *monitor_notifier(const Monitor *monitor)
{
	return monitor->notifier;
}

const MonitorConfig *monitor_config(const Monitor *monitor)
{
	return &monitor->config;
}

int monitor_proc_fd(const Monitor *monitor)
{
	return monitor->options->proc_fd;
}

const MonitorOptions *monitor_options(const Monitor *monitor)
{
	return monitor->options;
}

void monitor_tell(const Monitor *monitor, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL, *safe = NULL;
	va_list ap;

	if (!monitor->options->verbose)
		return;
	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	safe = text ? escaped_terminal(text) : NULL;
	(void)printf("%s\n", safe ? safe : "?");
	(void)fflush(stdout);
}

void monitor_emit(
	const Monitor *monitor, const char *interface, const char *member, const char *types, ...)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
	va_list ap;
	int r;

	if (!monitor->session || sd_bus_message_new_signal(monitor->session, &signal, MONITOR_PATH,
					 interface, member) < 0)
		return;
	va_start(ap, types);
	r = sd_bus_message_appendv(signal, types, ap);
	va_end(ap);
	if (r >= 0)
		r = sd_bus_send(monitor->session, signal, NULL);
	if (r < 0)
		(void)log_debug_errno(r, "Signal %s was not sent: %m", member);
}

void monitor_emit_changed(const Monitor *monitor, const char *interface, const char *property)
{
	if (monitor->session)
		(void)sd_bus_emit_properties_changed(
			monitor->session, MONITOR_PATH, interface, property, NULL);
}

/* ---- the session bus ------------------------------------------------------------------------- */

static int connect_session(Monitor *monitor);

static int on_reconnect(sd_event_source *source, uint64_t usec, void *userdata)
{
	Monitor *monitor = userdata;

	(void)source;
	(void)usec;
	monitor->reconnect = sd_event_source_disable_unref(monitor->reconnect);
	(void)connect_session(monitor);
	return 0;
}

static void reconnect_later(Monitor *monitor)
{
	if (monitor->reconnect)
		return;
	(void)sd_event_add_time_relative(monitor->event, &monitor->reconnect, CLOCK_MONOTONIC,
		monitor->reconnect_usec, USEC_PER_SEC, on_reconnect, monitor);
	monitor->reconnect_usec = MIN_OF(monitor->reconnect_usec * 2, RECONNECT_MAX_USEC);
}

static void drop_session(Monitor *monitor)
{
	modules_attach_bus(&monitor->registry, NULL);
	monitor->session = sd_bus_close_unref(monitor->session);
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	Monitor *monitor = userdata;

	(void)message;
	(void)error;
	log_notice("The session bus is gone; trying again from now on");
	notifier_forget_server(monitor->notifier);
	drop_session(monitor);
	reconnect_later(monitor);
	return 0;
}

static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	Monitor *monitor = userdata;
	uint32_t answer = 0;

	(void)error;
	if (!sd_bus_message_is_method_error(reply, NULL))
		(void)sd_bus_message_read(reply, "u", &answer);
	if (answer == 1 || answer == 4) { /* primary owner, already owner */
		/* At the first attempt the modules have just begun to look by themselves. */
		bool again = monitor->had_name || monitor->reconnect_usec != RECONNECT_FIRST_USEC;
		monitor->had_name = true;
		monitor->reconnect_usec = RECONNECT_FIRST_USEC;
		modules_attach_bus(&monitor->registry, monitor->session);
		if (again)
			modules_refresh(&monitor->registry);
		return 0;
	}
	log_error(
		"Another vigil-monitord already watches over this session; this one ends. 'vigil status' asks the other.");
	monitor->status = 1;
	return sd_event_exit(monitor->event, 1);
}

/* A notification server came, or another one took over: say again what still holds. */
static int on_server_changed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	Monitor *monitor = userdata;
	const char *name, *old, *new;

	(void)error;
	if (sd_bus_message_read(message, "sss", &name, &old, &new) < 0 ||
		!streq(name, NOTIFICATIONS) || !*new)
		return 0;
	log_debug("A notification server appeared");
	notifier_forget_server(monitor->notifier);
	modules_refresh(&monitor->registry);
	return 0;
}

static int set_up_session(Monitor *monitor, sd_bus *bus)
{
	int r;

	r = sd_bus_attach_event(bus, monitor->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = monitor_bus_export(bus, &monitor->registry);
	if (r >= 0)
		r = sd_bus_match_signal_async(bus, NULL, NULL, "/org/freedesktop/DBus/Local",
			"org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL,
			monitor);
	if (r >= 0)
		r = sd_bus_add_match_async(bus, NULL,
			"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" NOTIFICATIONS
			"'",
			on_server_changed, NULL, monitor);
	/* Not queued: a second daemon is told at once. */
	if (r >= 0)
		r = sd_bus_request_name_async(bus, NULL, MONITOR_NAME, 0, on_name, monitor);
	return r;
}

static int connect_session(Monitor *monitor)
{
	_cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
	int r;

	r = sd_bus_open_user_with_description(&bus, "vigil-session");
	if (r >= 0)
		r = set_up_session(monitor, bus);
	if (r < 0) {
		(void)log_debug_errno(r, "No session bus yet: %m");
		reconnect_later(monitor);
		return r;
	}
	monitor->session = TAKE_PTR(bus);
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	Monitor *monitor = userdata;
	usec_t now = 0;

	(void)source;
	(void)info;
	(void)sd_event_now(monitor->event, CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now);
	config_done(&monitor->config);
	config_load(&monitor->config, monitor->options->config_dirs);
	modules_refresh(&monitor->registry);
	(void)sd_notify(false, "READY=1");
	log_info("The configuration was read again");
	return 0;
}

static int set_up_loop(Monitor *monitor)
{
	sigset_t signals;
	int r;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	r = sd_event_default(&monitor->event);
	if (r >= 0)
		r = sd_event_add_signal(monitor->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(monitor->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(monitor->event, NULL, SIGHUP, on_hangup, monitor);
	if (r >= 0)
		r = sd_event_set_watchdog(monitor->event, true);
	if (r >= 0)
		r = notifier_new(monitor->event, &monitor->notifier);
	return r;
}

static int start(Monitor *monitor)
{
	int r;

	config_load(&monitor->config, monitor->options->config_dirs);
	r = set_up_loop(monitor);
	if (r >= 0)
		r = modules_init(&monitor->registry, monitor, all_modules, n_all_modules);
	if (r < 0)
		return log_error_errno(r, "Cannot start: %m");
	/* Optional: without it there is nobody to raise a limit, and no button for it. */
	if (sd_bus_open_system_with_description(&monitor->system, "vigil-system") >= 0)
		(void)sd_bus_attach_event(
			monitor->system, monitor->event, SD_EVENT_PRIORITY_NORMAL);
	if (connect_session(monitor) < 0)
		log_notice("There is no session bus: warnings go to the log until one appears");
	modules_load_wanted(&monitor->registry, monitor->config.modules);
	(void)sd_notify(false, "READY=1");
	return 0;
}

int monitor_run(const MonitorOptions *options)
{
	Monitor monitor = {.options = options, .reconnect_usec = RECONNECT_FIRST_USEC};
	int r;

	r = start(&monitor);
	if (r >= 0)
		r = sd_event_loop(monitor.event);
	(void)sd_notify(false, "STOPPING=1");
	modules_done(&monitor.registry);
	monitor.notifier = notifier_free(monitor.notifier);
	sd_event_source_disable_unref(monitor.reconnect);
	sd_bus_flush_close_unref(monitor.session);
	sd_bus_flush_close_unref(monitor.system);
	sd_event_unref(monitor.event);
	config_done(&monitor.config);
	return r < 0 ? 1 : monitor.status;
}
