/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which crash reporter to start for a crash, with which arguments and files. Decides; starting it
 * is the daemon's (monitord/launch.h). DrKonqi's contract is what its own launcher keeps to:
 * drkonqi's src/coredump/launcher/main.cpp and src/core/metadata.cpp, of 5.27 and 6. */
#include "coredump/record.h"

typedef enum ReporterChoice { /* CrashReporter= of vigil.conf */
	REPORTER_AUTO, /* DrKonqi where there is KCrash metadata and it is installed, else builtin
			*/
	REPORTER_DRKONQI,
	REPORTER_BUILTIN, /* vigil crash report ID */
	REPORTER_COMMAND, /* gets the crash as JSON on stdin and in VIGIL_CRASH_* variables */
} ReporterChoice;

typedef struct Reporter {
	ReporterChoice kind; /* never REPORTER_AUTO */
	char **argv;	     /* owned, NULL-terminated; UTF-8 */
	char **environment;  /* owned, NULL-terminated; to be added: NAME=VALUE. UTF-8, printable */
	char *input;	     /* for its stdin; NULL: none. Owned */
	bool terminal;	     /* it writes for a person: to be shown in a terminal */
} Reporter;

typedef struct ReporterSetup {
	ReporterChoice choice;
	const char *const *command; /* for REPORTER_COMMAND */
	const char *drkonqi;	    /* path of it; NULL: not installed */
	unsigned drkonqi_major;	    /* 5 or 6, from `drkonqi --version`; 0: unknown, taken as 6 */
	int cache_fd; /* $XDG_CACHE_HOME, where its metadata file is written; and its path */
	const char *cache_path;
	bool kde_debug; /* KDE_DEBUG is set: DrKonqi is not started */
	bool picked_up; /* the crash is one of a catch-up */
} ReporterSetup;

/* 0; -ENOENT: none is to be started for this crash (the choice is drkonqi and it is not there, it
 * is drkonqi itself that crashed, KDE_DEBUG, no KCrash metadata, its core is gone, or, for DrKonqi
 * 5, the metadata is another executable's); -EINVAL: the choice is command and there is none;
 * -errno: its files could not be written. Empties with reporter_done().
 *
 * DrKonqi: environment DRKONQI_BACKEND=COREDUMPD and DRKONQI_METADATA_FILE; each key of [KCrash]
 * but exe as `--key value`, `--key` alone where the value is true or false. Keys that are options
 * of Qt or end the program (--platformpluginpath, --help) are left out, and a value that starts
 * with
 * '-' comes as --key=value, so that what a crashed program wrote cannot steer DrKonqi. DrKonqi 6
 * reads JSON at drkonqi/crashes/{EXE}.{BOOTID}.{PID}.{TIMESTAMP}.ini; DrKonqi 5 an INI as QSettings
 * writes it, with the journal's fields as [Journal], at vigil/drkonqi/…ini (kcrash_sweep() removes
 * it). Both 0600 in folders that are made 0700.
 *
 * COMMAND: its words; crash_to_json(full) and a newline on stdin; VIGIL_CRASH_{ID, PROGRAM, EXE,
 * COMM, PID, UID, SIGNAL, SIGNAL_NAME, TIMESTAMP (µs since 1970), UNIT, CORE_FILE, HOSTNAME,
 * BOOT_ID, MACHINE_ID}, those that are known. Control characters and bytes that are no UTF-8 stand
 * in them as \n, \xNN, so that a script may print them (and systemd takes them); the JSON has the
 * text itself. */
int reporter_choose(const ReporterSetup *setup, const Crash *crash, Reporter *ret);
void reporter_done(Reporter *reporter);

/* Where DrKonqi is: in the folders of libexec_path (LIBEXEC_PATH, colons between; NULL: none), then
 * where distributions put it. root: "" for this machine. Caller frees; NULL: nowhere, or no memory.
 */
char *reporter_find_drkonqi(const char *root, const char *libexec_path);
/* "drkonqi 5.27.5" → 5: the first number of what `drkonqi --version` printed. 0: unknown. Pure. */
unsigned reporter_parse_version(const char *output);
/* The fields of the journal entry that a crash was made from, as far as it keeps them: name → text.
 * New reference; NULL: no memory. Pure. */
json_t *reporter_journal_fields(const Crash *crash);
