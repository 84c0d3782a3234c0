/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shells' completions, made from the tables of commands and options. Each script finds the
 * command among the words typed so far (options and their arguments may stand anywhere), then
 * offers its verbs, words and options; behind an option with fixed choices, these. */
#include "cli/cli.h"

#include "common/text.h"

/* What an option's argument may be. */
static bool is_directory(const CliOption *option)
{
	return option->argument && streq(option->argument, "DIR");
}

static bool is_file(const CliOption *option)
{
	return option->argument &&
	       (streq(option->argument, "FILE") || streq(option->argument, "GLOB"));
}

static bool is_first_of_group(const Command *command)
{
	for (const Command *c = cli_commands; c < command; c++)
		if (c->group && streq(c->group, command->group))
			return false;
	return true;
}

/* The words that may stand at the top (group NULL) or behind a group, with a space after each. */
static void add_words(StrBuf *out, const char *group)
{
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		if (group && command->group && streq(group, command->group))
			strbuf_addf(out, "%s ", command->name);
		else if (!group && !command->group)
			strbuf_addf(out, "%s ", command->name);
		else if (!group && is_first_of_group(command))
			strbuf_addf(out, "%s ", command->group);
	}
}

/* "-b|--by", or with valued only those that take an argument, joined by the separator. */
static void add_option_names(StrBuf *out, const CliOption *option, const char *separator)
{
	if (option->letter)
		strbuf_addf(out, "-%c%s", option->letter, separator);
	strbuf_addf(out, "--%s", option->name);
}

static void add_valued_names(StrBuf *out, const char *separator)
{
	const char *between = "";

	for (size_t i = 0; i < cli_n_options; i++) {
		if (!cli_options[i].argument)
			continue;
		strbuf_add(out, between);
		add_option_names(out, &cli_options[i], separator);
		between = separator;
	}
}

static void add_option_words(StrBuf *out, unsigned bits)
{
	for (size_t i = 0; i < cli_n_options; i++)
		if (cli_options[i].bit & bits)
			strbuf_addf(out, "--%s%s ", cli_options[i].name,
				cli_options[i].argument ? "=" : "");
}

static void add_name(StrBuf *out, const Command *command)
{
	strbuf_addf(out, "%s%s%s", command->group ? command->group : "", command->group ? " " : "",
		command->name);
}

/* The cases of one shell's `case $command in`: words is what the assignment looks like. */
static void add_cases(StrBuf *out, const char *open, const char *close)
{
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		strbuf_add(out, "\t\" ");
		add_name(out, command);
		strbuf_addf(out, "\") words=%s", open);
		if (command->words)
			strbuf_addf(out, "%s ", command->words);
		add_option_words(out, command->options);
		strbuf_addf(out, "%s ;;\n", close);
		if (!command->group || !is_first_of_group(command))
			continue;
		strbuf_addf(out, "\t\" %s\") words=%s", command->group, open);
		add_words(out, command->group);
		add_option_words(out, cli_find(command->group, CLI_GROUP_DEFAULT)->options);
		strbuf_addf(out, "%s ;;\n", close);
	}
	strbuf_addf(out, "\t\"\") words=%s", open);
	add_words(out, NULL);
	add_option_words(out, OPTION_COMMON);
	strbuf_addf(out, "%s ;;\n\tesac\n", close);
}

/* The loop over the words typed that both bash and zsh understand: a word counts while together
 * with those before it it names a command or a group. */
