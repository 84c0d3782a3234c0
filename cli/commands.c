/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of commands. */
#include "cli/cli.h"

#include "common/i18n.h"
#include "common/text.h"

#define NOTE_OPTIONS  (OPTION_COMMON | OPTION_LEGEND | OPTION_QUIET | OPTION_SCAN)
#define LIST_OPTIONS  (NOTE_OPTIONS | OPTION_TABLE | OPTION_ROWS | OPTION_BY)
#define CRASH_OPTIONS (OPTION_COMMON | OPTION_QUIET | OPTION_PLACE)
#define MATCH_OPTIONS (CRASH_OPTIONS | OPTION_LEGEND | OPTION_ROWS | OPTION_MATCH | OPTION_ALL)
#define WORDS_MAX     64

/* clang-format off */
const Command cli_commands[] = {
	{.name = "status", .options = OPTION_COMMON | OPTION_SCAN, .run = cmd_status,
	 .summary = N_("one screen: inotify, today's crashes, and whether Vigil watches both")},
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
	{.group = "inotify", .name = "raise", .arguments = "instances|watches [VALUE]", .options = OPTION_COMMON | OPTION_CHANGE | OPTION_PASSWORD, .min_arguments = 1, .max_arguments = 2,
	 .words = "instances watches", .run = cmd_inotify_raise,
	 .summary = N_("raise a limit, now and for the next boots"),
	 .details = /* xgettext:no-c-format */ N_("Without VALUE the next sensible step is taken: twice the limit and at least twice the use, at most 8192 instances, "
		"and as many watches as 1 % of memory pays for or 1048576. polkit asks for authorisation.")},
	{.group = "inotify", .name = "reset", .options = OPTION_COMMON | OPTION_CHANGE | OPTION_PASSWORD, .run = cmd_inotify_reset,
	 .summary = N_("forget what Vigil raised, and restore the values it found")},
	{.group = "inotify", .name = "explain", .arguments = "[PID]", .options = NOTE_OPTIONS, .max_arguments = 1, .run = cmd_inotify_explain,
	 .summary = N_("why a program says \"no space left\" or \"too many open files\"")},
	{.group = "crash", .name = "list", .arguments = "[MATCH]...", .options = MATCH_OPTIONS | OPTION_PRESENT | OPTION_FIELD, .max_arguments = -1, .run = cmd_crash_list,
	 .summary = N_("past crashes, newest last"),
	 .details = N_("A MATCH is a PID, a program's name, a path, or FIELD=VALUE with a journal field or a key of the JSON; * and ? match. "
		"Several of one kind are alternatives, of different kinds all must hold. Crashes stay listed when journal and core are gone. "
		"COREFILE tells of the core: present, missing (deleted since), inaccessible (not yours to read), truncated, journal, or none. "
		"Without the daemon the journal is read first; where the index cannot be written, the list is made in memory.")},
	{.group = "crash", .name = "info", .arguments = "[ID]...", .options = MATCH_OPTIONS | OPTION_SIMILAR, .max_arguments = -1, .run = cmd_crash_info,
	 .summary = N_("all that is known of a crash on one page"),
	 .details = N_("An ID is the start of a crash's id, latest (as without any), a program's name or path, whose newest crash counts, a PID, "
		"or FIELD=VALUE. With --since, --until, -n or -1 all crashes that match are shown. What was understood of a crash stays when its "
		"core is gone; 'vigil crash bt' makes a backtrace where there is none yet.")},
	{.group = "crash", .name = "bt", .arguments = "[ID|CORE]", .options = CRASH_OPTIONS | OPTION_LEGEND | OPTION_PASSWORD | OPTION_TRACE | OPTION_DEBUGINFOD, .max_arguments = 1, .run = cmd_crash_bt,
	 .summary = N_("where a program was when it crashed"),
	 .details = N_("The trace that is kept is shown, also when the core is long gone. Without one, or with --refresh, the core is unwound, in a "
		"sandbox: what it says is not trusted. Names are only taken from the very files that crashed; what was replaced or "
		"deleted since is told below. With --debuginfod the core of an incomplete trace is unwound anew with what the servers have; they are "
		"told build ids and nothing else. The path of a core file shows its trace without keeping it. For a core that you may not read "
		"polkit is asked through vigil-helper.")},
	{.group = "crash", .name = "groups", .arguments = "[MATCH]...", .options = MATCH_OPTIONS, .max_arguments = -1, .run = cmd_crash_groups,
	 .summary = N_("the same crash counted once, the most frequent first")},
	{.group = "crash", .name = "note", .arguments = "ID|SIGNATURE [TEXT]...", .options = OPTION_COMMON | OPTION_QUIET | OPTION_DELETE, .min_arguments = 1, .max_arguments = -1, .run = cmd_crash_note,
	 .summary = N_("show, or with TEXT write, your own note on a crash"),
	 .details = N_("A note belongs to all crashes that are the same, those to come too; groups and info show it. It never leaves this machine "
		"by itself.")},
	{.group = "crash", .name = "dump", .arguments = "[ID]", .options = CRASH_OPTIONS | OPTION_OUTPUT | OPTION_PASSWORD | OPTION_YES, .max_arguments = 1, .run = cmd_crash_dump,
	 .summary = N_("write the core of a crash, decompressed"),
	 .details = N_("With -o into a file that only you can read, sparse, and under its name only once it is whole: what stood there before is "
		"replaced then, a symlink itself, and nothing is left behind by a failure. Else to the output, unless that is a terminal. "
		"For a core that you may not read polkit is asked through vigil-helper.")},
	{.group = "crash", .name = "debug", .arguments = "[ID]", .options = OPTION_COMMON | OPTION_QUIET | OPTION_PASSWORD | OPTION_PLACE | OPTION_YES | OPTION_DEBUGGER | OPTION_DEBUGINFOD, .max_arguments = 1, .run = cmd_crash_debug,
	 .summary = N_("start a debugger on the whole core of a crash"),
	 .details = N_("A compressed core is decompressed, sparse, into a file without a name, which is gone when the debugger ends. It runs in a fresh "
		"empty folder, which is removed with what was left in it; no script that comes with the program or lies in your home is run, and "
		"nothing is fetched without --debuginfod. It is given the very file that crashed, or none. A crash in a flatpak is debugged in its "
		"sandbox, with the debugger of its SDK. For a core that you may not read polkit is asked through vigil-helper. --json only goes "
		"with --print-command.")},
	{.group = "crash", .name = "report", .arguments = "[ID]", .options = CRASH_OPTIONS, .max_arguments = 1, .run = cmd_crash_report,
	 .summary = N_("a crash as text for a bug report; nothing is sent"),
	 .details = N_("Markdown of at most 60 kB: program, version, what happened, and the stack trace. Never the environment; home directories become ~.")},
	{.group = "crash", .name = "import", .arguments = "CORE...", .options = OPTION_COMMON | OPTION_QUIET, .min_arguments = 1, .max_arguments = -1, .run = cmd_crash_import,
	 .summary = N_("add core files that no journal knows")},
	{.group = "crash", .name = "forget", .arguments = "ID...", .options = CRASH_OPTIONS, .min_arguments = 1, .max_arguments = -1, .run = cmd_crash_forget,
	 .summary = N_("take crashes off the list for good; cores stay")},
	{.group = "crash", .name = "pin", .arguments = "ID...", .options = OPTION_COMMON | OPTION_QUIET | OPTION_PASSWORD, .min_arguments = 1, .max_arguments = -1, .run = cmd_crash_pin,
	 .summary = N_("keep a crash, and a copy of its core when systemd lets go of it")},
	{.group = "crash", .name = "unpin", .arguments = "ID...", .options = OPTION_COMMON | OPTION_QUIET, .min_arguments = 1, .max_arguments = -1, .run = cmd_crash_unpin,
	 .summary = N_("keep it no longer, and delete the copy of its core")},
	{.group = "crash", .name = "mute", .arguments = "[PROGRAM|ID]", .options = OPTION_COMMON | OPTION_QUIET | OPTION_LEGEND | OPTION_UNTIL, .max_arguments = 1, .run = cmd_crash_mute,
	 .summary = N_("hear no more of a program's crashes, or of exactly one crash"),
	 .details = N_("A program is named by its path, or by the name of one that has crashed; an ID or a signature mutes exactly this crash. "
		"Muted crashes are listed all the same. Without an argument it lists what is muted.")},
	{.group = "crash", .name = "unmute", .arguments = "PROGRAM|ID", .options = OPTION_COMMON | OPTION_QUIET, .min_arguments = 1, .max_arguments = 1, .run = cmd_crash_unmute,
	 .summary = N_("hear of them again")},
	{.group = "crash", .name = "du", .options = OPTION_COMMON | OPTION_QUIET | OPTION_LEGEND | OPTION_LIMIT | OPTION_ROOT, .run = cmd_crash_du,
	 .summary = N_("what cores cost, what bounds them, and whose they are")},
	{.group = "crash", .name = "delete", .arguments = "ID...", .options = CRASH_OPTIONS | OPTION_CHANGE | OPTION_YES, .min_arguments = 1, .max_arguments = -1, .run = cmd_crash_delete,
	 .summary = N_("delete the cores of crashes; the crashes stay listed")},
	{.group = "crash", .name = "vacuum", .options = OPTION_COMMON | OPTION_QUIET | OPTION_ROOT | OPTION_VACUUM | OPTION_CHANGE | OPTION_YES, .run = cmd_crash_vacuum,
	 .summary = N_("delete old cores, by size, age or number; pinned ones stay")},
	{.name = "events", .options = OPTION_COMMON | OPTION_QUIET | OPTION_PLACE | OPTION_ALL, .run = cmd_events,
	 .summary = N_("what happens, live, one line (or one JSON object) an event")},
	{.name = "setup", .options = OPTION_COMMON | OPTION_CHANGE | OPTION_YES, .run = cmd_setup,
	 .summary = N_("do what doctor recommends and you may do; say what root has to")},
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
