/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How crashes are shown: the same words, states and JSON in every command. */
#include "cli/crash-source.h"
#include "coredump/core-file.h"

/* Of an id in narrow lists; index_find() takes it, too. */
#define CRASH_SHORT_DIGITS 8

/* Looks at the core: beneath --root, else here; then at the copy of a pinned one. *ret_copy (may be
 * NULL): it is the copy that counts. */
void crash_core_look(const CrashSource *source, const CrashRow *row, CoreInfo *ret, bool *ret_copy);
CellStyle crash_core_style(CoreState state);

/* The documented JSON of one crash with what became of it and of its core
 * (man/schema/crash.schema.json). New reference; NULL: no memory. */
json_t *crash_row_json(const CrashSource *source, const CrashRow *row, bool full);

/* How often this crash is known to have happened, itself counted; 1 where that cannot be read. */
uint64_t crash_repeats(const CrashSource *source, const CrashRow *row);
/* "user" or "1000"; buf must hold 64 bytes. */
const char *crash_user_name(uid_t uid, char buf[static 64]);
/* The package and version of the program, "bash 5.2-1 (debian)", out of COREDUMP_PACKAGE_JSON;
 * NULL: not told. Raw; caller frees. */
char *crash_package(const Crash *crash);
/* What marks a crash in lists: "unverified, pinned"; "" nothing. buf must hold 96 bytes. */
const char *crash_marks(const CrashRow *row, char buf[static 96]);
/* What could be done about a core that is not there: one sentence without a period, N_(). */
const char *crash_core_why(const Crash *crash, const CoreInfo *info);
