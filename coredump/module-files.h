/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where a trace's modules are on this machine, and what holds their symbols: the plan by which
 * vigil-unwind, which can look for nothing itself, opens files. Modules' paths were written by what
 * crashed: they are opened as regular files only, never waited for, and what they lead to must be
 * an ELF file of the very build that crashed (module-facts.h), or stays out of the plan. Blocks for
 * disk. */
#include "coredump/trace.h"

#define MODULE_DEBUG_ROOT "/usr/lib/debug" /* of gdb, elfutils and all packages of debug files */

typedef struct ModulePlaces {
	int root_fd; /* what was "/" to the process; -EBADF: this machine's root */
	/* It ran in a container whose files are not here: what differs was not replaced. */
	bool elsewhere;
	const char *debug_root; /* MODULE_DEBUG_ROOT, beneath each root */
	const char *cache;	/* of debuginfod: BUILDID/{debuginfo,executable}; NULL: none */
} ModulePlaces;

typedef struct ModuleFile {
	TraceModuleState state;
	char *file;	    /* real path of a file that holds its code; NULL: none */
	char **debug_files; /* words.h; NULL: none */
	char **alt_files;
	char *package_note; /* of the file, if it is the one that crashed (module-facts.h); NULL */
} ModuleFile;

typedef struct ModuleFiles {
	ModuleFile *files; /* one for each of the trace's modules */
	size_t n;
} ModuleFiles;

/* 0; -ENOMEM. A module whose file cannot be had is no error. Empties with module_files_done(). */
int module_files_find(const Trace *trace, const ModulePlaces *places, ModuleFiles *ret);
void module_files_done(ModuleFiles *files);
static inline void module_files_donep(ModuleFiles *files)
{
	module_files_done(files);
}

/* {"version":1,"modules":[{"index":0,"file":"/…","debugFiles":[…],"altFiles":[…]}]}, modules
 * without any file left out. New reference; NULL: no memory. */
json_t *module_files_plan(const ModuleFiles *files);
/* Puts the states into the trace of the same modules. What the unwinder found replaced, a moment
 * later, stays so. */
void module_files_judge(const ModuleFiles *files, Trace *trace);

/* debuginfod's own rule where its cache is (debuginfod_find_debuginfo(3)), from the values of
 * $DEBUGINFOD_CACHE_PATH, $XDG_CACHE_HOME and $HOME; NULL: not set. Caller frees; NULL: none. */
char *module_cache_path(const char *cache_path, const char *xdg_cache_home, const char *home);
