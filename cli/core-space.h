/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether a core fits where it is to be decompressed to, before it is. */
#include "cli/cli.h"

/* core: as core_acquire() gives it. out: the file to be written, out_name: where that is, for
 * people. A sparse core may fit even so: a person is asked, a script is refused, --yes tries. hint:
 * translated, what to do else, "name another place with -o". EXIT_DONE where it fits, is tried, or
 * nobody can tell; the line is printed otherwise. */
int core_space_check(const Cli *cli, int core, int out, const char *out_name, const char *hint);
