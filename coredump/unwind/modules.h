/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The files of a trace's modules as libdwfl knows them. Only files that the plan names are opened,
 * and of those only ones that are what crashed: build ids are compared again here, separate debug
 * files are held to the build id or to the checksum of .gnu_debuglink. The vDSO is read out of the
 * core. */
#include "coredump/trace.h"
#include "coredump/unwind/core-memory.h"
#include "coredump/unwind/plan.h"
#include <elfutils/libdwfl.h>

typedef struct LoadedModule {
	struct Modules *all;
	size_t index;	   /* in trace->modules */
	Dwfl_Module *dwfl; /* of its own file; NULL: nothing tells how to get to its callers */
	/* the same, or, where its file is missing or another by now, of its debug file alone, which
	 * has names and lines, and no code or tables for unwinding; NULL: it has none */
	Dwfl_Module *names;
	Elf *memory_elf; /* of the vDSO, with what it is made of */
	char *memory;
	Elf *alt_elf;
	Dwarf *alt;
	int alt_fd;
	bool looked, debug_table; /* for symbols; its debug file has a .symtab */
} LoadedModule;

typedef struct Modules {
	Dwfl *dwfl;
	Dwfl *names;		  /* a session that is never unwound with */
	const CoreMemory *memory; /* borrowed, as the next two */
	const Plan *plan;
	Trace *trace;
	LoadedModule *module; /* one for each of trace->modules */
} Modules;

/* Opens them and sets state in trace->modules. 0; -ENOMEM; -EIO: libdwfl failed. */
int modules_load(const CoreMemory *memory, const Plan *plan, Trace *trace, Modules *ret);
void modules_done(Modules *modules);

/* The module that address lies in; NULL: none. */
LoadedModule *modules_find(Modules *modules, uint64_t address);
/* Its DWARF, loaded when first asked for; NULL: none. *ret_bias: address in memory - in DWARF. */
Dwarf *module_dwarf(LoadedModule *module, uint64_t *ret_bias);
/* Sets symbols in its TraceModule, once. */
void module_rate(LoadedModule *module);
/* Bytes that its file holds and the core does not: of read-only segments. Number of bytes, fewer
 * than length at the segment's end; 0: none. */
size_t module_read(const LoadedModule *module, uint64_t address, void *data, size_t length);
