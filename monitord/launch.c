/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a program for the person: by the user's systemd, or detached from us. */
#include "monitord/launch.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include "common/words.h"
#include "monitord/detach.h"
#include "monitord/transient-unit.h"

/* A session that started without telling systemd its display still shows what we start. */
static const char *const session_variables[] = {"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
	"XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "DBUS_SESSION_BUS_ADDRESS"};

/* Each closes with what it runs: --wait is for that. */
/* clang-format off */
static const char *const terminals[][4] = {
	{"xdg-terminal-exec"}, {"x-terminal-emulator", "-e"}, {"konsole", "-e"}, {"xterm", "-e"},
};
/* clang-format on */

/* What is being started; owned by the call under way. */
typedef struct Job {
	char *path, **argv, **environment, *unit, *description;
	int input_fd;
	bool forks;
} Job;

static Job *job_free(Job *job)
{
	if (!job)
		return NULL;
	free(job->path);
	words_free(job->argv);
	words_free(job->environment);
	free(job->unit);
	free(job->description);
	(void)safe_close(job->input_fd);
	free(job);
	return NULL;
}
DEFINE_CLEANUP(Job *, job_free)

/* argv behind the words of the first terminal that is there. */
static int in_terminal(const char *const *argv, char ***ret)
{
	for (size_t i = 0; i < ELEMENTSOF(terminals); i++) {
		_cleanup_(freep) char *path = detach_find_program(terminals[i][0], NULL);
		size_t n = words_count(terminals[i]), n_argv = words_count(argv);
		if (!path)
			continue;
		_cleanup_(freep) const char **all = calloc(n + n_argv + 1, sizeof *all);
		if (!all)
			return -ENOMEM;
		memcpy(all, terminals[i], n * sizeof *all);
		memcpy(all + n, argv, n_argv * sizeof *all);
		*ret = words_copy(all);
		return *ret ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static int take_words(Job *job, const Launch *launch)
{
	static const char *const nothing[] = {NULL};
	int r = 0;

	if (!launch->argv || !launch->argv[0])
		return -EINVAL;
	if (launch->terminal)
		r = in_terminal(launch->argv, &job->argv);
	else
		job->argv = words_copy(launch->argv);
	if (r < 0)
		return r;
	job->environment = words_copy(launch->environment ? launch->environment : nothing);
	job->unit = strdup(launch->unit ? launch->unit : "vigil-program.service");
	job->description = strdup(launch->description ? launch->description : "Started by Vigil");
	if (!job->argv || !job->environment || !job->unit || !job->description)
		return -ENOMEM;
	job->path = detach_find_program(job->argv[0], NULL);
	return job->path ? 0 : -ENOENT;
}

static int job_new(const Launch *launch, Job **ret)
{
	_cleanup_(job_freep) Job *job = calloc(1, sizeof *job);
	int r;

	if (!job)
		return -ENOMEM;
	job->input_fd = -EBADF;
	job->forks = launch->forks;
	r = take_words(job, launch);
	if (r < 0)
		return r;
	if (launch->input) {
		job->input_fd = detach_text_fd(launch->input);
		if (job->input_fd < 0)
			return job->input_fd;
	}
	*ret = TAKE_PTR(job);
	return 0;
}

static int run_detached(const Job *job)
{
	char **environment = detach_environment((const char *const *)job->environment);
	int r;

	/* Whoever had it before us may have read in it: the position is shared. */
	if (job->input_fd >= 0)
		(void)lseek(job->input_fd, 0, SEEK_SET);
	r = environment ? detach_run(job->path, job->argv, environment, job->input_fd) : -ENOMEM;

	words_free(environment);
	return r;
}

/* ---- by systemd ------------------------------------------------------------------------------ */

static int on_started(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const sd_bus_error *failed = sd_bus_message_get_error(reply);
	const Job *job = userdata;
	int r;

	(void)error;
	if (!failed)
		return 0;
	if (sd_bus_error_has_name(failed, "org.freedesktop.systemd1.UnitExists")) {
		log_info("'%s' runs already.", job->unit);
		return 0;
	}
	log_debug("systemd does not start '%s' (%s); starting it detached.", job->unit,
		failed->message);
	r = run_detached(job);
	if (r < 0)
		(void)log_warning_errno(r, "Cannot start '%s': %m", job->path);
	return 0;
}

static void on_gone(void *userdata)
{
	job_free(userdata);
}

/* The session's variables, then what is to be added, which wins. */
static char **unit_environment(const Job *job)
{
	size_t n_added = words_count((const char *const *)job->environment), n = 0;
	char **all = calloc(ELEMENTSOF(session_variables) + n_added + 1, sizeof *all);

	for (size_t i = 0; all && i < ELEMENTSOF(session_variables); i++) {
		const char *value = getenv(session_variables[i]);
		if (value && asprintf(&all[n], "%s=%s", session_variables[i], value) >= 0)
			n++;
	}
	for (size_t i = 0; all && i < n_added; i++)
		if (!(all[n++] = strdup(job->environment[i])))
			return words_free(all);
	return all;
}

/* Takes the job only on success. */
static int call_systemd(sd_bus *bus, Job *job)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	_cleanup_(words_freep) char **environment = unit_environment(job);
	sd_bus_slot *slot;
	int r;

	if (!environment)
		return -ENOMEM;
	r = transient_unit_message(bus,
		&(TransientUnit){.name = job->unit,
			.description = job->description,
			.path = job->path,
			.argv = (const char *const *)job->argv,
			.environment = (const char *const *)environment,
			.input_fd = job->input_fd,
			.forks = job->forks},
		&call);
	if (r >= 0)
		r = sd_bus_call_async(bus, &slot, call, on_started, job, SYSTEMD_CALL_USEC);
	if (r < 0)
		return r;
	(void)sd_bus_slot_set_destroy_callback(slot, on_gone);
	(void)sd_bus_slot_set_floating(slot, 1);
	sd_bus_slot_unref(slot);
	return 0;
}

int launch_program(sd_bus *bus, const Launch *launch)
{
	_cleanup_(job_freep) Job *job = NULL;
	int r;

	r = job_new(launch, &job);
	if (r < 0)
		return r;
	if (bus) {
		r = call_systemd(bus, job);
		if (r >= 0) {
			TAKE_PTR(job);
			return 0;
		}
		log_debug_errno(
			r, "Cannot ask systemd to start '%s', starting it detached: %m", job->unit);
	}
	return run_detached(job);
}

/* ---- the Show button ------------------------------------------------------------------------ */

/* Without a bus at hand: through systemd-run(1) where systemd started us, so that it outlives us.
 */
static int show(const char *const *command, bool terminal)
{
	static const char *const unit[] = {"systemd-run", "--user", "--quiet", "--collect", "--"};
	_cleanup_(job_freep) Job *job = NULL;
	int r;

	r = job_new(&(Launch){.argv = command, .terminal = terminal}, &job);
	if (r < 0)
		return r;
	_cleanup_(freep) char *runner =
		getenv("INVOCATION_ID") ? detach_find_program(unit[0], NULL) : NULL;
	if (!runner)
		return run_detached(job);

	size_t n = ELEMENTSOF(unit), n_argv = words_count((const char *const *)job->argv);
	_cleanup_(freep) const char **all = calloc(n + n_argv + 1, sizeof *all);
	if (!all)
		return -ENOMEM;
	memcpy(all, unit, sizeof unit);
	memcpy(all + n, job->argv, n_argv * sizeof *all);
	all[n] = job->path;
	_cleanup_(words_freep) char **environment = detach_environment(NULL);
	return environment ? detach_run(runner, (char *const *)all, environment, -EBADF) : -ENOMEM;
}

void launch_show(char *const *command)
{
	static const char *const own[] = {"vigil", "--wait", "inotify", NULL};
	int r;

	r = show(command ? (const char *const *)command : own, !command);
	if (r >= 0)
		return;
	if (command)
		(void)log_warning_errno(r, "Cannot start '%s' (ShowCommand= of vigil.conf): %m",
			command[0] ? command[0] : "");
	else
		(void)log_warning_errno(r,
			"No terminal could be started to show 'vigil inotify'; set ShowCommand= in vigil.conf: %m");
}
