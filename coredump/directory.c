/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders with cores in them, looked at again and again: cheap while nothing changes (one stat a
 * folder and one a known core). */
#include "coredump/directory.h"

#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/core-elf.h"
#include "coredump/core-notes.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_AT_ONCE 64 /* of so many each is looked at each time */
#define TURNS	      32 /* of more, those that are done with in turns */

typedef struct KnownFile {
	char *name; /* owned */
	ino_t inode;
	uint64_t size;
	usec_t mtime;
	bool settled; /* reported, or found to be none: nothing to do until it changes */
	bool foreign; /* another user's when it was noted */
	bool seen;    /* in the present pass over the folder */
} KnownFile;

typedef struct Folder {
	char *path; /* owned */
	struct timespec mtime;
	KnownFile *files; /* by name */
	size_t n_files, n_foreign;
	size_t next; /* file to begin with */
	bool full;   /* said so */
} Folder;

struct CoreDirectory {
	CoreDirectorySetup setup;
	Folder *folders;
	size_t n_folders;
	usec_t since, cursor, newest;
	size_t turn, next_folder;
	bool more; /* next_folder is where the last look stopped */
};

typedef struct Pass {
	CoreDirectory *directory;
	usec_t now;
	void (*arrived)(const Crash *crash, void *userdata);
	void *userdata;
	int n_arrived;
	unsigned n_opened;
} Pass;

static int add_folder(CoreDirectory *directory, char *path)
{
	Folder *grown;

	for (size_t i = 0; path && i < directory->n_folders; i++)
		if (streq(directory->folders[i].path, path)) {
			free(path);
			return 0;
		}
	grown = path ? reallocarray(directory->folders, directory->n_folders + 1, sizeof *grown)
		     : NULL;
	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	directory->folders = grown;
	grown[directory->n_folders++] = (Folder){.path = path};
	return 0;
}

static int add_folders(CoreDirectory *directory)
{
	const CoreDirectorySetup *setup = &directory->setup;
	_cleanup_(freep) char *own = NULL;
	int r;

	r = core_pattern_directory(setup->pattern, setup->uid, setup->gid, setup->hostname, &own);
	if (r < 0)
		return r;
	if (setup->pattern->target == CORE_TARGET_ABSOLUTE)
		return add_folder(directory, TAKE_PTR(own));
	for (size_t i = 0; setup->directories[i] && r >= 0; i++) {
		char *path = NULL;
		if (asprintf(&path, "%s%s%s", setup->directories[i], *own ? "/" : "", own) < 0)
			return -ENOMEM;
		r = add_folder(directory, path);
	}
	return r;
}

int core_directory_new(const CoreDirectorySetup *setup, usec_t since_realtime, CoreDirectory **ret)
{
	int r;

	*ret = NULL;
	_cleanup_(core_directory_freep) CoreDirectory *directory = calloc(1, sizeof *directory);
	if (!directory)
		return -ENOMEM;
	directory->setup = *setup;
	directory->since = directory->cursor = directory->newest = since_realtime;
	r = setup->pattern->target >= CORE_TARGET_ABSOLUTE ? add_folders(directory) : 0;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(directory);
	return 0;
}

CoreDirectory *core_directory_free(CoreDirectory *directory)
{
	for (size_t i = 0; directory && i < directory->n_folders; i++) {
		Folder *folder = &directory->folders[i];
		for (size_t j = 0; j < folder->n_files; j++)
			free(folder->files[j].name);
		free(folder->files);
		free(folder->path);
	}
	if (directory)
		free(directory->folders);
	free(directory);
	return NULL;
}

usec_t core_directory_cursor(const CoreDirectory *directory)
{
	return directory->cursor;
}

size_t core_directory_n_folders(const CoreDirectory *directory)
{
	return directory->n_folders;
}

/* ---- one core -------------------------------------------------------------------------------- */

static usec_t mtime_of(const struct stat *st)
{
	return (usec_t)st->st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st->st_mtim.tv_nsec / 1000;
}

/* "CoreDumping:\t1" stands in a process's status while the kernel writes its core. */
static bool is_being_dumped(int proc_fd, pid_t pid)
{
	_cleanup_(freep) char *status = NULL;
	char path[32];

	(void)snprintf(path, sizeof path, "%d/status", pid);
	return pid > 0 && read_file_at(proc_fd, path, 8192, &status) > 0 &&
	       strstr(status, "\nCoreDumping:\t1");
}

/* Whether a core that looks cut will stay as it is: nobody writes it, and nobody did between the
 * first look and this question. */
