/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a core says: threads and their frames, modules, what the fault was. vigil-unwind makes it in
 * its sandbox and hands it over as JSON (man/schema/trace.schema.json); the index keeps that JSON;
 * everything that is shown, rated or grouped is made from this struct. All text is foreign: raw
 * bytes, bounded by the reader, escaped by whoever shows it. */
#include "common/json.h"

#define TRACE_VERSION	    1
#define TRACE_THREADS_MAX   4096 /* told; n_threads_left counts the others */
#define TRACE_FRAMES_MAX    320	 /* kept of a thread: both ends of a longer one */
#define TRACE_MODULES_MAX   4096
#define TRACE_TEXT_MAX	    4096 /* bytes of one name; symbols of templates are long */
#define TRACE_JSON_MAX	    ((size_t)16 * 1024 * 1024) /* read from vigil-unwind */
#define TRACE_JSON_OBJECTS  ((size_t)512 * 1024)       /* and arrays, in it */
#define TRACE_BUILD_ID_SIZE 129			       /* up to 64 bytes in hexadecimal, and NUL */

typedef enum TraceModuleState {
	MODULE_UNKNOWN,	   /* nobody looked for its file yet */
	MODULE_PRESENT,	   /* the file on disk is the one that crashed (build ids are equal) */
	MODULE_UNPROVEN,   /* there is a file, and no build id to compare by: used, and said so */
	MODULE_REPLACED,   /* the file on disk is another one by now: not used for anything */
	MODULE_DELETED,	   /* it is gone */
	MODULE_UNREADABLE, /* it is there, and this user may not read it, or it is no ELF file */
	MODULE_MEMORY,	   /* never had a file: the vDSO */
	MODULE_STATE_MAX,
} TraceModuleState;

typedef enum TraceSymbols {
	SYMBOLS_NONE,
	SYMBOLS_EXPORTED, /* .dynsym alone */
	SYMBOLS_TABLE,	  /* .symtab */
	SYMBOLS_DEBUG,	  /* DWARF */
	SYMBOLS_MAX,
} TraceSymbols;

typedef struct TraceModule {
	char *path; /* as the process had it mapped (NT_FILE), without " (deleted)" */
	char build_id[TRACE_BUILD_ID_SIZE]; /* "": the core does not tell */
	uint64_t start, end;		    /* of its mappings */
	uint64_t bias;			    /* address in memory = address in the file + bias */
	bool is_executable_file;	    /* of the process: where AT_PHDR points into */
	TraceModuleState state;
	TraceSymbols symbols;
	char *debug_file;	 /* that its DWARF is from, where not the file itself */
	char *package, *version; /* whose it is; NULL: not known */
} TraceModule;

typedef struct TraceFrame {
	uint64_t pc;	 /* as unwound: of frames above the first it is the return address */
	uint64_t offset; /* in its module's file, of the instruction itself (pc - 1 for callers) */
	int module;	 /* index; -1: none */
	bool inlined;	 /* its code stands in the frame that follows */
	bool signal;	 /* the frame that the kernel made to deliver a signal */
	char *symbol;	 /* as linked (mangled); NULL: not known */
	char *function;	 /* as people write it (demangled); NULL as symbol */
	char *file;	 /* source; NULL */
	unsigned line, column; /* 0: not known */
} TraceFrame;

typedef struct TraceThread {
	pid_t tid;
	char *name; /* NULL: not told */
	bool crashed;
	TraceFrame *frames; /* innermost first */
	size_t n_frames;
	/* of a thread with too many: frames[left_at - 1] is followed by n_left ones that were left
	 * out */
	size_t left_at;
	uint64_t n_left;
	/* runaway recursion: frames [cycle_at, cycle_at + cycle_length) come cycle_repeats times
	 * over; 0: none */
	size_t cycle_at, cycle_length;
	uint64_t cycle_repeats;
	bool complete; /* unwound to the thread's first function */
	char *error;   /* why it is not; NULL */
} TraceThread;

typedef struct TraceRegister {
	char name[16];
	uint64_t value;
} TraceRegister;
#define TRACE_REGISTERS_MAX 64

typedef struct TraceStats {
	uint64_t core_bytes;	/* of the whole core, decompressed; 0: not known (cut short) */
	uint64_t read_bytes;	/* of the core's file */
	uint64_t written_bytes; /* to disk (st_blocks) */
	usec_t usec;		/* that it took, files of packages included */
} TraceStats;

typedef struct Trace {
	char machine[16]; /* "x86_64", "aarch64", "i386", "em-N" */
	unsigned bits;	  /* 32, 64 */
	int signal;	  /* 0: the core does not tell */
	int code;	  /* si_code */
	bool has_code, has_fault_address;
	uint64_t fault_address; /* si_addr of SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
	pid_t sender_pid;	/* of a signal that was sent (si_code <= 0); 0 */
	uid_t sender_uid;
	char *partial; /* why not all of it could be said: "the core ends after 12 of 40 MiB"; NULL
			*/
	TraceThread *threads; /* the crashed one first */
	size_t n_threads;
	uint64_t n_threads_left;
	TraceModule *modules; /* by address */
	size_t n_modules;
	TraceRegister registers[TRACE_REGISTERS_MAX]; /* of the crashed thread's first frame */
	size_t n_registers;
	TraceStats stats;
} Trace;

void trace_done(Trace *trace); /* empties it; fine on {} and twice */
static inline void trace_donep(Trace *trace)
{
	trace_done(trace);
}

/* The documented JSON. New reference; NULL: no memory. */
json_t *trace_to_json(const Trace *trace);
/* The other way round, from whoever: counts, sizes, indices and ranges are checked, unknown keys
 * ignored. 0; -EBADMSG: not that; -ENOMEM; ret is empty then. */
int trace_from_json(const json_t *root, Trace *ret);

/* The crashed thread; NULL: none. */
const TraceThread *trace_crashed(const Trace *trace);
/* The name of a module's file without its folders, "?" for -1. */
const char *trace_module_name(const Trace *trace, int module);
/* What the fault was, in words to follow a colon: "read of address 0x0 — a null pointer", "integer
 * division by zero", "signal sent by process 4711 of user 1000"; NULL: nothing to add to the
 * signal. Translated; buf must hold 160 bytes. Source: sigaction(2), the kernel's
 * arch/x86/mm/fault.c for si_code. */
const char *trace_fault_words(const Trace *trace, char buf[static 160]);
