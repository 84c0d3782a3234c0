/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash debug: gdb or lldb on the whole core of a crash. The core is decompressed, sparse,
 * into a file without a name (in a flatpak's sandbox, where only a name leads to it, into one in a
 * folder of ours), and the debugger runs in a fresh empty folder: both are gone when it ends. */
#include "cli/core-fetch.h"
#include "cli/crash-executable.h"
#include "cli/crash-select.h"
#include "cli/crash-settings.h"
#include "cli/crash-view.h"
#include "cli/debug-core.h"
#include "cli/debugger-run.h"
#include "cli/debugger.h"
#include "cli/interrupt.h"

#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "coredump/analysis.h"
#include <glib.h>
#include <string.h>
#include <sys/wait.h>

typedef struct Debugging {
	Cli *cli;
	const CrashSource *source;
	const CrashRow *row;
	char **debugger; /* with arguments of the person's own */
	bool debuginfod;
	CrashExecutable executable;
	int stored;   /* the core as core_acquire() gives it; -EBADF */
	bool is_here; /* that is the file that the crash names */
	DebugCore core;
} Debugging;

/* ---- which debugger -------------------------------------------------------------------------- */

/* A name is looked for in PATH; a path may be relative to where we are, not to where it runs. */
static int take_debugger(Debugging *debugging, const char *const *words)
{
	char *path;

	debugging->debugger = words_copy(words);
	if (!debugging->debugger)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (!strchr(words[0], '/'))
		return EXIT_DONE;
	path = realpath(words[0], NULL);
	if (!path)
		return cli_fail(
			EXIT_FAILED, _("Cannot start '%s': %s."), words[0], strerror(errno));
	free(debugging->debugger[0]);
	debugging->debugger[0] = path;
	return EXIT_DONE;
}

static int add_arguments(Debugging *debugging, const char *arguments)
{
	g_auto(GStrv) more = NULL;
	size_t n = words_count((const char *const *)debugging->debugger), n_more;

	if (!g_shell_parse_argv(arguments, NULL, &more, NULL))
		return cli_fail(EXIT_USAGE,
			_("--debugger-arguments '%s': expected words as for a shell."), arguments);
	n_more = words_count((const char *const *)more);
	char **all = calloc(n + n_more + 1, sizeof *all);
	if (!all)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	memcpy(all, debugging->debugger, n * sizeof *all);
	free(debugging->debugger);
	debugging->debugger = all;
	for (size_t i = 0; i < n_more; i++)
		if (!(all[n + i] = strdup(more[i])))
			return cli_fail(EXIT_FAILED, _("Out of memory."));
	return EXIT_DONE;
}

static int choose_debugger(Debugging *debugging)
{
	static const char *const standard[] = {"gdb", NULL};
	const CliOptions *options = &debugging->cli->options;
	const char *named[] = {options->debugger, NULL};
	MonitorConfig config;
	int r;

	if (options->debugger && !*options->debugger)
		return cli_fail(EXIT_USAGE, _("--debugger: expected gdb, lldb or a path."));
	crash_settings_load(&config);
	debugging->debuginfod = options->debuginfod || config.crash_debuginfod;
	r = take_debugger(debugging, options->debugger ? named
				     : config.crash_debugger
					     ? (const char *const *)config.crash_debugger
					     : standard);
	config_done(&config);
	if (r == EXIT_DONE && options->debugger_arguments)
		r = add_arguments(debugging, options->debugger_arguments);
	return r;
}

/* ---- the executable -------------------------------------------------------------------------- */

/* Nothing is shown rather than something else. */
static void tell_executable(const CrashExecutable *executable)
{
	if (!executable->told)
		(void)cli_fail(EXIT_DONE,
			_("Note: the core does not tell which file was run; the debugger gets none."));
	else if (!executable->file)
		(void)cli_fail(EXIT_DONE,
			_("Note: '%s' is not what crashed any more, or not there; the debugger gets no program."),
			executable->told);
	else if (executable->state == MODULE_UNPROVEN)
		(void)cli_fail(EXIT_DONE,
			_("Note: '%s' may not be what crashed: there is no build id to compare."),
			executable->file);
	if (executable->n_replaced > 0)
		(void)cli_fail(EXIT_DONE,
			P_("Note: %zu library was replaced or deleted since the crash.",
				"Note: %zu libraries were replaced or deleted since the crash.",
				executable->n_replaced),
			executable->n_replaced);
}

/* As it is stored, else its modules out of the core, without unwinding: a core on which that fails
 * is one that is debugged. False: there is none, and why was said. */
static bool get_trace(const Debugging *debugging, Trace *ret)
{
	const CrashSource *source = debugging->source;
	_cleanup_(crash_trace_donep) CrashTrace stored = {};
	_cleanup_(freep) char *error = NULL;
	const AnalysisRequest request = {
		.core_fd = debugging->stored,
		.crash = &debugging->row->crash,
		.root_fd = source->root_fd,
		.elsewhere = crash_source_lacks_files(source, &debugging->row->crash),
		.directory = CORE_SPARE_DIRECTORY,
	};

	if (index_get_trace(source->index, debugging->row->crash.hash, &stored) > 0 &&
		stored.trace && trace_from_json(stored.trace, ret) >= 0)
		return true;
	if (debugging->stored >= 0 && analysis_scan(&request, ret, &error) >= 0)
		return true;
	if (!debugging->cli->options.quiet)
		(void)cli_fail(EXIT_DONE,
			_("Note: which file crashed is not known, so the debugger gets no program: %s."),
			debugging->stored < 0 ? _("the core is not yours to read")
			: error		      ? error
					      : strerror(ENOMEM));
	return false;
}

