/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pass over the folder: names and stat, never a look inside. */
#include "coredump/core-store.h"

#include "common/text.h"
#include "coredump/beneath.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CORES_MAX ((size_t)1 << 20)

int core_store_open(int root_fd, const char *path)
{
	return open_beneath(root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/* The hash that the journal's entry of the same crash gets. */
static void identify(StoredCore *core, const char *machine_id)
{
	Crash crash = CRASH_INIT;

	(void)snprintf(crash.machine_id, sizeof crash.machine_id, "%s", machine_id);
	memcpy(crash.boot_id, core->parsed.boot_id, sizeof crash.boot_id);
	crash.pid = core->parsed.pid;
	crash.when_realtime = core->parsed.when_realtime;
	if (crash_identify(&crash, 0) == 0)
		memcpy(core->hash, crash.hash, sizeof core->hash);
	crash_done(&crash);
}

static int add(CoreStore *store, size_t *allocated, const char *name, const CoreName *parsed,
	const struct stat *st, const char *machine_id)
{
	if (store->n_cores >= CORES_MAX)
		return 0;
	if (store->n_cores == *allocated) {
		size_t wanted = *allocated ? *allocated * 2 : 64;
		StoredCore *grown = reallocarray(store->cores, wanted, sizeof *grown);
		if (!grown)
			return -ENOMEM;
		store->cores = grown;
		*allocated = wanted;
	}
	StoredCore *core = &store->cores[store->n_cores];
	*core = (StoredCore){
		.name = strdup(name),
		.parsed = *parsed,
		.size_bytes = (uint64_t)st->st_size,
		.disk_bytes = (uint64_t)st->st_blocks * 512,
		.mtime = (usec_t)st->st_mtim.tv_sec * USEC_PER_SEC +
			 (usec_t)st->st_mtim.tv_nsec / 1000,
		.device = st->st_dev,
		.inode = st->st_ino,
	};
	if (!core->name)
		return -ENOMEM;
	if (machine_id)
		identify(core, machine_id);
	store->n_cores++;
	store->size_bytes += core->size_bytes;
	store->disk_bytes += core->disk_bytes;
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const StoredCore *left = a, *right = b;

	if (left->mtime != right->mtime)
		return left->mtime < right->mtime ? -1 : 1;
	return strcmp(left->name, right->name);
}

static int look_at(
	CoreStore *store, size_t *allocated, int dir_fd, const char *name, const char *machine_id)
{
	CoreName parsed;
	struct stat st;

	if (streq(name, ".") || streq(name, "..") ||
		fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return 0; /* vanished: nothing to count */
	if (S_ISREG(st.st_mode) && core_name_parse(name, &parsed))
		return add(store, allocated, name, &parsed, &st, machine_id);
	store->n_others++;
	store->others_disk_bytes += (uint64_t)st.st_blocks * 512;
	return 0;
}

int core_store_read(int dir_fd, const char *machine_id, CoreStore *ret)
{
	size_t allocated = 0;
	int r = 0;

	*ret = (CoreStore){.deletable = faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS) == 0};
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		r = -errno;
		(void)safe_close(fd);
		return r;
	}
	for (const struct dirent *entry; r >= 0 && (errno = 0, entry = readdir(dir));)
		r = look_at(ret, &allocated, dir_fd, entry->d_name, machine_id);
	if (r >= 0 && errno != 0)
		r = -errno;
	if (ret->n_cores)
		qsort(ret->cores, ret->n_cores, sizeof *ret->cores, by_age);
	return r;
}

void core_store_done(CoreStore *store)
{
	for (size_t i = 0; i < store->n_cores; i++)
		free(store->cores[i].name);
	free(store->cores);
	*store = (CoreStore){};
}

/* ---- programs -------------------------------------------------------------------------------- */

static int by_comm(const void *a, const void *b)
{
	return strcmp(((const CoreProgram *)a)->comm, ((const CoreProgram *)b)->comm);
}

static int by_disk(const void *a, const void *b)
{
	const CoreProgram *left = a, *right = b;

	if (left->disk_bytes != right->disk_bytes)
		return left->disk_bytes > right->disk_bytes ? -1 : 1;
	return strcmp(left->comm, right->comm);
}

int core_store_programs(const CoreStore *store, CoreProgram **ret, size_t *ret_n)
{
	CoreProgram *programs = calloc(store->n_cores + 1, sizeof *programs);
	size_t n = 0;

	if (!programs)
		return -ENOMEM;
	for (size_t i = 0; i < store->n_cores; i++)
		programs[i] = (CoreProgram){store->cores[i].parsed.comm, store->cores[i].parsed.uid,
			1, store->cores[i].disk_bytes, store->cores[i].parsed.when_realtime};
	qsort(programs, store->n_cores, sizeof *programs, by_comm);
	for (size_t i = 0; i < store->n_cores; i++) {
		CoreProgram *last = n ? &programs[n - 1] : NULL;
		if (!last || !streq(last->comm, programs[i].comm)) {
			programs[n++] = programs[i];
			continue;
		}
		last->n_cores++;
		last->disk_bytes += programs[i].disk_bytes;
		last->newest_realtime = MAX_OF(last->newest_realtime, programs[i].newest_realtime);
		if (last->uid != programs[i].uid)
			last->uid = CRASH_UID_UNKNOWN;
	}
	qsort(programs, n, sizeof *programs, by_disk);
	*ret = programs;
	*ret_n = n;
	return 0;
}
