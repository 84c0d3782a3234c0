/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The cores that lie in a folder, systemd's or Vigil's own: what they cost, whose they are, and
 * letting go of them. Everything works on a directory fd; nothing is opened but the folder. */
#include "coredump/core-name.h"
#include "coredump/record.h"

#define CORE_STORE_SYSTEMD "/var/lib/systemd/coredump"

typedef struct StoredCore {
	char *name; /* in the folder; owned */
	CoreName parsed;
	char hash[CRASH_HASH_SIZE]; /* of the crash it belongs to, as its journal entry has it */
	uint64_t size_bytes, disk_bytes;
	usec_t mtime;
	dev_t device;
	ino_t inode;
} StoredCore;

typedef struct CoreStore { /* core_store_done() */
	StoredCore *cores; /* oldest first (by mtime, as systemd removes them) */
	size_t n_cores;
	uint64_t size_bytes, disk_bytes; /* of all */
	size_t n_others;		 /* other files there: unfinished ones, foreign names */
	uint64_t others_disk_bytes;
	/* Who may delete is the folder's affair: systemd's is root's and 0755, so a user's ACL on
	 * a core lets read and never delete. */
	bool deletable;
} CoreStore;

/* root_fd: -EBADF for this machine's root; path: CORE_STORE_SYSTEMD. A directory fd, -ENOENT,
 * -ENOTDIR (or a symlink), -EACCES. */
int core_store_open(int root_fd, const char *path);
/* dir_fd is borrowed. machine_id: of the machine the cores are from, for the hashes, "" where it is
 * not known; NULL: no hashes are wanted (they take most of the time). 0 or -errno;
 * core_store_done() in any case. */
int core_store_read(int dir_fd, const char *machine_id, CoreStore *ret);
void core_store_done(CoreStore *store);

typedef struct CoreProgram {
	const char *comm; /* of the store */
	uid_t uid;	  /* CRASH_UID_UNKNOWN: of several users */
	size_t n_cores;
	uint64_t disk_bytes;
	usec_t newest_realtime;
} CoreProgram;
/* The programs, those that take most first. Caller frees *ret. 0 or -ENOMEM. Pure. */
int core_store_programs(const CoreStore *store, CoreProgram **ret, size_t *ret_n);

/* What is to go; whatever is 0 or NULL sets no bound, and with none set nothing goes. */
typedef struct CoreVacuum {
	usec_t older_than_realtime; /* crashed before it */
	uint64_t max_bytes;	    /* on disk, of what stays: oldest go first */
	unsigned max_per_program;   /* the newest of each user's program stay */
	bool none_stays;	    /* all go: max_bytes of 0 */
	uid_t uid;		    /* only this user's; CRASH_UID_UNKNOWN: everyone's */
	/* true: stays, whatever the bounds say, and still counts (pinned ones). */
	bool (*keep)(const StoredCore *core, void *userdata);
	void *userdata;
} CoreVacuum;
/* Marks in chosen[i] what goes of store->cores[i]. How many. Pure. */
size_t core_vacuum_choose(const CoreStore *store, const CoreVacuum *vacuum, bool *chosen);
/* Deletes one, if the name still means the file that was looked at. 0; -ENOENT: gone already;
 * -ESTALE: another file has its name now; -EACCES, -EPERM, -errno. */
int core_store_delete(int dir_fd, const StoredCore *core);
