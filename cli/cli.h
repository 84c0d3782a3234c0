/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The frame of the command line: one table of commands, one of options. Help, manual page and
 * completions are made from these tables and nothing else. */
#include "cli/table.h"
#include "survey/survey.h"
#include <jansson.h>

/* Exit statuses (design.md). `inotify check` has the monitoring plugins' own four. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	CHECK_OK = 0,
	CHECK_WARNING = 1,
	CHECK_CRITICAL = 2,
	CHECK_UNKNOWN = 3,
};

typedef enum ColourMode {
	COLOUR_AUTO,
	COLOUR_ALWAYS,
	COLOUR_NEVER,
} ColourMode;

/* What the options say; defaults in cli_defaults. Strings are borrowed from argv. */
typedef struct CliOptions {
	const char *colour, *by, *sort, *proc;
	const char *need_instances, *need_watches, *warning, *critical, *limit;
	const char *since, *until, *field, *directory, *root, *output;
	const char *max_size, *max_age, *per_program;
	const char *debugger, *debugger_arguments;
	char **files; /* of --file, NULL-terminated; NULL: none */
	int help, version, json, no_legend, no_pager, quiet, reverse, dry_run, no_ask_password;
	int one, all, present, yes, wait, delete, debuginfod, print_command, similar;
	int refresh, threads, full, stats, metered;
} CliOptions;

/* Bits: which options a command knows. Those of OPTION_COMMON every command knows. */
enum {
	OPTION_COMMON = 1 << 0,
	OPTION_TABLE = 1 << 1, /* --top --sort */
	OPTION_BY = 1 << 2,
	OPTION_NEED = 1 << 3,	/* --need-… --warning --critical */
	OPTION_CHANGE = 1 << 4, /* --dry-run --no-ask-password */
	OPTION_SCAN = 1 << 5,	/* --proc */
	OPTION_QUIET = 1 << 6,
	OPTION_LEGEND = 1 << 7, /* --no-legend */
	OPTION_ROWS = 1 << 8,	/* -n -r */
	OPTION_MATCH = 1 << 9,	/* -S -U -1 */
	OPTION_PLACE = 1 << 10, /* -D --file --root */
	OPTION_FIELD = 1 << 11, /* -F */
	OPTION_OUTPUT = 1 << 12,
	OPTION_YES = 1 << 13,
	OPTION_UNTIL = 1 << 14,	 /* --until alone, of a mute */
	OPTION_VACUUM = 1 << 15, /* --max-size --max-age --per-program */
	OPTION_PASSWORD = 1 << 16,
	OPTION_ALL = 1 << 17,
	OPTION_PRESENT = 1 << 18,
	OPTION_ROOT = 1 << 19,	/* --root alone */
	OPTION_LIMIT = 1 << 20, /* -n alone */
	OPTION_DELETE = 1 << 21,
	OPTION_DEBUGGER = 1 << 22, /* --debugger --debugger-arguments --print-command */
	OPTION_DEBUGINFOD = 1 << 23,
	OPTION_TRACE = 1 << 24, /* --refresh --threads --full --stats --metered */
	OPTION_SIMILAR = 1 << 25,
};

typedef struct CliOption {
	const char *name;
	char letter;
	const char *argument; /* its name in help; NULL: a flag */
	size_t offset;	      /* in CliOptions: const char *, char ** (many) or int */
	unsigned bit;
	const char *help;
	const char *choices; /* space-separated, for completion; NULL: free */
	bool many;	     /* may be given several times */
} CliOption;

extern const CliOption cli_options[];
extern const size_t cli_n_options;

typedef struct Cli {
	CliOptions options;
	const struct Command *command;
	StrBuf out;    /* what will be shown; written at the end, through a pager where one fits */
	bool terminal; /* stdout is one */
	size_t width;  /* of it; 0: do not cut */
	bool colour;
	bool utf8;
	bool paged; /* a pager showed it, and was left */
	int proc_fd;
	long max_rows; /* -n; 0: all */
} Cli;

typedef struct Command {
	const char *group; /* "inotify", or NULL at the top */
	const char *name;
	const char *arguments;		  /* "[PATTERN|PID]…" */
	unsigned options;		  /* bits */
	int min_arguments, max_arguments; /* max -1: any number */
	const char *summary;		  /* one line */
	const char *details;		  /* paragraphs for --help and the manual; may be NULL */
	const char *words; /* space-separated words its first argument may be; NULL: free */
	int trouble;	   /* exit status where the command could not even start, if 1 and 2 mean
			      something else in it; 0: they do not */
	int (*run)(Cli *cli, int argc, const char **argv);
} Command;

