/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The first step: what a core says by its notes alone, before anybody has looked at a file of the
 * programs and libraries in it. */
#include "coredump/trace.h"
#include "coredump/unwind/core-memory.h"

/* memory: of a plain core or of an image. tid: the thread that crashed as others know it; 0: the
 * first one of the notes. Fills machine, signal and fault, threads (without frames, that one
 * first), modules (path, build id, range, bias; state unknown or memory). ret must be {} and is the
 * caller's to empty, also after failure. 0; -ENOMEM, -errno. */
int scan_core(CoreMemory *memory, pid_t tid, Trace *ret);
/* The modules of it, by NT_FILE, the auxiliary vector and the ELF headers in memory: used by
 * scan_core(). A module is a file of which something could be executed. Where the core does not
 * hold its header (coredump_filter without bit 4) its build id is "", and bias is that of a file
 * whose addresses are its offsets, as of every library. */
int scan_modules(CoreMemory *memory, Trace *trace);
