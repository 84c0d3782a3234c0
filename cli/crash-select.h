/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which crashes a command line asks for. */
#include "cli/crash-source.h"
#include "coredump/crash-match.h"

typedef struct CrashSelection {
	CrashQuery query;
	CrashMatches matches;
	char *directory; /* that we are in */
	char uid[16];	 /* of the caller, where only their crashes are shown */
	bool only_own;
} CrashSelection;

/* The whole of it: arguments, --since, --until, -n, -1, -r, --all. An exit status; the error line
 * is printed. Empties with crash_selection_done(). */
int crash_selection_parse(const Cli *cli, const CrashSource *source, int argc, const char **argv,
	CrashSelection *ret);
void crash_selection_done(CrashSelection *selection);

/* One crash by what was typed: an id's prefix, "latest", a name or path, a PID, or FIELD=VALUE for
 * the newest that matches. An exit status; the error line, and the list of those it may be, is
 * printed. The caller empties ret with index_row_done(). */
int crash_select_one(
	const Cli *cli, const CrashSource *source, const char *selector, CrashRow *ret);

/* Whether it has the form of a signature, which stands for all crashes that are the same. */
bool crash_is_signature(const char *text);

/* A verb that changes one crash after another until one fails: opens the index for writing, does
 * `one` for each argument (which adds the id to ids), then shows what went well, also before an
 * error; as JSON root (stolen) with the ids as `key`. An exit status. */
int crash_change_each(Cli *cli, int argc, const char **argv, json_t *root, const char *key,
	int (*one)(Cli *cli, const CrashSource *source, const char *selector, json_t *ids));