static void add_command_loop(StrBuf *out, const char *word_at, const char *end)
{
	strbuf_addf(out,
		"\tfor ((i = first; i < %s; i++)); do\n"
		"\t\tword=%s\n"
		"\t\tcase $word in\n"
		"\t\t\"=\") i=$((i + 1)) ;;\n\t\t",
		end, word_at);
	add_valued_names(out, "|");
	strbuf_add(out, ") skip=1; continue ;;\n\t\t-*) ;;\n"
			"\t\t*) [[ -n $skip ]] || case \"$command $word\" in\n");
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		if (command->group && is_first_of_group(command))
			strbuf_addf(out, "\t\t\t\" %s\") command=\" %s\" ;;\n", command->group,
				command->group);
		strbuf_add(out, "\t\t\t\" ");
		add_name(out, command);
		strbuf_add(out, "\") command=\" ");
		add_name(out, command);
		strbuf_add(out, "\" ;;\n");
	}
	strbuf_add(out, "\t\t\tesac ;;\n\t\tesac\n\t\tskip=\n\tdone\n");
}

static void bash(StrBuf *out)
{
	strbuf_add(out,
		"# bash completion for vigil, made from its command table\n"
		"_vigil() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tlocal command= word words= skip= i first=1\n"
		"\tCOMPREPLY=()\n"
		"\t# readline takes --by=unit for three words\n"
		"\tif [[ $cur == = ]]; then cur=\n"
		"\telif [[ $option == = ]]; then option=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
		"\tcase $option in\n");
	for (size_t i = 0; i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		if (!option->argument)
			continue;
		strbuf_add_char(out, '\t');
		add_option_names(out, option, "|");
		if (option->choices)
			strbuf_addf(out,
				") COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); return ;;\n",
				option->choices);
		else if (is_directory(option) || is_file(option))
			strbuf_addf(out,
				") compopt -o filenames; COMPREPLY=($(compgen -%c -- \"$cur\")); "
				"return ;;\n",
				is_file(option) ? 'f' : 'd');
		else
			strbuf_add(out, ") return ;;\n");
	}
	strbuf_add(out, "\tesac\n"
			"\t[[ ${COMP_WORDS[0]##*/} == inotify-survey ]] && command=\" inotify\"\n");
	add_command_loop(out, "${COMP_WORDS[i]}", "COMP_CWORD");
	strbuf_add(out, "\tcase $command in\n");
	add_cases(out, "\"", "\"");
	strbuf_add(out, "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			"\tif [[ ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi\n"
			"}\n"
			"complete -F _vigil vigil inotify-survey\n");
}

static void zsh(StrBuf *out)
{
	strbuf_add(out,
		"#compdef vigil inotify-survey\n# made from vigil's command table\n"
		"_vigil() {\n"
		"\tlocal command= word skip= option=${words[CURRENT - 1]} typed=(\"${words[@]}\")\n"
		"\tlocal -i i first=2\n"
		"\tlocal -a words\n"
		"\tif [[ $PREFIX == --*=* ]]; then option=${PREFIX%%=*}; compset -P '*='; fi\n"
		"\tcase $option in\n");
	for (size_t i = 0; i < cli_n_options; i++) {
		const CliOption *option = &cli_options[i];
		if (!option->argument)
			continue;
		strbuf_add_char(out, '\t');
		add_option_names(out, option, "|");
		if (option->choices)
			strbuf_addf(out, ") compadd -- %s; return ;;\n", option->choices);
		else
			strbuf_addf(out, ") %s ;;\n",
				is_directory(option) ? "_files -/; return"
				: is_file(option)    ? "_files; return"
						     : "return 1");
	}
	strbuf_add(out, "\tesac\n"
			"\t[[ ${typed[1]:t} == inotify-survey ]] && command=\" inotify\"\n");
	add_command_loop(out, "${typed[i]}", "CURRENT");
	strbuf_add(out, "\tcase $command in\n");
	add_cases(out, "(", ")");
	strbuf_add(out, "\tcompadd -- ${words:#*=}\n"
			"\tcompadd -S '' -- ${(M)words:#*=}\n"
			"}\n"
			"_vigil \"$@\"\n");
}

static void quoted(StrBuf *out, const char *text)
{
	strbuf_add_char(out, '\'');
	for (; *text; text++)
		strbuf_add(out, *text == '\''	? "\\'"
				: *text == '\\' ? "\\\\"
						: (char[]){*text, '\0'});
	strbuf_add_char(out, '\'');
}

/* Prints the command among the words typed: "", "inotify" or "inotify list". */
static void fish_function(StrBuf *out)
{
	strbuf_add(out,
		"function __vigil_command\n"
		"\tset -l command\n"
		"\tset -l skip\n"
		"\tset -l typed (commandline -opc)\n"
		"\tstring match -q '*inotify-survey' -- $typed[1]; and set command inotify\n"
		"\tfor word in $typed[2..-1]\n"
		"\t\tif test -n \"$skip\"\n\t\t\tset skip\n\t\t\tcontinue\n\t\tend\n"
		"\t\tif contains -- $word ");
	add_valued_names(out, " ");
	strbuf_add(out, "\n\t\t\tset skip 1\n"
			"\t\telse if not string match -q -- '-*' $word\n"
			"\t\t\tset -l longer (string trim -- \"$command $word\")\n"
			"\t\t\tcontains -- $longer");
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		if (command->group && is_first_of_group(command))
			strbuf_addf(out, " '%s'", command->group);
		strbuf_add(out, " '");
		add_name(out, command);
		strbuf_add_char(out, '\'');
	}
	strbuf_add(out, "; and set command $longer\n"
			"\t\tend\n\tend\n\techo \"$command\"\nend\n"
			"function __vigil_at\n\tcontains -- (__vigil_command) $argv\nend\n");
}

static void fish_option(StrBuf *out, const CliOption *option)
{
	strbuf_addf(out, "complete -c vigil -l %s", option->name);
	if (option->letter)
		strbuf_addf(out, " -s %c", option->letter);
	if (option->argument)
		strbuf_add(out, is_directory(option) || is_file(option) ? " -rF" : " -x");
	if (option->choices)
		strbuf_addf(out, " -a '%s'", option->choices);
	if (!(option->bit & OPTION_COMMON)) {
		strbuf_add(out, " -n \"__vigil_at");
		for (size_t i = 0; i < cli_n_commands; i++) {
			const Command *command = &cli_commands[i];
			if (!(command->options & option->bit))
				continue;
			strbuf_add(out, " '");
			add_name(out, command);
			strbuf_add_char(out, '\'');
			if (command->group && streq(command->name, CLI_GROUP_DEFAULT))
				strbuf_addf(out, " '%s'", command->group);
		}
		strbuf_add_char(out, '"');
	}
	strbuf_add(out, " -d ");
	quoted(out, option->help);
	strbuf_add_char(out, '\n');
}

static void fish(StrBuf *out)
{
	strbuf_add(out, "# fish completion for vigil, made from its command table\n");
	fish_function(out);
	strbuf_add(out, "complete -c vigil -f\ncomplete -c inotify-survey -w 'vigil inotify'\n");
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		if (command->group && is_first_of_group(command))
			strbuf_addf(out, "complete -c vigil -n \"__vigil_at ''\" -a %s\n",
				command->group);
		strbuf_addf(out, "complete -c vigil -n \"__vigil_at '%s'\" -a %s -d ",
			command->group ? command->group : "", command->name);
		quoted(out, command->summary);
		strbuf_add_char(out, '\n');
		if (command->words) {
			strbuf_add(out, "complete -c vigil -n \"__vigil_at '");
			add_name(out, command);
			strbuf_addf(out, "'\" -a '%s'\n", command->words);
		}
	}
	for (size_t i = 0; i < cli_n_options; i++)
		fish_option(out, &cli_options[i]);
}

bool completion_generate(StrBuf *out, const char *shell)
{
	static const struct {
		const char *shell;
		void (*make)(StrBuf *out);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

	for (size_t i = 0; i < ELEMENTSOF(shells); i++)
		if (streq(shells[i].shell, shell)) {
			shells[i].make(out);
			return true;
		}
	return false;
}
