/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The column of keys that `vigil crash info` has, as coredumpctl's: "            PID: 4711 (foo)".
 * Keys are translated. */
#include "cli/cli.h"

#define INFO_INDENT 17 /* where what a key tells begins, and goes on in the next lines */

/* Columns that are left for it; 0: do not cut, or too narrow to care. */
size_t info_room(const Cli *cli);
/* The key alone; "": goes on with what stands above. */
void info_key(Cli *cli, const char *key);
/* text is foreign: each line of it is escaped, and stands under the first. NULL, "": no line. */
void info_text(Cli *cli, const char *key, const char *text);
void info_textf(Cli *cli, const char *key, const char *format, ...) PRINTF_FORMAT(3, 4);
/* Words of ours, which a narrow terminal gets in lines of its width. What is there to be copied
 * (paths, command lines) is left to the terminal, as coredumpctl does. */
void info_prose(Cli *cli, const char *key, const char *text);
/* Lines that are escaped, and styled, already. "": no line. */
void info_lines(Cli *cli, const char *key, const char *lines);
