/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From argv to a command: finds it in the table, reads its options with popt, calls it. */
#include "cli/run.h"

#include "common/i18n.h"
#include "common/text.h"
#include <fcntl.h>
#include <langinfo.h>
#include <popt.h>
#include <sys/ioctl.h>

#define WORDS_MAX 64

/* Options that a command does not know are left out of its table, so that popt refuses them by
 * name. */
static struct poptOption *option_table(CliOptions *target, unsigned bits)
{
	struct poptOption *table = calloc(cli_n_options + 1, sizeof *table);
	size_t n = 0;

	for (size_t i = 0; table && i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		if (!(option->bit & bits))
			continue;
		table[n++] = (struct poptOption){
			.longName = option->name,
			.shortName = option->letter,
			.argInfo = option->many	      ? POPT_ARG_ARGV
				   : option->argument ? POPT_ARG_STRING
						      : POPT_ARG_NONE,
			.arg = (char *)target + option->offset,
		};
	}
	return table;
}

static int bad_option(const Command *command, poptContext context, int r)
{
	const char *bad = poptBadOption(context, POPT_BADOPTION_NOALIAS),
		   *words[WORDS_MAX + 1] = {};
	size_t n = 0;

	for (size_t i = 0; i < cli_n_options && n < WORDS_MAX; i++)
		if (cli_options[i].bit & command->options)
			words[n++] = cli_options[i].name;
	bool unknown = r == POPT_ERROR_BADOPT && startswith(bad, "--");
	const char *near = unknown ? cli_nearest(bad + 2, words) : NULL;
	if (near)
		return cli_fail(
			EXIT_USAGE, _("%s: %s. Did you mean --%s?"), bad, poptStrerror(r), near);
	return cli_fail(EXIT_USAGE, _("%s: %s. 'vigil help %s%s%s' shows the options."), bad,
		poptStrerror(r), command->group ? command->group : "", command->group ? " " : "",
		command->name);
}

static int set_terminal(Cli *cli)
{
	const char *mode = cli->options.colour, *term = getenv("TERM"),
		   *no_colour = getenv("NO_COLOR");
	struct winsize size;

	cli->terminal = isatty(STDOUT_FILENO);
	if (cli->terminal)
		cli->width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
				     ? size.ws_col
				     : 80;
	cli->utf8 = streq(nl_langinfo(CODESET), "UTF-8");
	if (mode && !streq(mode, "auto") && !streq(mode, "always") && !streq(mode, "never"))
		return cli_fail(EXIT_USAGE, _("--color=%s: expected auto, always or never."), mode);
	cli->colour = mode && !streq(mode, "auto") ? streq(mode, "always")
						   : cli->terminal && !(no_colour && *no_colour) &&
							     !(term && streq(term, "dumb"));
	return EXIT_DONE;
}

