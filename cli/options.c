/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of options. Which command knows which, the bits tell. */
#include "cli/cli.h"

#include "common/i18n.h"

#define AT(member) offsetof(CliOptions, member)

/* clang-format off */
const CliOption cli_options[] = {
	{"help",            'h', NULL,    AT(help),            OPTION_COMMON, N_("show this help"), NULL},
	{"version",          0,  NULL,    AT(version),         OPTION_COMMON, N_("show the version"), NULL},
	{"json",            'j', NULL,    AT(json),            OPTION_COMMON, N_("print one JSON document (schemas: share/vigil/schema)"), NULL},
	{"color",            0,  "WHEN",  AT(colour),          OPTION_COMMON, N_("auto, always or never; NO_COLOR is respected"), "auto always never"},
	{"no-pager",         0,  NULL,    AT(no_pager),        OPTION_COMMON, N_("do not pipe long output into a pager"), NULL},
	{"wait",             0,  NULL,    AT(wait),            OPTION_COMMON, N_("wait for Enter at the end: for a window that closes then"), NULL},
	{"no-legend",        0,  NULL,    AT(no_legend),       OPTION_LEGEND, N_("leave out the header and the notes"), NULL},
	{"limit",           'n', "N",     AT(limit),           OPTION_ROWS | OPTION_LIMIT, N_("show at most N rows; of crashes the newest"), NULL},
	{"top",              0,  "N",     AT(limit),           OPTION_TABLE,  N_("the N biggest rows"), NULL},
	{"reverse",         'r', NULL,    AT(reverse),         OPTION_ROWS,   N_("turn the order round"), NULL},
	{"sort",             0,  "KEY",   AT(sort),            OPTION_TABLE,  N_("watches, instances, name, pid or user"), "watches instances name pid user"},
	{"by",              'b', "KEY",   AT(by),              OPTION_BY,     N_("one row a process, exe, app, unit, container or user"), "process exe app unit container user"},
	{"need-instances",   0,  "N",     AT(need_instances),  OPTION_NEED,   N_("would N more instances fit?"), NULL},
	{"need-watches",     0,  "N",     AT(need_watches),    OPTION_NEED,   N_("would N more watches fit?"), NULL},
	{"warning",         'w', "PERCENT", AT(warning),       OPTION_NEED,   N_("warn from this share on (80)"), NULL},
	{"critical",        'c', "PERCENT", AT(critical),      OPTION_NEED,   N_("critical from this share on (95)"), NULL},
	{"dry-run",          0,  NULL,    AT(dry_run),         OPTION_CHANGE, N_("only say what would be done, to the exact file and command"), NULL},
	{"no-ask-password",  0,  NULL,    AT(no_ask_password), OPTION_PASSWORD, N_("never ask for a password"), NULL},
	{"quiet",           'q', NULL,    AT(quiet),           OPTION_QUIET,  N_("leave out the notes; with check: print nothing, only set the exit status"), NULL},
	{"since",           'S', "TIME",  AT(since),           OPTION_MATCH,  N_("only crashes from this time on: today, yesterday, -1h, \"2026-11-24 10:00\""), NULL},
	{"until",           'U', "TIME",  AT(until),           OPTION_MATCH | OPTION_UNTIL, N_("only crashes up to this time; of a mute: when it ends, as +2h or tomorrow"), NULL},
	{"one",             '1', NULL,    AT(one),             OPTION_MATCH,  N_("only the newest one"), NULL},
	{"all",             'a', NULL,    AT(all),             OPTION_ALL,    N_("crashes of all users that you may see, not only your own"), NULL},
	{"present",          0,  NULL,    AT(present),         OPTION_PRESENT, N_("only crashes whose core is still there"), NULL},
	{"field",           'F', "FIELD", AT(field),           OPTION_FIELD,  N_("list the values of one field, each once"), NULL},
	{"directory",       'D', "DIR",   AT(directory),       OPTION_PLACE,  N_("read the journals in a folder, of one machine or many"), NULL},
	{"file",             0,  "GLOB",  AT(files),           OPTION_PLACE,  N_("read these journal files"), NULL, .many = true},
	{"root",             0,  "DIR",   AT(root),            OPTION_PLACE | OPTION_ROOT, N_("read the journal and the cores of a system mounted there"), NULL},
	{"output",          'o', "FILE",  AT(output),          OPTION_OUTPUT, N_("write to FILE, which is replaced once all is there"), NULL},
	{"max-size",         0,  "BYTES", AT(max_size),        OPTION_VACUUM, N_("delete the oldest cores until all take at most so much (500M, 2G)"), NULL},
	{"max-age",          0,  "SPAN",  AT(max_age),         OPTION_VACUUM, N_("delete cores older than this (2d, 4weeks)"), NULL},
	{"per-program",      0,  "N",     AT(per_program),     OPTION_VACUUM, N_("keep the N newest cores of each program"), NULL},
	{"debugger",         0,  "PROGRAM", AT(debugger),      OPTION_DEBUGGER, N_("gdb, lldb, or the path of one (Debugger= of vigil.conf; gdb)"), "gdb lldb"},
	{"debugger-arguments", 'A', "ARGS", AT(debugger_arguments), OPTION_DEBUGGER, N_("more arguments for it, quoted as for a shell"), NULL},
	{"print-command",    0,  NULL,    AT(print_command),   OPTION_DEBUGGER, N_("only print the command that would be run, for a shell"), NULL},
	{"debuginfod",       0,  NULL,    AT(debuginfod),      OPTION_DEBUGINFOD, N_("fetch debug information from the servers in DEBUGINFOD_URLS"), NULL},
	{"similar",          0,  NULL,    AT(similar),         OPTION_SIMILAR, N_("list the other crashes that are the same"), NULL},
	{"delete",           'd', NULL,    AT(delete),         OPTION_DELETE, N_("take the note away"), NULL},
	{"refresh",          0,  NULL,    AT(refresh),         OPTION_TRACE,  N_("unwind the core even if a trace is kept"), NULL},
	{"threads",          0,  NULL,    AT(threads),         OPTION_TRACE,  N_("all threads, not only the one that crashed"), NULL},
	{"full",             0,  NULL,    AT(full),            OPTION_TRACE,  N_("all threads, registers, and the files with their packages"), NULL},
	{"stats",            0,  NULL,    AT(stats),           OPTION_TRACE,  N_("what unwinding cost: bytes read and written, time"), NULL},
	{"metered",          0,  NULL,    AT(metered),         OPTION_TRACE,  N_("with --debuginfod: also where the network is metered"), NULL},
	{"yes",             'y', NULL,    AT(yes),             OPTION_YES,    N_("do not ask"), NULL},
	{"proc",             0,  "DIR",   AT(proc),            OPTION_SCAN,   N_("read another /proc tree"), NULL},
};
/* clang-format on */
const size_t cli_n_options = ELEMENTSOF(cli_options);
