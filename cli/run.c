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
			.argInfo = option->argument ? POPT_ARG_STRING : POPT_ARG_NONE,
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
	const char *near = startswith(bad, "--") ? cli_nearest(bad + 2, words) : NULL;
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

static int run_command(Cli *cli, poptContext context)
{
	const Command *command = cli->command;
	const char **arguments;
	int r, n = 0;

	while ((r = poptGetNextOpt(context)) > 0)
		;
	if (r < -1)
		return bad_option(command, context, r);
	if (cli->options.version) {
		strbuf_add(&cli->out, "vigil " VIGIL_VERSION "\n");
		return cli_show(cli);
	}
	r = set_terminal(cli);
	if (r == EXIT_DONE && cli->options.help) {
		help_command(&cli->out, command);
		return cli_show(cli);
	}
	arguments = poptGetArgs(context);
	while (arguments && arguments[n])
		n++;
	if (r == EXIT_DONE && (n < command->min_arguments ||
				      (command->max_arguments >= 0 && n > command->max_arguments)))
		r = cli_fail(EXIT_USAGE, _("'%s' takes %s. 'vigil help %s%s%s' says more."),
			command->name, command->arguments ? command->arguments : _("no arguments"),
			command->group ? command->group : "", command->group ? " " : "",
			command->name);
	if (r == EXIT_DONE)
		r = set_values(cli);
	return r == EXIT_DONE ? command->run(cli, n, arguments) : r;
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
	for (size_t i = 0; i < cli_n_options; i++) {
		/* popt hands over copies; --top and --limit share one member */
		char **text = (char **)((char *)&cli.options + cli_options[i].offset);
		if (cli_options[i].argument && (cli_options[i].bit & command->options)) {
			free(*text);
			*text = NULL;
		}
	}
	strbuf_done(&cli.out);
	(void)safe_close(cli.proc_fd);
	return r;
}

static int no_such_command(const char *group, const char *word)
{
	const char *words[WORDS_MAX + 1] = {};
	size_t n = 0;

	for (size_t i = 0; i < cli_n_commands && n < WORDS_MAX; i++) {
		const Command *command = &cli_commands[i];
		if (group && command->group && streq(group, command->group))
			words[n++] = command->name;
		else if (!group)
			words[n++] = command->group ? command->group : command->name;
	}
	const char *near = cli_nearest(word, words);
	if (near)
		return cli_fail(EXIT_USAGE, _("No command '%s'. Did you mean '%s'?"), word, near);
	return cli_fail(EXIT_USAGE, _("No command '%s'; 'vigil help' lists them."), word);
}

/* "vigil inotify …": a verb, or an option or pattern of list. A word that is no verb is a pattern
 * unless it looks like a slip. */
static int run_group(const char *group, int argc, const char **argv)
{
	const Command *command = argc > 1 ? cli_find(group, argv[1]) : NULL;

	if (command)
		return run_with(command, argc - 1, argv + 1);
	return run_with(cli_find(group, "list"), argc, argv);
}

int cli_run(int argc, const char **argv)
{
	const char *self = strrchr(argv[0], '/');
	StrBuf text = {};

	self = self ? self + 1 : argv[0];
	if (streq(self, "inotify-survey"))
		return run_group("inotify", argc, argv);
	if (argc > 2 && streq(argv[1], "--generate")) {
		bool known = generate(&text, argv[2]);
		(void)fputs(strbuf_text(&text), stdout);
		strbuf_done(&text);
		return known ? EXIT_DONE
			     : cli_fail(EXIT_USAGE, "--generate: man, bash, zsh or fish.");
	}
	if (argc < 2)
		return run_with(cli_find(NULL, "status"), argc, argv);
	if (streq(argv[1], "--help") || streq(argv[1], "-h"))
		return run_with(cli_find(NULL, "help"), 1, argv);
	if (argv[1][0] == '-')
		return run_with(cli_find(NULL, "status"), argc, argv);
	if (cli_is_group(argv[1]))
		return run_group(argv[1], argc - 1, argv + 1);
	const Command *command = cli_find(NULL, argv[1]);
	return command ? run_with(command, argc - 1, argv + 1) : no_such_command(NULL, argv[1]);
}