static int set_values(Cli *cli)
{
	const CliOptions *options = &cli->options;
	uint64_t n;

	if (options->limit) {
		if (parse_u64(options->limit, INT32_MAX, &n) < 0 || n == 0)
			return cli_fail(EXIT_USAGE, _("-n %s: expected a number from 1 on."),
				options->limit);
		cli->max_rows = (long)n;
	}
	cli->proc_fd =
		open(options->proc ? options->proc : "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cli->proc_fd < 0)
		return cli_fail(EXIT_FAILED, _("Cannot open '%s': %s. Is it mounted?"),
			options->proc ? options->proc : "/proc", strerror(errno));
	return EXIT_DONE;
}

static int read_options(Cli *cli, poptContext context)
{
	int r;

	while ((r = poptGetNextOpt(context)) > 0)
		;
	return r < -1 ? bad_option(cli->command, context, r) : EXIT_DONE;
}

static int check_arguments(const Command *command, int n)
{
	if (n >= command->min_arguments &&
		(command->max_arguments < 0 || n <= command->max_arguments))
		return EXIT_DONE;
	return cli_fail(EXIT_USAGE, _("'%s' takes %s: 'vigil help %s%s%s' says more."),
		command->name, command->arguments ? command->arguments : _("no arguments"),
		command->group ? command->group : "", command->group ? " " : "", command->name);
}

static int run_command(Cli *cli, poptContext context)
{
	const Command *command = cli->command;
	int n = 0;
	int r;

	r = read_options(cli, context);
	if (r == EXIT_DONE)
		r = set_terminal(cli);
	if (r == EXIT_DONE && cli->options.version) {
		strbuf_add(&cli->out, "vigil " VIGIL_VERSION "\n");
		return cli_show(cli);
	}
	if (r == EXIT_DONE && cli->options.help) {
		help_command(&cli->out, command);
		return cli_show(cli);
	}
	const char **arguments = poptGetArgs(context);
	while (arguments && arguments[n])
		n++;
	if (r == EXIT_DONE)
		r = check_arguments(command, n);
	if (r == EXIT_DONE)
		r = set_values(cli);
	if (r != EXIT_DONE)
		return command->trouble ? command->trouble : r;
	return command->run(cli, n, arguments);
}

/* popt hands over copies; --top and --limit share one member. */
static void free_options(CliOptions *options, unsigned bits)
{
	for (size_t i = 0; i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		char **text = (char **)((char *)options + option->offset);
		if (!option->argument || !(option->bit & bits) || option->many)
			continue;
		free(*text);
		*text = NULL;
	}
	for (char **file = options->files; file && *file; file++)
		free(*file);
	free(options->files);
	options->files = NULL;
}

/* A button of a notification opens a terminal that closes with what it runs; a pager was left by
 * the person already. */
static void wait_for_enter(const Cli *cli)
{
	char c;

	if (!cli->options.wait || cli->paged || !isatty(STDIN_FILENO))
		return;
	(void)fprintf(stderr, "\n%s", _("Enter closes this."));
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

/* argv[0] is the command's last word. */
static int run_with(const Command *command, int argc, const char **argv)
{
	Cli cli = {.command = command, .proc_fd = -EBADF};
	_cleanup_(freep) struct poptOption *table = option_table(&cli.options, command->options);

	if (!table)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	poptContext context = poptGetContext(NULL, argc, argv, table, 0);
	int r = run_command(&cli, context);
	poptFreeContext(context);
	wait_for_enter(&cli);
	free_options(&cli.options, command->options);
	strbuf_done(&cli.out);
	(void)safe_close(cli.proc_fd);
	return r;
}

static int no_such_command(const char *word)
{
	const char *near = cli_nearest_command(NULL, word);

	if (near)
		return cli_fail(EXIT_USAGE, _("No command '%s'. Did you mean '%s'?"), word, near);
	return cli_fail(EXIT_USAGE, _("No command '%s'; 'vigil help' lists them."), word);
}

/* argv once the words that name the command are taken out: what popt is to read. */
typedef struct Line {
	const char **argv; /* argv[0] is the command's name */
	int argc;
} Line;

static bool takes_argument(const char *name, char letter)
{
	for (size_t i = 0; i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		if (name ? streq(option->name, name) : letter && option->letter == letter)
			return option->argument;
	}
	return false;
}

/* How many words of argv an option at its start takes: 0 (it is none), 1, or 2 ("-n 5"). A long one
 * with its argument in the same word ("--by=app") bears no name that takes_argument() knows. */
static int option_words(const char *const *argv)
{
	const char *word = argv[0];

	if (word[0] != '-' || !word[1] || streq(word, "--"))
		return 0;
	bool apart = word[1] == '-' ? takes_argument(word + 2, 0)
				    : takes_argument(NULL, word[strlen(word) - 1]);
	return apart && argv[1] ? 2 : 1;
}

/* Options may stand before the command and between its words, as in git and systemctl. Moves them
 * into line and gives where the next word stands (argc: nowhere). */
static int skip_options(int argc, const char **argv, int at, Line *line)
{
	int n;

	while (at < argc && (n = option_words(argv + at)) > 0)
		for (; n > 0; n--)
			line->argv[line->argc++] = argv[at++];
	return at;
}

static bool asks_for_help(const Line *line)
{
	for (int i = 1; i < line->argc && !streq(line->argv[i], "--"); i++)
		if (streq(line->argv[i], "--help") || streq(line->argv[i], "-h"))
			return true;
	return false;
}

/* Help of a group, or with NULL of all. */
static int run_help(const char *group)
{
	const char *argv[] = {"help", group, NULL};
	return run_with(cli_find(NULL, "help"), group ? 2 : 1, argv);
}

/* A word behind a group that is no verb of it is an argument of the group's default. */
static int run_line(const char *group, int argc, const char **argv, Line *line)
{
	const Command *command = NULL;
	int at = skip_options(argc, argv, 1, line);

	if (!group && at < argc && cli_is_group(argv[at])) {
		group = argv[at];
		at = skip_options(argc, argv, at + 1, line);
	}
	if (at < argc && !streq(argv[at], "--"))
		command = cli_find(group, argv[at]);
	if (command)
		at++;
	else if (!group && at < argc)
		return no_such_command(argv[at]);
	for (; at < argc; at++)
		line->argv[line->argc++] = argv[at];
	if (!command && asks_for_help(line))
		return run_help(group);
	if (!command)
		command = group ? cli_find(group, CLI_GROUP_DEFAULT) : cli_find(NULL, "status");
	line->argv[0] = command->name;
	return run_with(command, line->argc, line->argv);
}

int cli_run(int argc, const char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *self = slash ? slash + 1 : argc > 0 ? argv[0] : "vigil";

	if (argc > 2 && streq(argv[1], "--generate")) {
		_cleanup_(strbuf_done) StrBuf text = {};
		bool known = generate(&text, argv[2]);
		(void)fputs(strbuf_text(&text), stdout);
		return known ? EXIT_DONE
			     : cli_fail(EXIT_USAGE, _("--generate: man, bash, zsh or fish."));
	}
	_cleanup_(freep) const char **words = calloc((size_t)argc + 2, sizeof *words);
	if (!words)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	return run_line(streq(self, "inotify-survey") ? "inotify" : NULL, argc, argv,
		&(Line){.argv = words, .argc = 1});
}
