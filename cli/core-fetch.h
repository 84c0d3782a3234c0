/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The core of a crash for reading, from wherever it is: its file, Vigil's copy of it, the journal,
 * or, where this user may not read it, through vigil-helper, which asks polkit. */
#include "cli/crash-source.h"

/* Where a core may stand for a while that is for no folder of the person's: on disk, not in memory
 * as /tmp may be. */
#define CORE_SPARE_DIRECTORY "/var/tmp"

/* A read-only fd of it, compressed as it is stored. directory: where an unnamed file may be made
 * for what comes from the journal or the helper. An exit status; the error line is printed. */
int core_acquire(const Cli *cli, const CrashSource *source, const CrashRow *row,
	const char *directory, int *ret_fd);
