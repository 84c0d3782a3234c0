/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page and the shells' completions, made from the tables of commands and options. */
#include "cli/cli.h"

#include "common/text.h"

static const char man_head[] =
	".Dd $Mdocdate$\n.Dt VIGIL 1\n.Os\n.Sh NAME\n.Nm vigil\n.Nd who holds your inotify instances and watches\n"
	".Sh SYNOPSIS\n";
static const char man_description[] =
	".Sh DESCRIPTION\n"
	".Nm\n"
	"shows how close users and programs are to the kernel's inotify limits, names who is to blame, and raises the\n"
	"limits through polkit.\n"
	"It works with and without the daemon\n"
	".Xr vigil-monitord 8 .\n"
	"Without a command it shows the status.\n"
	"Called as\n"
	".Nm inotify-survey\n"
	"it is\n"
	".Nm vigil Cm inotify .\n"
	".Pp\n"
	"An instance that a program inherited or was handed over a socket counts once.\n"
	"Instances are charged to the user who\n"
	"made them and to the owner of every user namespace in between; limits are per user.\n"
	"Where processes cannot be read, the figures are lower bounds, and say so.\n";
static const char man_tail[] =
	".Sh ENVIRONMENT\n"
	".Bl -tag -width VIGIL_PAGER\n"
	".It Ev VIGIL_PAGER , PAGER\n"
	"The pager for output longer than the screen; empty or cat for none.\n"
	"Not heeded under\n"
	".Xr sudo 8 ,\n"
	"where only\n"
	".Xr less 1\n"
	"in its secure mode is used.\n"
	".It Ev NO_COLOR\n"
	"Not empty: no colours unless\n"
	".Fl -color Ns = Ns always .\n"
	".El\n"
	".Sh EXIT STATUS\n"
	"0 done, 1 failed, 2 bad usage.\n"
	".Nm vigil Cm inotify check :\n"
	"0 enough, 1 warning, 2 critical, 3 unknown.\n"
	".Sh SEE ALSO\n"
	".Xr vigil.conf 5 ,\n"
	".Xr inotify 7 ,\n"
	".Xr vigil-monitord 8\n";

/* A leading '.' or '\'' would be a request, '\\' an escape. */
static void add_roff(StrBuf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		strbuf_add(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			strbuf_add(out, "\\e");
		else if (*text == ' ' && strchr(".;:?", text[-1]))
			strbuf_add_char(out, '\n'); /* mdoc(7): a new sentence, a new line */
		else
			strbuf_add_char(out, *text);
	}
	strbuf_add_char(out, '\n');
}

static void man_command_name(StrBuf *out, const Command *command)
{
	strbuf_addf(out, "%s%s%s%s%s", command->group ? command->group : "",
		command->group ? " Cm " : "", command->name, command->arguments ? " Ar " : "",
		command->arguments ? command->arguments : "");
}

static void man(StrBuf *out)
{
	strbuf_add(out, man_head);
	for (size_t i = 0; i < cli_n_commands; i++) {
		strbuf_add(out, ".Nm\n.Cm ");
		man_command_name(out, &cli_commands[i]);
		strbuf_add(out, " Op Ar option ...\n");
	}
	strbuf_add(out, man_description);
	strbuf_add(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < cli_n_commands; i++) {
		strbuf_add(out, ".It Cm ");
		man_command_name(out, &cli_commands[i]);
		strbuf_add_char(out, '\n');
		add_roff(out, cli_commands[i].summary);
		if (cli_commands[i].details) {
			strbuf_add(out, ".Pp\n");
			add_roff(out, cli_commands[i].details);
		}
	}
	strbuf_add(out,
		".El\n.Sh OPTIONS\nEach command's\n.Fl -help\nlists those that it knows.\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		strbuf_add(out, ".It ");
		if (option->letter)
			strbuf_addf(out, "Fl %c , ", option->letter);
		strbuf_addf(out, "Fl -%s", option->name);
		if (option->argument)
			strbuf_addf(out, " Ns = Ns Ar %s", option->argument);
		strbuf_add_char(out, '\n');
		add_roff(out, option->help);
	}
	strbuf_add(out, ".El\n");
	strbuf_add(out, man_tail);
}

static void add_words(StrBuf *out, const char *group, bool groups)
{
	const char *last = "";

	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		if (group && command->group && streq(group, command->group))
			strbuf_addf(out, "%s ", command->name);
		else if (!group && !command->group)
			strbuf_addf(out, "%s ", command->name);
		else if (!group && groups && !streq(last, command->group))
			strbuf_addf(out, "%s ", last = command->group);
	}
}

