/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The crashes a command works on: this user's index, or the one of another machine's journals (-D,
 * --file, --root), brought up to date first where no daemon does that. Where it cannot be written,
 * all happens in memory, and a note says so. */
#include "cli/cli.h"
#include "cli/core-folder.h"
#include "coredump/index.h"
#include "coredump/journal.h"

typedef enum CrashSourceUse {
	CRASH_SOURCE_READ,  /* a copy in memory will do */
	CRASH_SOURCE_WRITE, /* what is changed must last: without a writable index it is an error */
} CrashSourceUse;

typedef struct CrashSource {
	CrashIndex *index;
	JournalPlace place;
	bool elsewhere;	       /* -D, --file or --root */
	bool in_memory;	       /* nothing of it stays */
	bool followed;	       /* the daemon keeps it up to date */
	int pins_fd;	       /* of the copies of cores; -EBADF: there are none */
	CoreFolder *folder;    /* of systemd's cores; NULL: not looked at, see core-folder.h */
	int root_fd;	       /* of --root, where cores are looked for; -EBADF: "/" */
	unsigned closed_files; /* journal files there that this user may not read */
	const char *trouble;   /* N_(): why it may be incomplete; NULL */
	int trouble_errno;     /* 0: none */
	char **files;	       /* that --file's patterns gave */
	char *place_name;      /* of another place */
} CrashSource;

/* The place alone, without opening anything: index is NULL. An exit status; the error line is
 * printed. Empties with crash_source_done(). */
int crash_source_locate(const Cli *cli, CrashSource *ret);
/* An exit status; the error line is printed. Empties with crash_source_done(). */
int crash_source_open(const Cli *cli, CrashSourceUse use, CrashSource *ret);
void crash_source_done(CrashSource *source);
/* Whether a crash is another machine's without that one's files being here: whatever has the same
 * paths here is not its. source: NULL: it was named by its core. */
bool crash_source_lacks_files(const CrashSource *source, const Crash *crash);
/* Whether nothing says that crashes may be missing. */
bool crash_source_complete(const CrashSource *source);
/* Notes below a list: why it may be incomplete, and what bounds have cost. */
void crash_source_note(Cli *cli, const CrashSource *source);
/* The source's journal for reading single entries. 0 or -errno. */
int crash_source_journal(const CrashSource *source, CrashJournal **ret);

/* Whether the user's daemon runs and watches crashes. Never starts one. */
bool crash_daemon_watches(void);
