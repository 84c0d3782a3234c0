/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How a debugger is started on a core. Whatever came with the crashed program is hostile: no script
 * of it is run, nothing is read from the folder that we are in, nothing is fetched unless asked. */
#include "common/words.h"

typedef enum DebuggerKind {
	DEBUGGER_GDB,
	DEBUGGER_LLDB,
} DebuggerKind;
/* By its name; what is not lldb in some form ("lldb-16") is taken for a gdb ("gdb-multiarch"). */
DebuggerKind debugger_kind(const char *name);

typedef struct DebuggerPlan {
	const char *const *debugger; /* its name or path, and arguments of the person's own */
	const char *core;	     /* path */
	const char *exe;     /* path of the very file that crashed; NULL: none that is known */
	const char *sysroot; /* what was "/" to the process; NULL: "/" */
	bool debuginfod;     /* debug information may be fetched */
	/* The application's id: the debugger of its SDK runs in its sandbox, where exe means
	 * something. NULL: no flatpak. */
	const char *flatpak;
	const char *flatpak_folder; /* that the sandbox is shown, with the core in it */
} DebuggerPlan;

/* The command. Caller frees with words_free(); NULL: no memory. Pure.
 * gdb(1): -nx, "auto-load" in the manual (CVE-2011-4355); lldb(1); flatpak-run(1). */
char **debugger_argv(const DebuggerPlan *plan);
/* Whether a path can stand in a debugger's own command: absolute, and without a character that ends
 * the command or means something in it. */
bool debugger_takes_path(const char *path);

/* As one line for a shell. Caller frees; NULL: no memory. */
char *words_for_shell(const char *const *words);