static bool is_final(int proc_fd, pid_t pid, int fd, const struct stat *st)
{
	struct stat now;

	return !is_being_dumped(proc_fd, pid) && fstat(fd, &now) == 0 &&
	       now.st_size == st->st_size && mtime_of(&now) == mtime_of(st);
}

typedef enum Progress {
	CORE_GROWING, /* look again */
	CORE_WHOLE,
	CORE_CUT, /* nobody writes it any more, and its end is missing */
	CORE_NO_CORE,
} Progress;

/* The kernel writes in order, so a file as long as its headers say is whole. */
static Progress progress_of(const Pass *pass, int fd, const struct stat *st)
{
	bool settled = mtime_of(st) + CORE_SETTLE_USEC < pass->now;
	uint64_t extent;
	CoreElf elf;
	int r;

	r = core_elf_open(fd, &elf);
	if (r >= 0)
		r = elf.compression == CORE_PLAIN ? core_elf_extent(&elf, &extent) : -EBADMSG;
	core_elf_done(&elf);
	if (r < 0) /* not even its headers yet, or something else */
		return settled ? CORE_NO_CORE : CORE_GROWING;
	if ((uint64_t)st->st_size >= extent)
		return CORE_WHOLE;
	return settled ? CORE_CUT : CORE_GROWING;
}

static CrashTrust trust_of(
	const CoreDirectorySetup *setup, const struct stat *st, const Crash *crash)
{
	bool as_the_kernel =
		st->st_uid == setup->uid && (st->st_mode & 07777) == 0600 && st->st_nlink == 1;

	return as_the_kernel && crash->uid == setup->uid && crash->signal > 0 ? CRASH_GENUINE
									      : CRASH_UNVERIFIED;
}

static int fill_crash(const CoreDirectorySetup *setup, int fd, const struct stat *st,
	const char *folder, const char *name, Crash *crash)
{
	_cleanup_(freep) char *path = NULL;
	int r;

	(void)snprintf(crash->machine_id, sizeof crash->machine_id, "%s", setup->machine_id);
	if (mtime_of(st) >= setup->boot_realtime)
		(void)snprintf(crash->boot_id, sizeof crash->boot_id, "%s", setup->boot_id);
	r = core_pattern_match(setup->pattern, name, crash);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = crash_from_core(fd, name, path, crash);
	if (r >= 0)
		crash->trust = trust_of(setup, st, crash);
	return r;
}

/* Reports a core if it is ripe. Gives whether the file is done with until it changes. */
static bool report(Pass *pass, int fd, const struct stat *st, const char *folder, const char *name)
{
	CoreDirectory *directory = pass->directory;
	Progress progress = progress_of(pass, fd, st);
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;

	if (progress == CORE_GROWING || progress == CORE_NO_CORE)
		return progress == CORE_NO_CORE;
	int r = fill_crash(&directory->setup, fd, st, folder, name, &crash);
	if (r < 0) {
		log_debug_errno(r, "The core '%s/%s' tells no crash, ignoring: %m", folder, name);
		return r != -ENOMEM;
	}
	if (progress == CORE_CUT && !is_final(directory->setup.proc_fd, crash.pid, fd, st))
		return false;
	directory->newest = MAX_OF(directory->newest, mtime_of(st));
	pass->n_arrived++;
	pass->arrived(&crash, pass->userdata);
	return true;
}

static bool is_known(const KnownFile *file, const struct stat *st)
{
	return file->inode == st->st_ino && file->size == (uint64_t)st->st_size &&
	       file->mtime == mtime_of(st);
}

/* Cores are overwritten in place where the pattern has no pid, so known names are looked at too.
 * False: not in this look any more. */
