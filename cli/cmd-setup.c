/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil setup: does of doctor's mends what a user may do to their own session, asking first, and
 * prints exactly what root would have to do. Nothing outside of the user's own files and units is
 * ever changed here. */
#include "cli/cli.h"

#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/text.h"
#include "coredump/journal.h"
#include "coredump/pipeline.h"
#include <fcntl.h>
#include <sys/wait.h>

#define ENVIRONMENT_FILE "50-vigil.conf"
#define ENVIRONMENT_LINE "KCRASH_DUMP_ONLY=1"
#define STEPS_MAX	 16

typedef enum StepState {
	STEP_ALREADY,
	STEP_TO_DO,
	STEP_DONE,
	STEP_FAILED,
	STEP_BY_HAND, /* root's */
} StepState;

typedef struct Step {
	const char *what; /* N_() */
	char command[512];
	StepState state;
	int (*perform)(const char *subject); /* 0 or -errno; NULL: by hand */
	const char *subject;
} Step;

typedef struct Setup {
	Step steps[STEPS_MAX];
	size_t n;
} Setup;

static const char *const state_names[] = {[STEP_ALREADY] = "already",
	[STEP_TO_DO] = "to-do",
	[STEP_DONE] = "done",
	[STEP_FAILED] = "failed",
	[STEP_BY_HAND] = "by-hand"};

__attribute__((format(printf, 2, 3))) static void set_command(Step *step, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(step->command, sizeof step->command, format, ap);
	va_end(ap);
}

static Step *add_step(Setup *setup, const char *what, StepState state)
{
	Step *step = &setup->steps[MIN_OF(setup->n, (size_t)STEPS_MAX - 1)];

	setup->n = MIN_OF(setup->n + 1, (size_t)STEPS_MAX);
	*step = (Step){.what = what, .state = state};
	return step;
}

/* ---- the user's units ------------------------------------------------------------------------ */

