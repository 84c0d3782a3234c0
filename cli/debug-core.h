/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A core as a debugger takes it: whole, not compressed, and the fresh folder that it runs in. */
#include "cli/cli.h"
#include "coredump/record.h"

typedef struct DebugCore {
	char *path;   /* what the debugger opens */
	char *folder; /* of ours alone, to run in; removed by debug_core_done() if .made */
	bool made;
	int fd; /* that path is of, to be open in the debugger, too; -EBADF: path is a name */
} DebugCore;
#define DEBUG_CORE_INIT                                                                            \
	{                                                                                          \
		.fd = -EBADF                                                                       \
	}

/* stored: as core_acquire() gives it; taken over where it succeeds. named: a descriptor will not
 * do, the debugger sees the folder alone (a sandbox). A core that is not compressed is used where
 * it is, all others are written to disk, sparse; free space is looked at first, and interrupts
 * (interrupt.h) end it. An exit status; the line is printed. */
int debug_core_bring(const Cli *cli, int *stored, bool named, DebugCore *ret);
/* Only what it would be called if a person brought it into the folder that we are in. stored:
 * -EBADF: to be written in any case. 1; 0: it is there already, as it is stored; -ENOMEM. */
int debug_core_name(const Crash *crash, int stored, bool named, DebugCore *ret);
/* Removes it and its folder. Fine on DEBUG_CORE_INIT and twice. */
void debug_core_done(DebugCore *core);