extern const Command cli_commands[];
extern const size_t cli_n_commands;
/* The verb that a group alone stands for ("vigil inotify" = list). */
#define CLI_GROUP_DEFAULT "list"
/* group NULL: a command at the top. NULL: there is none. */
const Command *cli_find(const char *group, const char *name);
bool cli_is_group(const char *name);
/* The nearest known word to a mistyped one, NULL if none is near. words: NULL-terminated. */
const char *cli_nearest(const char *word, const char *const *words);
/* The same among a group's verbs, or (NULL) among the commands and groups. */
const char *cli_nearest_command(const char *group, const char *word);

/* One line on stderr and the exit status to leave with. */
int cli_fail(int status, const char *format, ...) PRINTF_FORMAT(2, 3);

/* The survey as the options ask; on failure the line is printed and NULL given. */
Survey *cli_survey(Cli *cli, bool skip_watches);
/* Asks on the terminal, default no. True where there is nobody to ask (stdin or stderr is no
 * terminal), and with --yes. */
bool cli_confirm(const Cli *cli, const char *question);
/* A JSON document on stdout. Steals root (NULL: out of memory). Exit status. */
int cli_print_json(Cli *cli, json_t *root);
/* Writes cli->out, through a pager as git does. Exit status. */
int cli_show(Cli *cli);
/* A note under a table, not shown with --quiet or --no-legend. */
void cli_note(Cli *cli, const char *format, ...) PRINTF_FORMAT(2, 3);
/* "72 %", "unknown" (buf: 32). */
const char *cli_percent(double percent, char buf[static 32]);
CellStyle cli_level_style(double percent);

/* Help texts, from the tables. */
void help_overview(StrBuf *out);
void help_group(StrBuf *out, const char *group);
void help_command(StrBuf *out, const Command *command);
/* "man", "bash", "zsh", "fish". False: no such form. */
bool generate(StrBuf *out, const char *form);
/* "bash", "zsh", "fish". */
bool completion_generate(StrBuf *out, const char *shell);

/* The commands, one file each. */
int cmd_status(Cli *cli, int argc, const char **argv);
int cmd_inotify_list(Cli *cli, int argc, const char **argv);
int cmd_inotify_limits(Cli *cli, int argc, const char **argv);
int cmd_inotify_check(Cli *cli, int argc, const char **argv);
int cmd_inotify_raise(Cli *cli, int argc, const char **argv);
int cmd_inotify_reset(Cli *cli, int argc, const char **argv);
int cmd_inotify_explain(Cli *cli, int argc, const char **argv);
int cmd_crash_list(Cli *cli, int argc, const char **argv);
int cmd_crash_info(Cli *cli, int argc, const char **argv);
int cmd_crash_bt(Cli *cli, int argc, const char **argv);
int cmd_crash_debug(Cli *cli, int argc, const char **argv);
int cmd_crash_dump(Cli *cli, int argc, const char **argv);
int cmd_crash_report(Cli *cli, int argc, const char **argv);
int cmd_crash_forget(Cli *cli, int argc, const char **argv);
int cmd_crash_import(Cli *cli, int argc, const char **argv);
int cmd_crash_groups(Cli *cli, int argc, const char **argv);
int cmd_crash_note(Cli *cli, int argc, const char **argv);
int cmd_crash_du(Cli *cli, int argc, const char **argv);
int cmd_crash_delete(Cli *cli, int argc, const char **argv);
int cmd_crash_vacuum(Cli *cli, int argc, const char **argv);
int cmd_crash_pin(Cli *cli, int argc, const char **argv);
int cmd_crash_unpin(Cli *cli, int argc, const char **argv);
int cmd_crash_mute(Cli *cli, int argc, const char **argv);
int cmd_crash_unmute(Cli *cli, int argc, const char **argv);
int cmd_events(Cli *cli, int argc, const char **argv);
int cmd_setup(Cli *cli, int argc, const char **argv);
int cmd_doctor(Cli *cli, int argc, const char **argv);
int cmd_help(Cli *cli, int argc, const char **argv);
