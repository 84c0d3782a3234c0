/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One crash, from whatever source: a journal entry, a wire message, a core file's notes. Every
 * field is optional but the identity; what a source does not tell stays empty. All text is
 * foreign: raw bytes, bounded here, escaped by whoever shows it. */
#include "common/json.h"

typedef enum CrashKind {
	CRASH_COREDUMP,	 /* MESSAGE_ID fc2e22bc…, or a core file */
	CRASH_TRACEBACK, /* MESSAGE_ID 1f4e0a44…: a language's own, `systemd-coredump --backtrace`
			  */
	CRASH_KIND_MAX,
} CrashKind;

typedef enum CrashTrust {
	CRASH_UNVERIFIED, /* whoever wrote it may have made it up: listed, never notified */
	CRASH_GENUINE,	  /* see trust.h */
} CrashTrust;

#define CRASH_MESSAGE_ID_COREDUMP  "fc2e22bc6ee647b6b90729ab34a250b1"
#define CRASH_MESSAGE_ID_TRACEBACK "1f4e0a44a88649939aaea34fc6da8c95"

#define CRASH_UID_UNKNOWN  ((uid_t)-1)
#define CRASH_HASH_SIZE	   41			/* 40 hex digits and NUL */
#define CRASH_ID_DIGITS	   12			/* of them are the id that people see */
#define CRASH_TEXT_MAX	   ((size_t)64 * 1024)	/* one field; what is longer is cut */
#define CRASH_MESSAGE_MAX  ((size_t)256 * 1024) /* MESSAGE with its stack traces */
#define CRASH_FIELDS_MAX   ((size_t)64 * 1024)	/* all unknown fields together */
#define CRASH_N_FIELDS_MAX 256

typedef struct Crash {
	/* identity (design.md, "A crash"). Machine and boot are 32 hex digits; "": unknown */
	char machine_id[33], boot_id[33];
	pid_t pid;	      /* as seen by the machine that logged it; 0: unknown */
	usec_t when_realtime; /* of the crash, not of the entry; may have whole-second resolution */
	char hash[CRASH_HASH_SIZE]; /* crash_identify(); "" before */

	CrashKind kind;
	CrashTrust trust;
	uid_t uid; /* whose process it was; CRASH_UID_UNKNOWN */
	gid_t gid;
	int signal;	      /* 0: unknown, or a traceback */
	int dumpable;	      /* COREDUMP_DUMPABLE; -1: not told (systemd before 253) */
	bool truncated;	      /* COREDUMP_TRUNCATED=1 */
	bool core_in_journal; /* the entry has a COREDUMP= field (never loaded) */
	bool not_responding;  /* it was killed because it hung (kcrash.h) */

	/* owned; NULL: not told. The table crash_texts names them. */
	char *comm, *exe, *cmdline, *unit, *user_unit, *slice, *cgroup, *hostname;
	char *core_file; /* COREDUMP_FILENAME */
	char *message;	 /* MESSAGE, with the stack traces where systemd made them */
	char *package;	 /* COREDUMP_PACKAGE_JSON */
	char *cwd, *root, *container_cmdline, *thread_name, *rlimit, *proc_cgroup;
	char *cursor;	/* of the journal entry */
	json_t *fields; /* whatever else the source told, name → string; NULL: nothing */
	json_t *kcrash; /* KCrash metadata, group → {key: value}; NULL: none */
	size_t fields_bytes;
} Crash;

#define CRASH_INIT                                                                                 \
	{                                                                                          \
		.uid = CRASH_UID_UNKNOWN, .gid = (gid_t)-1, .dumpable = -1                         \
	}

typedef struct CrashText {
	const char *field; /* of the journal */
	const char *key;   /* in JSON, and the column of the index */
	size_t offset;	   /* in Crash, of a char * */
	size_t max;	   /* bytes kept */
} CrashText;
extern const CrashText crash_texts[];
extern const size_t crash_n_texts;

/* The text a row of crash_texts names; NULL: not told. */
const char *crash_text(const Crash *crash, const CrashText *text);
/* The row whose field or key is name; NULL. */
const CrashText *crash_text_find(const char *name);

/* Takes one journal field. value need not be terminated, may be binary, empty or huge (the caller
 * bounds what it loads, see CRASH_MESSAGE_MAX). The first of repeated fields counts.
 * COREDUMP_ENVIRON and the core itself are dropped here, whoever sends them. 1 taken, 0 dropped,
 * -ENOMEM. */
int crash_take_field(
	Crash *crash, const char *name, size_t name_length, const char *value, size_t length);
/* The same for "NAME=VALUE" as sd_journal_enumerate_data(3) gives it. */
int crash_take_data(Crash *crash, const char *data, size_t length);
/* Whether a field is worth loading at all: false for the core, the environment, and the bulky
 * copies of /proc that nothing here reads. */
bool crash_wants_field(const char *name, size_t name_length);

/* To be called when all fields are taken: fills pid, time and uid of a traceback from the entry's
 * own _PID and time, derives what is derivable, computes .hash. entry_realtime: of the journal
 * entry; 0: none. 0; -EBADMSG: there is neither pid nor time, so no identity. */
int crash_identify(Crash *crash, usec_t entry_realtime);

/* To be called before crash_identify() where trust is known. What nobody vouches for cannot have
 * happened after it was told: a time to come would stand on top of every list, and never age.
 * told_realtime: of the journal entry, or now. */
void crash_bound_time(Crash *crash, usec_t told_realtime);

void crash_done(Crash *crash); /* empties it; fine on CRASH_INIT and twice */
static inline void crash_donep(Crash *crash)
{
	crash_done(crash);
}

/* What to call the program where no desktop entry is known: the executable's name, else comm, else
 * "pid N" (in buf). Raw. */
const char *crash_program(const Crash *crash, char buf[static 32]);
/* The id that people see: the first CRASH_ID_DIGITS of the hash, in buf. */
const char *crash_short_id(const Crash *crash, char buf[static CRASH_ID_DIGITS + 1]);
/* "SIGSEGV"; "SIG99" (in buf) for unknown numbers; "" for 0. */
const char *crash_signal_name(int signal, char buf[static 16]);
/* What happened, in words, to follow the program's name: N_("was closed after an invalid memory
 * access"). Static, untranslated (callers pass it to gettext). */
const char *crash_signal_words(int signal);

/* The documented JSON of one crash (man/schema/crash.schema.json), new reference; NULL: no memory.
 * Text that is no UTF-8 is repaired. full: with message, fields and kcrash. */
json_t *crash_to_json(const Crash *crash, bool full);
