/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitord/launch: what systemd is asked for, what happens where it refuses, and what may be
 * restarted. The other end of a real bus connection plays the user's systemd. */
#include "monitord/launch.h"

#include "common/clock.h"
#include "common/text.h"
#include "common/words.h"
#include "monitord/detach.h"
#include "monitord/drkonqi-probe.h"
#include "tests/unit/test.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

typedef struct Manager {
	sd_event *event;
	sd_bus *client, *server;
	const char *refuse; /* the error that every call gets; NULL: none */
	char *call;	    /* what was asked last, as text */
	char *input;	    /* what its stdin fd gives */
	unsigned n_calls;
} Manager;

static char *read_input(sd_bus_message *call)
{
	char *text = NULL;
	const char *name;
	int fd;

	if (sd_bus_message_skip(call, "ss") < 0 ||
		sd_bus_message_enter_container(call, 'a', "(sv)") <= 0)
		return NULL;
	while (sd_bus_message_enter_container(call, 'r', "sv") > 0) {
		assert_true(sd_bus_message_read(call, "s", &name) > 0);
		if (streq(name, "StandardInputFileDescriptor")) {
			assert_true(sd_bus_message_read(call, "v", "h", &fd) > 0);
			assert_true(read_fd_max(fd, 1024 * 1024, &text) >= 0);
			assert_int_equal(write(fd, "x", 1), -1); /* sealed */
		} else {
			assert_true(sd_bus_message_skip(call, "v") > 0);
		}
		assert_true(sd_bus_message_exit_container(call) > 0);
	}
	return text;
}

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	Manager *manager = userdata;
	uint8_t type;
	size_t size;

	(void)error;
	if (sd_bus_message_get_type(call, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
		return 0;
	manager->n_calls++;
	free(manager->call);
	free(manager->input);
	FILE *out = open_memstream(&manager->call, &size);
	assert_true(sd_bus_message_dump(call, out, SD_BUS_MESSAGE_DUMP_WITH_HEADER) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_true(sd_bus_message_rewind(call, 1) >= 0);
	manager->input = read_input(call);
	if (manager->refuse)
		return sd_bus_reply_method_errorf(call, manager->refuse, "no");
	return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/1");
}

static int manager_setup(void **state)
{
	Manager *manager = calloc(1, sizeof *manager);
	sd_id128_t id;
	int ends[2];

	if (fixture_setup(state) < 0)
		return -1;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	assert_true(sd_id128_randomize(&id) >= 0);
	assert_true(sd_event_new(&manager->event) >= 0);
	assert_true(sd_bus_new(&manager->server) >= 0);
	assert_true(sd_bus_set_fd(manager->server, ends[0], ends[0]) >= 0);
	assert_true(sd_bus_set_server(manager->server, 1, id) >= 0);
	assert_true(sd_bus_start(manager->server) >= 0);
	assert_true(sd_bus_add_filter(manager->server, NULL, on_call, manager) >= 0);
	assert_true(sd_bus_attach_event(manager->server, manager->event, 0) >= 0);
	assert_true(sd_bus_new(&manager->client) >= 0);
	assert_true(sd_bus_set_fd(manager->client, ends[1], ends[1]) >= 0);
	assert_true(sd_bus_start(manager->client) >= 0);
	assert_true(sd_bus_attach_event(manager->client, manager->event, 0) >= 0);
	while (sd_bus_is_ready(manager->client) == 0 || sd_bus_is_ready(manager->server) == 0)
		assert_true(sd_event_run(manager->event, UINT64_MAX) >= 0);
	*state = manager;
	return 0;
}

static int manager_teardown(void **state)
{
	Manager *manager = *state;

	sd_bus_close_unref(manager->client);
	sd_bus_close_unref(manager->server);
	sd_event_unref(manager->event);
	free(manager->call);
	free(manager->input);
	free(manager);
	return fixture_teardown(state);
}

/* Runs the loop until done, 20 s at most. */
static void run_until(
	Manager *manager, bool (*done)(Manager *manager, const void *what), const void *what)
{
	usec_t end = now_usec(CLOCK_MONOTONIC) + 20 * USEC_PER_SEC;

	while (!done(manager, what)) {
		assert_true(now_usec(CLOCK_MONOTONIC) < end);
		assert_true(sd_event_run(manager->event, 20 * USEC_PER_MSEC) >= 0);
	}
}

static bool was_called(Manager *manager, const void *times)
{
	return manager->n_calls >= *(const unsigned *)times;
}

static bool is_there(Manager *manager, const void *path)
{
	(void)manager;
	return access(path, F_OK) == 0;
}

static void assert_asked(const Manager *manager, const char *what)
{
	if (!strstr(manager->call, what))
		fail_msg("'%s' is not in:\n%s", what, manager->call);
}

static void systemd_is_asked_for_a_unit(void **state)
{
	static const char *const argv[] = {"/bin/echo", "two words", "\xff", "a${HOME}", NULL};
	static const char *const environment[] = {"VIGIL_CRASH_ID=1", NULL};
	static const unsigned once = 1;
	static const char *const wanted[] = {"Member=StartTransientUnit",
		"Destination=org.freedesktop.systemd1", "Flags=2 " /* NO_AUTO_START */,
		"STRING \"vigil-reporter-1.service\"", "STRING \"fail\"", "STRING \"CollectMode\"",
		"STRING \"inactive-or-failed\"", "STRING \"KillMode\"", "STRING \"process\"",
		"STRING \"simple\"", "STRING \"VIGIL_CRASH_ID=1\"", "STRING \"two words\"",
		"STRING \"a$${HOME}\"", "STRING \"\xef\xbf\xbd\"", "STRING \"DISPLAY=:77\"",
		"STRING \"Reporter\""};
	Manager *manager = *state;

	assert_int_equal(setenv("DISPLAY", ":77", 1), 0);
	assert_int_equal(launch_program(manager->client, &(Launch){.argv = argv,
								 .environment = environment,
								 .input = "{\"a\": 1}\n",
								 .unit = "vigil-reporter-1.service",
								 .description = "Reporter"}),
		0);
	run_until(manager, was_called, &once);
	for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
		assert_asked(manager, wanted[i]);
	assert_string_equal(manager->input, "{\"a\": 1}\n");
}

/* `sh` here is the program under test's business, not a shell of ours. */
static const char *writer(const char *name, char script[static 2048])
{
	(void)snprintf(script, 2048,
		"{ cat; echo \"$VALUE ${NOTIFY_SOCKET-none}\"; } >'%s'.new && mv '%s'.new '%s'",
		fixture_at(name), fixture_at(name), fixture_at(name));
	return script;
}

static void assert_text(const char *name, const char *wanted)
{
	_cleanup_(closep) int fd = fixture_open();
	_cleanup_(freep) char *text = NULL;

	assert_true(read_file_at(fd, name, 4096, &text) >= 0);
	assert_string_equal(text, wanted);
}

static int start_writer(sd_bus *bus, const char *name)
{
	static const char *const environment[] = {"VALUE=a b", NULL};
	char script[2048];
	const char *const argv[] = {"sh", "-c", writer(name, script), NULL};

	return launch_program(bus, &(Launch){.argv = argv,
					   .environment = environment,
					   .input = "in\n",
					   .unit = "vigil-x.service"});
}

static void without_a_bus_it_is_detached(void **state)
{
	assert_int_equal(setenv("NOTIFY_SOCKET", "/run/x", 1), 0);
	assert_int_equal(start_writer(NULL, "out"), 0);
	run_until(*state, is_there, fixture_at("out"));
	assert_text("out", "in\na b none\n");
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left to wait for */
	assert_int_equal(errno, ECHILD);
}

static void refused_by_systemd_it_is_detached(void **state)
{
	Manager *manager = *state;

	manager->refuse = "org.freedesktop.DBus.Error.ServiceUnknown";
	assert_int_equal(start_writer(manager->client, "out"), 0);
	run_until(manager, is_there, fixture_at("out"));
	assert_int_equal(manager->n_calls, 1);
	assert_text("out", "in\na b none\n");
}

/* A path in the environment must arrive as it is, or what it names is not found. */
static void what_dbus_cannot_carry_is_detached(void **state)
{
	static const char *const environment[] = {"VALUE=/tmp/\xff", NULL};
	Manager *manager = *state;
	char script[2048];
	const char *const argv[] = {"sh", "-c", writer("out", script), NULL};

	assert_int_equal(
		launch_program(manager->client,
			&(Launch){.argv = argv, .environment = environment, .input = "in\n"}),
		0);
	run_until(manager, is_there, fixture_at("out"));
	assert_text("out", "in\n/tmp/\xff none\n");
	assert_int_equal(manager->n_calls, 0);
}

static bool is_idle(Manager *manager, const void *what)
{
	(void)what;
	return manager->n_calls >= 2;
}

static void what_runs_already_is_let_be(void **state)
{
	Manager *manager = *state;

	manager->refuse = "org.freedesktop.systemd1.UnitExists";
	assert_int_equal(start_writer(manager->client, "first"), 0);
	run_until(manager, was_called, &(unsigned){1});
	/* the answer to the first is handled before that to the second is asked for */
	assert_int_equal(start_writer(manager->client, "second"), 0);
	run_until(manager, is_idle, NULL);
	assert_int_equal(access(fixture_at("first"), F_OK), -1);
	assert_int_equal(access(fixture_at("first.new"), F_OK), -1);
}

static void a_bus_that_goes_takes_its_calls_along(void **state)
{
	Manager *manager = *state;

	assert_int_equal(start_writer(manager->client, "out"), 0); /* never answered; no leak */
}

static void what_is_not_there_is_said(void **state)
{
	static const char *const missing[] = {"no-such-program-of-vigil", NULL}, *const none[] = {
											 NULL};
	const char *unrunnable[] = {NULL, NULL};
	Manager *manager = *state;

	assert_int_equal(launch_program(manager->client, &(Launch){.argv = missing}), -ENOENT);
	assert_int_equal(launch_program(NULL, &(Launch){.argv = none}), -EINVAL);
	fixture_file("script", "no interpreter");
	assert_int_equal(chmod(fixture_at("script"), 0755), 0);
	unrunnable[0] = fixture_at("script");
	assert_int_equal(launch_program(NULL, &(Launch){.argv = unrunnable}), -ENOEXEC);
	assert_int_equal(manager->n_calls, 0);
}

static void a_terminal_goes_around_what_writes(void **state)
{
	static const char *const argv[] = {"vigil", "crash", "report", "1", NULL};
	_cleanup_(freep) char *path = strdup(getenv("PATH"));
	Manager *manager = *state;

	assert_int_equal(setenv("PATH", fixture_path, 1), 0);
	assert_int_equal(launch_program(manager->client, &(Launch){.argv = argv, .terminal = true}),
		-ENOENT);
	fixture_file("xterm", "");
	assert_int_equal(chmod(fixture_at("xterm"), 0755), 0);
	assert_int_equal(
		launch_program(manager->client, &(Launch){.argv = argv, .terminal = true}), 0);
	assert_int_equal(setenv("PATH", path, 1), 0);
	run_until(manager, was_called, &(unsigned){1});
	assert_asked(manager, fixture_at("xterm"));
	assert_asked(manager, "STRING \"-e\"");
	assert_asked(manager, "STRING \"report\"");
}

/* Where systemd started us, systemd-run(1) gets what is to be shown. */
static void the_show_button_outlives_us(void **state)
{
	char *const command[] = {(char *)"/bin/echo", (char *)"a b", NULL};
	_cleanup_(freep) char *path = strdup(getenv("PATH"));
	char script[2048];

	(void)snprintf(script, sizeof script,
		"#!/bin/sh\nprintf '%%s\\n' \"$@\" >'%s/new'\n/bin/mv '%s/new' '%s/shown'\n",
		fixture_path, fixture_path, fixture_path);
	fixture_file("systemd-run", script);
	assert_int_equal(chmod(fixture_at("systemd-run"), 0755), 0);
	assert_int_equal(setenv("INVOCATION_ID", "1", 1), 0);
	assert_int_equal(setenv("PATH", fixture_path, 1), 0);
	launch_show(command);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_int_equal(unsetenv("INVOCATION_ID"), 0);
	run_until(*state, is_there, fixture_at("shown"));
	assert_text("shown", "--user\n--quiet\n--collect\n--\n/bin/echo\na b\n");
}

/* ---- restarts -------------------------------------------------------------------------------- */

static char *plan(const char *unit, const char *app, const LaunchPlaces *places)
{
	LaunchRestart restart;
	char *text = NULL;
	bool can = launch_restart_plan(unit, app, places, &restart);

	assert_int_equal(can, restart.unit || restart.argv);
	assert_true(
		asprintf(&text, "%s|%s|%s", restart.unit ? restart.unit : "-",
			restart.argv ? strrchr(restart.argv[0], '/') + 1 : "-",
			restart.argv
				? restart.argv[words_count((const char *const *)restart.argv) - 1]
				: "-") > 0);
	launch_restart_done(&restart);
	return text;
}

static void only_what_can_be_started_again_is_offered(void **state)
{
	static const struct {
		const char *unit, *app, *wanted;
	} rows[] = {
		{"foo.service", NULL, "foo.service|-|-"},
		{"foo@1.service", NULL, "foo@1.service|-|-"},
		{"foo@.service", NULL, "-|-|-"},
		{"foo.scope", NULL, "-|-|-"},
		{"session-2.scope", NULL, "-|-|-"},
		{"run-u12.service", NULL, "-|-|-"},
		{"dbus-:1.2-org.x@0.service", NULL, "-|-|-"},
		{"vigil-monitord.service", NULL, "-|-|-"},
		{"foo bar.service", NULL, "-|-|-"},
		{"../x.service", NULL, "-|-|-"},
		{"app-org.x.Here@autostart.service", NULL,
			"app-org.x.Here@autostart.service|gtk-launch|org.x.Here"},
		{"app-org.x.Here@12.service", NULL, "-|gtk-launch|org.x.Here"},
		{"app-gnome-org.x.Here-12.scope", NULL, "-|gtk-launch|org.x.Here"},
		{NULL, "org.x.Here", "-|gtk-launch|org.x.Here"},
		{NULL, "org.x.Gone", "-|-|-"},
		{NULL, "org.x.Uninstalled", "-|-|-"},
		{NULL, "../org.x.Here", "-|-|-"},
		{NULL, NULL, "-|-|-"},
	};
	const char *const folders[] = {fixture_path, NULL};
	const LaunchPlaces places = {.search_path = fixture_path, .applications = folders};

	(void)state;
	fixture_file("run-me", "");
	fixture_file("gtk-launch", "");
	assert_int_equal(chmod(fixture_at("run-me"), 0755), 0);
	assert_int_equal(chmod(fixture_at("gtk-launch"), 0755), 0);
	fixture_file("org.x.Here.desktop",
		"[Desktop Entry]\nType=Application\nName=Here\nExec=run-me\n");
	fixture_file("org.x.Uninstalled.desktop",
		"[Desktop Entry]\nType=Application\nName=U\nExec=no-such\n");
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *text = plan(rows[i].unit, rows[i].app, &places);
		assert_string_equal(text, rows[i].wanted);
	}
	/* gio(1) wants the file */
	fixture_file("gio", "");
	assert_int_equal(chmod(fixture_at("gio"), 0755), 0);
	_cleanup_(freep) char *text = plan(NULL, "org.x.Here", &places), *wanted = NULL;
	assert_true(asprintf(&wanted, "-|gio|%s/org.x.Here.desktop", fixture_path) > 0);
	assert_string_equal(text, wanted);
}

static void a_unit_is_restarted_by_systemd(void **state)
{
	Manager *manager = *state;

	assert_int_equal(launch_restart(manager->client, "foo.service", NULL), 0);
	run_until(manager, was_called, &(unsigned){1});
	assert_asked(manager, "Member=RestartUnit");
	assert_asked(manager, "STRING \"foo.service\"");
	assert_asked(manager, "STRING \"replace\"");
	assert_int_equal(launch_restart(manager->client, "foo.scope", NULL), -ENOENT);
	assert_int_equal(launch_restart(NULL, "foo.service", NULL), -ENOENT);
}

/* ---- detach.h -------------------------------------------------------------------------------- */

static void programs_are_looked_for_in_folders_alone(void **state)
{
	(void)state;
	fixture_file("bin/tool", "");
	assert_int_equal(chmod(fixture_at("bin/tool"), 0755), 0);
	fixture_file("plain", "");
	_cleanup_(freep) char *folders = NULL;
	assert_true(asprintf(&folders, "relative::%s:%s/bin", fixture_path, fixture_path) > 0);
	_cleanup_(freep) char *path = detach_find_program("tool", folders);
	assert_string_equal(path, fixture_at("bin/tool"));
	assert_null(detach_find_program("plain", folders));
	assert_null(detach_find_program("tool", ""));
	/* a link is not followed: its name may be what matters */
	fixture_link("bin/link", "tool");
	_cleanup_(freep) char *link = detach_find_program(fixture_at("bin/link"), NULL);
	assert_string_equal(link, fixture_at("bin/link"));
	/* what lies beside us is found without PATH */
	_cleanup_(freep) char *own = detach_find_program("test-launch", "");
	assert_non_null(own);
}

/* ---- drkonqi-probe.h ------------------------------------------------------------------------- */

static bool is_asked(Manager *manager, const void *probe)
{
	(void)manager;
	return drkonqi_probe_is_done(probe);
}

static unsigned probed(Manager *manager, const char *script)
{
	DrkonqiProbe *probe = NULL;

	fixture_file("drkonqi", script);
	assert_int_equal(chmod(fixture_at("drkonqi"), 0755), 0);
	_cleanup_(freep) char *path = strdup(fixture_at("drkonqi"));
	assert_int_equal(drkonqi_probe_new(manager->event, path, &probe), 0);
	assert_string_equal(drkonqi_probe_path(probe), path);
	run_until(manager, is_asked, probe);
	unsigned major = drkonqi_probe_major(probe);
	drkonqi_probe_free(probe);
	return major;
}

static void its_version_is_asked_for(void **state)
{
	static const struct {
		const char *script;
		unsigned major;
	} rows[] = {
		{"#!/bin/sh\n[ \"$*\" = --version ] && echo drkonqi 5.27.5\n", 5},
		{"#!/bin/sh\n[ $QT_QPA_PLATFORM$KDE_DEBUG = offscreen1 ] && echo drkonqi 6.3.4\n",
			6},
		{"#!/bin/sh\necho drkonqi 6.3.4; exit 1\n", 0},
		{"#!/bin/sh\nkill -SEGV $$\n", 0},
		{"not a program", 0},
	};
	Manager *manager = *state;
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	assert_int_equal(sigprocmask(SIG_BLOCK, &child, NULL), 0);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(probed(manager, rows[i].script), rows[i].major);
	DrkonqiProbe *probe = NULL;
	fixture_file("drkonqi", "#!/bin/sh\nexec sleep 1000\n");
	assert_int_equal(drkonqi_probe_new(manager->event, fixture_at("drkonqi"), &probe), 0);
	assert_false(drkonqi_probe_is_done(probe));
	assert_null(drkonqi_probe_free(probe)); /* does not wait for it */
}

#define WITH_MANAGER(f) cmocka_unit_test_setup_teardown(f, manager_setup, manager_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MANAGER(systemd_is_asked_for_a_unit),
		WITH_MANAGER(without_a_bus_it_is_detached),
		WITH_MANAGER(refused_by_systemd_it_is_detached),
		WITH_MANAGER(what_dbus_cannot_carry_is_detached),
		WITH_MANAGER(what_runs_already_is_let_be),
		WITH_MANAGER(a_bus_that_goes_takes_its_calls_along),
		WITH_MANAGER(what_is_not_there_is_said),
		WITH_MANAGER(a_terminal_goes_around_what_writes),
		WITH_MANAGER(the_show_button_outlives_us),
		WITH_MANAGER(only_what_can_be_started_again_is_offered),
		WITH_MANAGER(a_unit_is_restarted_by_systemd),
		WITH_MANAGER(programs_are_looked_for_in_folders_alone),
		WITH_MANAGER(its_version_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
