/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A core that the caller may not read, through vigil-helper, which asks polkit. */
#include "cli/cli.h"
#include "coredump/record.h"

/* Has the core's own bytes (compressed as they are) written into target, a regular file. An exit
 * status; the error line is printed. */
int core_fetch(const Cli *cli, const Crash *crash, int target);