static bool look_at_file(Pass *pass, const Folder *folder, int dir_fd, KnownFile *file)
{
	struct stat st;

	if (fstatat(dir_fd, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		(file->settled && is_known(file, &st)))
		return true;
	if (mtime_of(&st) < pass->directory->since) {
		file->settled = true;
	} else if (pass->n_opened == CORE_LOOKS_MAX) {
		return false;
	} else {
		pass->n_opened++;
		_cleanup_(closep) int fd = open_regular_at(dir_fd, file->name);
		if (fd < 0 || fstat(fd, &st) < 0)
			file->settled = fd == -EACCES; /* a setuid program's: root's */
		else
			file->settled = report(pass, fd, &st, folder->path, file->name);
	}
	file->inode = st.st_ino;
	file->size = (uint64_t)st.st_size;
	file->mtime = mtime_of(&st);
	return true;
}

/* ---- a folder -------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const KnownFile *)a)->name, ((const KnownFile *)b)->name);
}

/* Whether there is room for one more file, of ours or of others. */
static bool has_room(Folder *folder, bool foreign)
{
	if (folder->n_files < CORE_FILES_MAX && (!foreign || folder->n_foreign < CORE_FOREIGN_MAX))
		return true;
	if (!folder->full)
		log_notice(
			"'%s' holds more than %d cores, or %d of other users: no new ones are seen there. "
			"Delete some.",
			folder->path, CORE_FILES_MAX, CORE_FOREIGN_MAX);
	folder->full = true;
	return false;
}

/* The first n_sorted files are known; what is new is added behind them. */
static int note_file(Folder *folder, size_t n_sorted, int dir_fd, uid_t uid, const char *name)
{
	struct stat st;
	const KnownFile wanted = {.name = (char *)name};
	KnownFile *known =
		n_sorted ? bsearch(&wanted, folder->files, n_sorted, sizeof *folder->files, by_name)
			 : NULL;

	if (known) {
		known->seen = true;
		return 0;
	}
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	bool foreign = st.st_uid != uid;
	if (!has_room(folder, foreign))
		return 0;
	KnownFile *grown = reallocarray(folder->files, folder->n_files + 1, sizeof *grown);
	char *copy = strdup(name);
	if (grown)
		folder->files = grown;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	grown[folder->n_files++] = (KnownFile){.name = copy, .foreign = foreign, .seen = true};
	folder->n_foreign += foreign;
	return 0;
}

static void forget_gone(Folder *folder)
{
	size_t n = 0;

	for (size_t i = 0; i < folder->n_files; i++) {
		if (folder->files[i].seen) {
			folder->files[n++] = folder->files[i];
			continue;
		}
		folder->n_foreign -= folder->files[i].foreign;
		free(folder->files[i].name);
	}
	folder->n_files = n;
	folder->full =
		folder->full && (n == CORE_FILES_MAX || folder->n_foreign == CORE_FOREIGN_MAX);
	if (n)
		qsort(folder->files, n, sizeof *folder->files, by_name);
}

/* The names in a folder that changed. */
static int list_folder(const CoreDirectorySetup *setup, Folder *folder, int dir_fd)
{
	int r = 0, fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		(void)safe_close(fd);
		return 0;
	}
	size_t n_sorted = folder->n_files;
	for (size_t i = 0; i < n_sorted; i++)
		folder->files[i].seen = false;
	for (const struct dirent *entry; r >= 0 && (entry = readdir(dir));) {
		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		r = core_pattern_match(setup->pattern, entry->d_name, NULL);
		if (r > 0)
			r = note_file(folder, n_sorted, dir_fd, setup->uid, entry->d_name);
	}
	forget_gone(folder);
	return r < 0 ? r : 0;
}

static int look_at_folder(Pass *pass, Folder *folder)
{
	_cleanup_(closep) int fd =
		open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0; /* not there now; perhaps later */
	if (memcmp(&st.st_mtim, &folder->mtime, sizeof st.st_mtim) != 0) {
		r = list_folder(&pass->directory->setup, folder, fd);
		if (r < 0)
			return r;
		/* A change within the same tick of the filesystem's clock would not show: a young
		 * folder is listed once more. */
		if (mtime_of(&st) + USEC_PER_SEC < pass->now)
			folder->mtime = st.st_mtim;
	}
	/* Where the last look stopped: files that never come to rest keep nobody else waiting. */
	size_t start = folder->n_files ? folder->next % folder->n_files : 0;
	folder->next = 0;
	for (size_t n = 0; n < folder->n_files; n++) {
		size_t i = (start + n) % folder->n_files;
		KnownFile *file = &folder->files[i];
		if (file->settled && folder->n_files > FILES_AT_ONCE &&
			i % TURNS != pass->directory->turn % TURNS)
			continue;
		if (!look_at_file(pass, folder, fd, file)) {
			folder->next = i;
			pass->directory->more = true;
			break;
		}
	}
	return 0;
}

int core_directory_look(CoreDirectory *directory, usec_t now_realtime,
	void (*arrived)(const Crash *crash, void *userdata), void *userdata)
{
	Pass pass = {directory, now_realtime, arrived, userdata, 0, 0};
	int r;

	size_t start = directory->next_folder;
	directory->more = false;
	for (size_t n = 0; n < directory->n_folders && !directory->more; n++) {
		directory->next_folder = (start + n) % directory->n_folders;
		r = look_at_folder(&pass, &directory->folders[directory->next_folder]);
		if (r < 0)
			return r;
	}
	directory->turn++;
	if (!directory->more)
		directory->cursor = directory->newest;
	return pass.n_arrived;
}

bool core_directory_has_more(const CoreDirectory *directory)
{
	return directory->more;
}