static int find_executable(Debugging *debugging)
{
	_cleanup_(trace_donep) Trace trace = {};
	bool told = get_trace(debugging, &trace);
	int r;

	r = crash_executable_find(debugging->source, &debugging->row->crash, told ? &trace : NULL,
		&debugging->executable);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (told && !debugging->cli->options.quiet)
		tell_executable(&debugging->executable);
	return EXIT_DONE;
}

/* ---- running and printing -------------------------------------------------------------------- */

static char **command_of(const Debugging *debugging)
{
	const CrashExecutable *executable = &debugging->executable;
	const char *sysroot = executable->sysroot;
	const DebuggerPlan plan = {
		.debugger = (const char *const *)debugging->debugger,
		.core = debugging->core.path,
		.exe = executable->file,
		.sysroot = sysroot && debugger_takes_path(sysroot) ? sysroot : NULL,
		.debuginfod = debugging->debuginfod,
		.flatpak = executable->flatpak,
		.flatpak_folder = debugging->core.folder,
	};

	return debugger_argv(&plan);
}

static int fail_start(const char *program, int r)
{
	return r == -ENOENT
		       ? cli_fail(EXIT_FAILED, _("'%s' is not installed: install it."), program)
		       : cli_fail(EXIT_FAILED, _("Cannot start '%s': %s."), program, strerror(-r));
}

static int run(Debugging *debugging)
{
	DebugCore *core = &debugging->core;
	int status = 0;
	int r;

	r = debug_core_bring(
		debugging->cli, &debugging->stored, debugging->executable.flatpak != NULL, core);
	if (r != EXIT_DONE)
		return r;
	_cleanup_(words_freep) char **argv = command_of(debugging);
	if (!argv)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	r = debugger_run(argv, core->folder, core->fd, debugging->debuginfod, &status);
	if (r == -EINTR)
		return EXIT_FAILED;
	if (r < 0)
		return fail_start(argv[0], r);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static void add_words(json_t *object, const char *key, const char *const *words)
{
	json_t *array = json_array();

	for (; words && *words; words++)
		(void)json_array_append_new(array, json_text(*words, strlen(*words)));
	(void)json_object_set_new(object, key, array);
}

static int print_json(Debugging *debugging, const char *const *prepare, const char *const *argv)
{
	json_t *root = json_object();
	char id[CRASH_ID_DIGITS + 1];

	json_add_u64(root, "version", 1);
	json_add_string(root, "id", crash_short_id(&debugging->row->crash, id));
	json_add_string(root, "core", debugging->core.path);
	json_add_string(root, "executable", debugging->executable.file);
	if (*prepare)
		add_words(root, "prepare", prepare);
	add_words(root, "command", argv);
	return cli_print_json(debugging->cli, root);
}

/* What stands for itself when it is typed: a core for which nothing has to be done is named where
 * it is, any other is written first. */
static int print(Debugging *debugging)
{
	Cli *cli = debugging->cli;
	char id[CRASH_ID_DIGITS + 1];
	int r;

	r = debug_core_name(&debugging->row->crash, debugging->is_here ? debugging->stored : -EBADF,
		debugging->executable.flatpak != NULL, &debugging->core);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	const bool written = r > 0;
	const char *const dump[] = {"vigil", "crash", "dump", "-o", debugging->core.path,
		crash_short_id(&debugging->row->crash, id), NULL};
	const char *const *prepare = written ? dump : dump + ELEMENTSOF(dump) - 1;
	_cleanup_(words_freep) char **argv = command_of(debugging);
	if (!argv)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (cli->options.json)
		return print_json(debugging, prepare, (const char *const *)argv);
	_cleanup_(freep) char *first = words_for_shell(prepare);
	_cleanup_(freep) char *line = words_for_shell((const char *const *)argv);
	if (!first || !line)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	strbuf_addf(&cli->out, "%s%s%s\n", first, written ? " && " : "", line);
	return cli_show(cli);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* To print how it would be done nobody is asked for a password: what may not be read is not looked
 * into then. */
static int acquire(Debugging *debugging)
{
	CoreInfo core;
	bool copy;

	crash_core_look(debugging->source, debugging->row, &core, &copy);
	debugging->is_here = !copy && debugging->source->root_fd < 0 &&
			     (core.state == CORE_PRESENT || core.state == CORE_TRUNCATED);
	if (debugging->cli->options.print_command && core.state == CORE_INACCESSIBLE)
		return EXIT_DONE;
	return core_acquire(debugging->cli, debugging->source, debugging->row, CORE_SPARE_DIRECTORY,
		&debugging->stored);
}

static int debug(Debugging *debugging)
{
	int r;

	interrupt_catch();
	r = choose_debugger(debugging);
	if (r == EXIT_DONE)
		r = acquire(debugging);
	if (r == EXIT_DONE)
		r = find_executable(debugging);
	if (r == EXIT_DONE)
		r = debugging->cli->options.print_command ? print(debugging) : run(debugging);
	debug_core_done(&debugging->core);
	(void)safe_close(debugging->stored);
	crash_executable_done(&debugging->executable);
	debugging->debugger = words_free(debugging->debugger);
	return r;
}

int cmd_crash_debug(Cli *cli, int argc, const char **argv)
{
	CrashSource source;
	CrashRow row;
	int r;

	if (cli->options.json && !cli->options.print_command)
		return cli_fail(
			EXIT_USAGE, _("A debugger has no JSON: --json needs --print-command."));
	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	r = crash_select_one(cli, &source, argc ? argv[0] : "latest", &row);
	if (r == EXIT_DONE) {
		Debugging debugging = {.cli = cli,
			.source = &source,
			.row = &row,
			.stored = -EBADF,
			.core = DEBUG_CORE_INIT};
		r = debug(&debugging);
		index_row_done(&row);
	}
	crash_source_done(&source);
	return r;
}
