/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help, made from the tables. */
#include "cli/cli.h"

#include "common/i18n.h"
#include "common/text.h"

#define HELP_WIDTH 79

/* Wraps text at HELP_WIDTH, each line indented; the first starts at column `at`. */
static void add_wrapped(StrBuf *out, const char *text, size_t indent, size_t at)
{
	size_t column = at;

	while (*text) {
		size_t n = strcspn(text, " ");
		if (column > indent && column + 1 + n > HELP_WIDTH) {
			strbuf_add_char(out, '\n');
			column = 0;
		} else if (column > indent) {
			strbuf_add_char(out, ' ');
			column++;
		}
		for (; column < indent; column++)
			strbuf_add_char(out, ' ');
		strbuf_add_n(out, text, n);
		column += n;
		text += n + strspn(text + n, " ");
	}
	strbuf_add_char(out, '\n');
}

static void add_row(StrBuf *out, const char *left, const char *right)
{
	size_t indent = 30, n = strlen(left) + 2;

	strbuf_addf(out, "  %s", left);
	if (n + 2 > indent) {
		strbuf_add_char(out, '\n');
		n = 0;
	}
	for (; n < indent; n++)
		strbuf_add_char(out, ' ');
	add_wrapped(out, right, indent, indent);
}

static void add_command(StrBuf *out, const Command *command)
{
	char left[128];

	(void)snprintf(left, sizeof left, "%s%s%s%s%s", command->group ? command->group : "",
		command->group ? " " : "", command->name, command->arguments ? " " : "",
		command->arguments ? command->arguments : "");
	add_row(out, left, _(command->summary));
}

static void add_options(StrBuf *out, unsigned bits)
{
	for (size_t i = 0; i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		char left[64];

		if (!(option->bit & bits))
			continue;
		(void)snprintf(left, sizeof left, "%c%c%s --%s%s%s", option->letter ? '-' : ' ',
			option->letter ? option->letter : ' ', option->letter ? "," : " ",
			option->name, option->argument ? "=" : "",
			option->argument ? option->argument : "");
		add_row(out, left, _(option->help));
	}
}

void help_overview(StrBuf *out)
{
	strbuf_add(out, _("Usage: vigil COMMAND [OPTION]... [ARGUMENT]...\n\n"
			  "Watches over crashes and inotify exhaustion, and names the program.\n\n"
			  "Commands:\n"));
	for (size_t i = 0; i < cli_n_commands; i++)
		add_command(out, &cli_commands[i]);
	strbuf_add(out,
		_("\n\"vigil inotify\" alone is \"vigil inotify list\", and so is inotify-survey;\n\"vigil crash\" alone is \"vigil crash list\".\n\n"
		  "Options of every command:\n"));
	add_options(out, OPTION_COMMON);
	strbuf_add(out, _("\nExit status: 0 done, 1 failed, 2 bad usage.\n"));
}

void help_group(StrBuf *out, const char *group)
{
	const Command *standard = cli_find(group, CLI_GROUP_DEFAULT);

	strbuf_addf(out, _("Usage: vigil %s [COMMAND] [OPTION]... [ARGUMENT]...\n\nCommands:\n"),
		group);
	for (size_t i = 0; i < cli_n_commands; i++)
		if (cli_commands[i].group && streq(cli_commands[i].group, group))
			add_command(out, &cli_commands[i]);
	strbuf_addf(out, _("\nWithout a command it is '%s %s', whose options are:\n"), group,
		standard->name);
	add_options(out, standard->options);
	strbuf_addf(out, _("\n'vigil help %s COMMAND' shows the options of the others.\n"), group);
}

void help_command(StrBuf *out, const Command *command)
{
	strbuf_addf(out, _("Usage: vigil %s%s%s [OPTION]...%s%s\n\n"),
		command->group ? command->group : "", command->group ? " " : "", command->name,
		command->arguments ? " " : "", command->arguments ? command->arguments : "");
	add_wrapped(out, _(command->summary), 0, 0);
	if (command->details) {
		strbuf_add_char(out, '\n');
		add_wrapped(out, _(command->details), 0, 0);
	}
	strbuf_add(out, _("\nOptions:\n"));
	add_options(out, command->options);
}

int cmd_help(Cli *cli, int argc, const char **argv)
{
	const Command *command = NULL;

	if (argc == 0) {
		help_overview(&cli->out);
		return cli_show(cli);
	}
	if (argc == 1 && cli_is_group(argv[0])) {
		help_group(&cli->out, argv[0]);
		return cli_show(cli);
	}
	command = cli_find(argc > 1 ? argv[0] : NULL, argv[argc - 1]);
	if (!command)
		return cli_fail(EXIT_USAGE, _("No command '%s%s%s'; 'vigil help' lists them."),
			argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	help_command(&cli->out, command);
	return cli_show(cli);
}