static void add_option_words(StrBuf *out, unsigned bits)
{
	for (size_t i = 0; i < cli_n_options; i++)
		if (cli_options[i].bit & bits)
			strbuf_addf(out, "--%s%s ", cli_options[i].name,
				cli_options[i].argument ? "=" : "");
}

/* One case for each command: its options and the words its argument may be. */
static void bash(StrBuf *out)
{
	strbuf_add(out,
		"# bash completion for vigil, made from its command table\n"
		"_vigil() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} sub=${COMP_WORDS[2]} words=\n"
		"\tCOMPREPLY=()\n"
		"\t[[ ${COMP_WORDS[0]##*/} == inotify-survey ]] && { sub=$verb; verb=inotify; }\n"
		"\tcase $cur in\n");
	for (size_t i = 0; i < cli_n_options; i++)
		if (cli_options[i].choices)
			strbuf_addf(out,
				"\t--%s=*) COMPREPLY=($(compgen -W \"%s\" -- \"${cur#*=}\")); return ;;\n",
				cli_options[i].name, cli_options[i].choices);
	strbuf_add(out, "\tesac\n\tif ((COMP_CWORD == 1)); then words=\"");
	add_words(out, NULL, true);
	strbuf_add(out, "--help --version\"\n\telse case \"$verb $sub\" in\n");
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		strbuf_addf(out, "\t\t\"%s%s%s\"*) words=\"",
			command->group ? command->group : command->name, command->group ? " " : "",
			command->group ? command->name : "");
		if (command->words)
			strbuf_addf(out, "%s ", command->words);
		add_option_words(out, command->options);
		strbuf_add(out, "\" ;;\n");
	}
	strbuf_add(out, "\t\t\"inotify \"*) words=\"");
	add_words(out, "inotify", false);
	strbuf_add(out, "\" ;;\n\tesac; fi\n"
			"\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			"\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
			"}\n"
			"complete -F _vigil vigil inotify-survey\n");
}

static void quoted(StrBuf *out, const char *text)
{
	strbuf_add_char(out, '\'');
	for (; *text; text++)
		strbuf_add(out, *text == '\'' ? "'\\''" : (char[]){*text, '\0'});
	strbuf_add_char(out, '\'');
}

static void zsh(StrBuf *out)
{
	strbuf_add(out, "#compdef vigil inotify-survey\n# made from vigil's command table\n"
			"local -a reply_words\n"
			"if (( CURRENT == 2 )); then reply_words=(");
	add_words(out, NULL, true);
	strbuf_add(out, ")\nelse case \"${words[2]} ${words[3]}\" in\n");
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		strbuf_addf(out, "\t\"%s%s%s\"*) reply_words=(",
			command->group ? command->group : command->name, command->group ? " " : "",
			command->group ? command->name : "");
		if (command->words)
			strbuf_addf(out, "%s ", command->words);
		add_option_words(out, command->options);
		strbuf_add(out, ") ;;\n");
	}
	strbuf_add(out, "\t\"inotify \"*) reply_words=(");
	add_words(out, "inotify", false);
	strbuf_add(out, ") ;;\nesac; fi\ncompadd -- $reply_words\n");
}

static void fish(StrBuf *out)
{
	strbuf_add(out,
		"# fish completion for vigil, made from its command table\ncomplete -c vigil -f\n");
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		strbuf_addf(out, "complete -c vigil -n '%s%s' -a %s -d ",
			command->group ? "__fish_seen_subcommand_from " : "__fish_use_subcommand",
			command->group ? command->group : "", command->name);
		quoted(out, command->summary);
		strbuf_add_char(out, '\n');
	}
	strbuf_add(out, "complete -c vigil -n __fish_use_subcommand -a inotify\n");
	for (size_t i = 0; i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		strbuf_addf(out, "complete -c vigil -l %s", option->name);
		if (option->letter)
			strbuf_addf(out, " -s %c", option->letter);
		if (option->argument)
			strbuf_add(out, " -r");
		if (option->choices)
			strbuf_addf(out, " -a '%s'", option->choices);
		strbuf_add(out, " -d ");
		quoted(out, option->help);
		strbuf_add_char(out, '\n');
	}
}

bool generate(StrBuf *out, const char *form)
{
	static const struct {
		const char *form;
		void (*make)(StrBuf *out);
	} forms[] = {{"man", man}, {"bash", bash}, {"zsh", zsh}, {"fish", fish}};

	for (size_t i = 0; i < ELEMENTSOF(forms); i++)
		if (streq(forms[i].form, form)) {
			forms[i].make(out);
			return true;
		}
	return false;
}