/* systemctl(1) knows every detail of enabling. Its exit status, or -errno; quiet: no output. */
static int run_systemctl(const char *const *arguments, bool quiet)
{
	const char *argv[8] = {"systemctl", "--user"};
	int status;
	size_t n = 2;

	for (; *arguments && n < ELEMENTSOF(argv) - 1; arguments++)
		argv[n++] = *arguments;
	argv[n] = NULL;
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(quiet ? null : STDERR_FILENO, STDOUT_FILENO);
		if (quiet)
			(void)dup2(null, STDERR_FILENO);
		(void)execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static int enable_unit(const char *unit)
{
	int r = run_systemctl((const char *[]){"enable", "--now", unit, NULL}, false);

	return r == 0 ? 0 : r == 127 ? -ENOENT : r < 0 ? r : -EIO;
}

static void plan_units(Setup *setup)
{
	static const struct {
		const char *unit, *what;
	} units[] = {
		{"vigil-monitord.socket", N_("the socket at which crashes arrive")},
		{"vigil-monitord.service", N_("the daemon that watches and tells you")},
	};

	for (size_t i = 0; i < ELEMENTSOF(units); i++) {
		int enabled =
			run_systemctl((const char *[]){"is-enabled", units[i].unit, NULL}, true);
		int active =
			run_systemctl((const char *[]){"is-active", units[i].unit, NULL}, true);
		Step *step = add_step(setup, units[i].what,
			enabled == 0 && active == 0 ? STEP_ALREADY : STEP_TO_DO);
		step->perform = enable_unit;
		step->subject = units[i].unit;
		set_command(step, "systemctl --user enable --now %s", units[i].unit);
	}
}

/* ---- KDE's programs -------------------------------------------------------------------------- */

/* environment.d(5) of the user. Caller frees; NULL: no home. */
static char *environment_dir(void)
{
	_cleanup_(freep) char *own = xdg_config_dir(); /* …/vigil */
	char *slash = own ? strrchr(own, '/') : NULL;
	char *path;

	if (!slash)
		return NULL;
	*slash = '\0';
	return asprintf(&path, "%s/environment.d", own) < 0 ? NULL : path;
}

static int write_environment(const char *directory)
{
	_cleanup_(strbuf_done) StrBuf text = {};
	int r;

	strbuf_addf(&text, "# vigil: %s\n%s\n",
		_("KDE's programs leave their crashes to systemd-coredump."), ENVIRONMENT_LINE);
	r = text.failed ? -ENOMEM : make_directories(directory);
	if (r < 0)
		return r;
	_cleanup_(closep) int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -errno
		       : write_file_atomic(
				 dir, ENVIRONMENT_FILE, 0644, strbuf_text(&text), text.length);
}

/* 1: the line is there; 0: no such file; -EEXIST: the file says something else. */
static int environment_has_line(const char *directory)
{
	_cleanup_(closep) int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(freep) char *text = NULL;

	if (dir < 0 || read_file_at(dir, ENVIRONMENT_FILE, 64 * 1024, &text) < 0)
		return 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		if (streq(line, ENVIRONMENT_LINE))
			return 1;
	return -EEXIST;
}

static void plan_environment(Setup *setup, const Pipeline *pipeline, const char *directory)
{
	if (!pipeline->kcrash || !directory)
		return;
	int there = environment_has_line(directory);
	Step *step = add_step(setup,
		N_("KDE's programs leave their crashes to systemd-coredump (from the next login on)"),
		there > 0    ? STEP_ALREADY
		: there == 0 ? STEP_TO_DO
			     : STEP_BY_HAND);
	step->perform = write_environment;
	step->subject = directory;
	if (there < 0) /* somebody's own words: they are not overwritten */
		set_command(step, "echo %s >>%s/%s", ENVIRONMENT_LINE, directory, ENVIRONMENT_FILE);
	else
		set_command(step, "echo %s >%s/%s", ENVIRONMENT_LINE, directory, ENVIRONMENT_FILE);
}

/* ---- root's part ----------------------------------------------------------------------------- */

static void plan_system(Setup *setup, const Pipeline *pipeline, int root)
{
	bool follows = pipeline->taker.kind == CORE_TAKER_SOCKET;
	const char *install = pipeline_install_command(root);

	if (!pipeline->systemd_coredump)
		set_command(add_step(setup, N_("systemd-coredump, which records crashes"),
				    STEP_BY_HAND),
			"%s",
			install ? install
				: _("install systemd-coredump with your package manager"));
	if (pipeline->processor_dir &&
		!(follows ? pipeline->processor_follows : pipeline->processor_on_dump)) {
		Step *step = add_step(
			setup, N_("the processor that hands crashes over at once"), STEP_BY_HAND);
		pipeline_enable_command(pipeline, step->command, sizeof step->command);
	}
	if (crash_journal_storage("") == JOURNAL_VOLATILE)
		set_command(add_step(setup, N_("a journal that outlives a reboot"), STEP_BY_HAND),
			"sudo mkdir -p /var/log/journal && sudo systemctl restart systemd-journald && sudo journalctl --flush");
}

/* ---- the command ----------------------------------------------------------------------------- */

static void show_step(Cli *cli, const Step *step)
{
	static const CellStyle styles[] = {[STEP_ALREADY] = CELL_GOOD,
		[STEP_TO_DO] = CELL_WARNING,
		[STEP_DONE] = CELL_GOOD,
		[STEP_FAILED] = CELL_BAD,
		[STEP_BY_HAND] = CELL_WARNING};
	static const char *const words[] = {[STEP_ALREADY] = N_("is so"),
		[STEP_TO_DO] = N_("to do"),
		[STEP_DONE] = N_("done"),
		[STEP_FAILED] = N_("failed"),
		[STEP_BY_HAND] = N_("by hand")};

	strbuf_addf(&cli->out, "%s%-8s%s %s\n", style_on(styles[step->state], cli->colour),
		_(words[step->state]), style_off(styles[step->state], cli->colour), _(step->what));
	if (step->state == STEP_TO_DO || step->state == STEP_FAILED || step->state == STEP_BY_HAND)
		strbuf_addf(&cli->out, "         %s\n", step->command);
}

static int perform(Step *step)
{
	int r;

	if (step->state != STEP_TO_DO)
		return EXIT_DONE;
	r = step->perform(step->subject);
	step->state = r < 0 ? STEP_FAILED : STEP_DONE;
	return r < 0 ? cli_fail(EXIT_FAILED, _("'%s' failed: %s."), step->command,
			       r == -EIO ? _("see above") : strerror(-r))
		     : EXIT_DONE;
}

static int finish(Cli *cli, const Setup *setup, int status)
{
	int r;

	if (!cli->options.json) {
		r = cli_show(cli);
		return status == EXIT_DONE ? r : status;
	}
	json_t *root = json_object(), *steps = json_array();
	for (size_t i = 0; i < setup->n; i++) {
		json_t *step = json_object();
		json_add_string(step, "what", setup->steps[i].what);
		json_add_string(step, "state", state_names[setup->steps[i].state]);
		json_add_string(step, "command", setup->steps[i].command);
		(void)json_array_append_new(steps, step);
	}
	json_add_u64(root, "version", 1);
	json_add_bool(root, "dryRun", cli->options.dry_run != 0);
	(void)json_object_set_new(root, "steps", steps);
	r = cli_print_json(cli, root);
	return status == EXIT_DONE ? r : status;
}

/* The plan is on the screen before it is asked about. */
static bool agreed(Cli *cli, const Setup *setup)
{
	size_t to_do = 0;
	char question[80];

	for (size_t i = 0; i < setup->n; i++) {
		to_do += setup->steps[i].state == STEP_TO_DO;
		if (!cli->options.json)
			show_step(cli, &setup->steps[i]);
	}
	if (to_do == 0 || cli->options.dry_run)
		return false;
	if (!cli->options.json) {
		(void)cli_show(cli);
		strbuf_reset(&cli->out);
	}
	(void)snprintf(question, sizeof question,
		P_("Do this %zu thing?", "Do these %zu things?", to_do), to_do);
	return cli_confirm(cli, question);
}

int cmd_setup(Cli *cli, int argc, const char **argv)
{
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(freep) char *directory = environment_dir();
	Setup setup = {};
	Pipeline pipeline;
	int status = EXIT_DONE;

	(void)argc;
	(void)argv;
	pipeline_read(root, cli->proc_fd, &pipeline);
	if (geteuid() != 0) {
		plan_units(&setup);
		plan_environment(&setup, &pipeline, directory);
	} else {
		cli_note(cli, _("You are root, who has no desktop: run it once more as yourself."));
	}
	plan_system(&setup, &pipeline, root);
	if (!agreed(cli, &setup))
		return finish(cli, &setup, EXIT_DONE);
	for (size_t i = 0; i < setup.n; i++) {
		bool was_to_do = setup.steps[i].state == STEP_TO_DO;
		int r = perform(&setup.steps[i]);
		status = r != EXIT_DONE ? r : status;
		if (was_to_do && !cli->options.json)
			show_step(cli, &setup.steps[i]);
	}
	return finish(cli, &setup, status);
}
