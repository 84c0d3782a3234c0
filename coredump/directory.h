/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The source `directory`: core files that the kernel itself wrote, where core_pattern names a file
 * and nobody logs crashes. Folders are looked at in turn, never watched: no inotify instance is
 * taken. A relative pattern ("core", the kernel's default) puts the core into the folder that the
 * process was in, so only the folders told here are seen: the user's home and those configured.
 * Where the pattern has no pid, a core that the next one overwrites before a look is never seen:
 * a crash loop counts once a look.
 *
 * What is believed: the kernel gives a core the crashing process's uid and mode 0600. A file of the
 * owner's uid, 0600, with one name, whose notes tell the same uid and a signal, is genuine. Another
 * user can make no such file: not as that owner, and an old core hard-linked under a new name has
 * two names. A program of the owner's own could, and could as well show a notification itself.
 * Anything else that looks like a core (gdb's gcore writes 0644; files handed over by others) is
 * unverified: listed, never announced. Root trusts only its own cores for the same reason. */
#include "coredump/core-pattern.h"
#include "coredump/record.h"

#define CORE_FILES_MAX	 65536 /* cores a folder; when there are more, further ones are not seen */
#define CORE_FOREIGN_MAX 1024  /* of them of other users: they cannot crowd out one's own */
#define CORE_LOOKS_MAX	 8     /* files that one look opens; the others wait for the next */
#define CORE_SETTLE_USEC (3 * USEC_PER_SEC) /* unchanged for so long: nobody writes it any more */

typedef struct CoreDirectorySetup { /* all borrowed for the object's life */
	const CorePattern *pattern;
	const char *const *directories; /* absolute, NULL-terminated; relative patterns look here */
	const char *hostname;		/* for %h in the pattern's folder */
	uid_t uid;			/* whose cores: geteuid() */
	gid_t gid;
	int proc_fd; /* tells whether a process is still being dumped */
	const char *machine_id, *boot_id;
	usec_t boot_realtime; /* cores older than it are of another boot, nobody knows which */
} CoreDirectorySetup;

typedef struct CoreDirectory CoreDirectory;

/* since_realtime: files last written before it were reported by an earlier run (the index's cursor
 * minus a margin; the index deduplicates). 0 or -ENOMEM; -ENOTSUP: the pattern's folder depends on
 * the crash (*ret is NULL then). */
int core_directory_new(const CoreDirectorySetup *setup, usec_t since_realtime, CoreDirectory **ret);
CoreDirectory *core_directory_free(CoreDirectory *directory);
DEFINE_CLEANUP(CoreDirectory *, core_directory_free)
/* Looks at all folders once and calls arrived for each core that is new and whole: identified, its
 * trust decided. A core that the kernel still writes comes with a later call; one that was cut
 * (RLIMIT_CORE, disk full) when its process is gone, marked truncated. How many came, or -ENOMEM.
 */
int core_directory_look(CoreDirectory *directory, usec_t now_realtime,
	void (*arrived)(const Crash *crash, void *userdata), void *userdata);
/* Whether the last look left files for the next, which should come soon. */
bool core_directory_has_more(const CoreDirectory *directory);
/* Cores written before it were all reported: the cursor to store. It stays where it is until a look
 * left nothing. */
usec_t core_directory_cursor(const CoreDirectory *directory);
/* Folders that are looked at. */
size_t core_directory_n_folders(const CoreDirectory *directory);
