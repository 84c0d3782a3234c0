/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One crash, wherever it was heard of. Every field is optional but the identity. All text is raw
 * bytes of a process that misbehaved: bounded, never trusted, escaped where shown. COREDUMP_ENVIRON
 * is never read (user-needs 6.6). */
#include "common/forward.h"
#include <jansson.h>

/* Upper bounds; longer fields are cut and .fields_cut is set. */
#define CRASH_TEXT_MAX	(64 * 1024)
#define CRASH_EXTRA_MAX 64

typedef enum CrashSource {
	CRASH_FROM_JOURNAL,
	CRASH_FROM_SOCKET,
	CRASH_FROM_DIRECTORY,
	CRASH_FROM_IMPORT,
	CRASH_SOURCE_MAX,
} CrashSource;

typedef enum CrashKind {
	CRASH_CORE,	 /* MESSAGE_ID fc2e22bc6ee647b6b90729ab34a250b1, or a core file */
	CRASH_TRACEBACK, /* 1f4e0a44a88649939aaea34fc6da8c95: a language's own, no core */
	CRASH_KIND_MAX,
} CrashKind;

typedef enum CrashTrust {
	CRASH_GENUINE,	  /* its underscore fields prove systemd-coredump (or root) logged it */
	CRASH_UNVERIFIED, /* listed, never notified */
	CRASH_TRUST_MAX,
} CrashTrust;

/* What is left of the core, coredumpctl's words. */
typedef enum CoreState {
	CORE_NONE, /* none was stored */
	CORE_PRESENT,
	CORE_MISSING,	   /* was stored, is gone */
	CORE_INACCESSIBLE, /* there, but not for this user; .core_rule says which rule withheld it
			    */
	CORE_TRUNCATED,	   /* there, cut short */
	CORE_JOURNAL,	   /* inside the journal (Storage=journal) */
	CORE_STATE_MAX,
} CoreState;

typedef struct CrashField { /* a journal field that we have no member for */
	char *name;
	char *value;
} CrashField;

typedef struct CrashRecord {
	/* identity: the id is the first 12 hex digits of SHA-256 over "MACHINE:BOOT:PID:TIMESTAMP"
	 */
	char machine_id[33]; /* 32 hex digits; "" unknown */
	char boot_id[33];
	pid_t pid;
	usec_t timestamp_usec; /* COREDUMP_TIMESTAMP, realtime */
	char id[13];

	CrashSource source;
	CrashKind kind;
	CrashTrust trust;
	usec_t arrived_usec; /* realtime of the journal entry (or of our first look) */
	char *cursor;	     /* of the journal entry */

	uid_t uid; /* (uid_t)-1 unknown; so too gid */
	gid_t gid;
	int signal;	 /* 0 unknown */
	int signal_code; /* si_code, where known; has_signal_code */
	bool has_signal_code;
	pid_t tid;
	char *signal_name; /* "SIGSEGV" */
	char *comm, *exe, *cmdline, *cwd, *root, *hostname;
	char *unit, *user_unit, *slice, *cgroup, *container_cmdline;
	char *package_name, *package_version, *package_json;
	char *build_id; /* hex, of the executable, where known */
	char *message;	/* MESSAGE, with systemd's own stack trace where it made one */
	char *proc_status, *proc_maps, *proc_limits, *proc_cgroup, *proc_mountinfo, *open_fds;
	uint64_t rlimit_core; /* COREDUMP_RLIMIT; UINT64_MAX unknown */
	int dumpable;	      /* COREDUMP_DUMPABLE; -1 unknown */

	char *core_path; /* COREDUMP_FILENAME, or the imported file */
	bool core_truncated;
	bool core_in_journal;
	uint64_t core_bytes; /* as stored on disk; 0 unknown */

	json_t *kcrash;	     /* consumed KCrash metadata:
				{"kcrash":{},"kcrash-tags":{},…,"kcrash-complete":bool}; NULL none */
	bool not_responding; /* killed because it hung */

	CrashField *extra; /* unknown fields, kept */
	size_t n_extra;
	bool fields_cut;
} CrashRecord;

/* An empty record: unknown everything. */
CrashRecord *crash_record_new(void);
CrashRecord *crash_record_free(CrashRecord *record); /* takes NULL, gives NULL */
static inline void crash_record_freep(CrashRecord **r)
{
	(void)crash_record_free(*r);
}

/* Takes one journal field (name without "=", value of that many bytes) into the record: the shared
 * road of journal entries, wire messages and core-file xattrs. Unknown names are kept up to
 * CRASH_EXTRA_MAX, COREDUMP_ENVIRON and COREDUMP= are dropped. 0, -ENOMEM. Malformed values leave
 * the member unknown. */
int crash_record_take_field(
	CrashRecord *record, const char *name, const char *value, size_t length);
/* Completes what follows from the rest: id, signal name, kind, trust (from the underscore fields
 * seen). -EBADMSG when there is no identity (no pid or no timestamp). */
int crash_record_finish(CrashRecord *record);

/* Whether an entry with these trusted fields is systemd-coredump's own (issue "Trust"). NULL: field
 * absent. Pure. */
CrashTrust crash_trust(
	const char *systemd_unit, const char *uid, const char *pid_exe, const char *boot_id);

/* The program as a person would name it: the executable's file name, else comm, else "pid N".
 * Borrowed or static buffer of the record. */
const char *crash_record_program(const CrashRecord *record);

/* JSON as in man/schema/crash.schema.json (all known fields, no index state). New reference. */
json_t *crash_record_to_json(const CrashRecord *record);
/* The reverse, for the index' stored extras and for tests. 0, -EINVAL, -ENOMEM. */
int crash_record_from_json(const json_t *object, CrashRecord **ret);

const char *core_state_to_string(CoreState state);
const char *crash_kind_to_string(CrashKind kind);
