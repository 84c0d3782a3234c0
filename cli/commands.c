/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of commands. */
#include "cli/cli.h"

#include "common/i18n.h"
#include "common/text.h"

#define NOTE_OPTIONS (OPTION_COMMON | OPTION_LEGEND | OPTION_QUIET | OPTION_SCAN)
#define LIST_OPTIONS (NOTE_OPTIONS | OPTION_TABLE | OPTION_BY)
#define WORDS_MAX    64

/* clang-format off */
const Command cli_commands[] = {
	{.name = "status", .options = OPTION_COMMON | OPTION_SCAN, .run = cmd_status,
	 .summary = N_("one screen: how close you are to a limit, and whether Vigil runs")},
	{.group = "inotify", .name = "list", .arguments = "[PATTERN|PID]...", .options = LIST_OPTIONS, .max_arguments = -1, .run = cmd_inotify_list,
	 .summary = N_("who holds how many inotify instances and watches"),
	 .details = N_("A PATTERN is matched against name, executable, unit and application, with * and ?; without them as a part. "
		"An instance that a program inherited or was handed counts once. Descriptors that several processes share "
		"are told in SHARED; processes that could not be read are counted below the table.")},
	{.group = "inotify", .name = "limits", .options = NOTE_OPTIONS, .run = cmd_inotify_limits,
	 .summary = N_("the limits, which one binds, and what watches cost")},
	{.group = "inotify", .name = "check", .options = OPTION_COMMON | OPTION_NEED | OPTION_QUIET | OPTION_SCAN, .trouble = CHECK_UNKNOWN, .run = cmd_inotify_check,
	 .summary = N_("for monitoring and scripts: is there room left?"),
	 .details = N_("Exit status: 0 enough, 1 warning, 2 critical, 3 unknown. With --need-instances or --need-watches: 0 when so many more "
		"fit, 2 when they do not. The line follows the monitoring plugins' form.")},
	{.group = "inotify", .name = "raise", .arguments = "instances|watches [VALUE]", .options = OPTION_COMMON | OPTION_CHANGE, .min_arguments = 1, .max_arguments = 2,
	 .words = "instances watches", .run = cmd_inotify_raise,
	 .summary = N_("raise a limit, now and for the next boots"),
	 .details = /* xgettext:no-c-format */ N_("Without VALUE the next sensible step is taken: twice the limit and at least twice the use, at most 8192 instances, "
		"and as many watches as 1 % of memory pays for or 1048576. polkit asks for authorisation.")},
	{.group = "inotify", .name = "reset", .options = OPTION_COMMON | OPTION_CHANGE, .run = cmd_inotify_reset,
	 .summary = N_("forget what Vigil raised, and restore the values it found")},
	{.group = "inotify", .name = "explain", .arguments = "[PID]", .options = NOTE_OPTIONS, .max_arguments = 1, .run = cmd_inotify_explain,
	 .summary = N_("why a program says \"no space left\" or \"too many open files\"")},
	{.name = "doctor", .options = OPTION_COMMON | OPTION_SCAN, .run = cmd_doctor,
	 .summary = N_("check every link from the kernel to your desktop, and how to mend it")},
	{.name = "help", .arguments = "[COMMAND]...", .options = OPTION_COMMON, .max_arguments = 2, .run = cmd_help,
	 .summary = N_("this overview, or the help of one command")},
};
/* clang-format on */
const size_t cli_n_commands = ELEMENTSOF(cli_commands);

bool cli_is_group(const char *name)
{
	for (size_t i = 0; i < cli_n_commands; i++)
		if (cli_commands[i].group && streq(cli_commands[i].group, name))
			return true;
	return false;
}

const Command *cli_find(const char *group, const char *name)
{
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		bool same = group && command->group ? streq(group, command->group)
						    : group == command->group;
		if (same && streq(name, command->name))
			return command;
	}
	return NULL;
}

/* Levenshtein distance, for short words only. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(b), row[64];

	if (n >= ELEMENTSOF(row) || strlen(a) >= ELEMENTSOF(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t changed = diagonal + (a[i] != b[j]);
			diagonal = row[j + 1];
			row[j + 1] = MIN_OF(changed, MIN_OF(row[j], row[j + 1]) + 1);
		}
	}
	return row[n];
}

const char *cli_nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	size_t best_distance = 3; /* two slips at most */

	for (; *words; words++) {
		size_t d = distance(word, *words);
		if (d < best_distance && d < strlen(*words)) {
			best = *words;
			best_distance = d;
		}
	}
	return best;
}

const char *cli_nearest_command(const char *group, const char *word)
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
	return cli_nearest(word, words);
}
