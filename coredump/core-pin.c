/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/core-pin.h"

#include "common/io.h"
#include "common/text.h"
#include "coredump/core-copy.h"
#include "coredump/core-stream.h"
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_SIZE 64

char *core_pins_path(void)
{
	_cleanup_(freep) char *state = xdg_state_dir();
	char *path;

	return state && asprintf(&path, "%s/cores", state) >= 0 ? path : NULL;
}

int core_pins_open(const char *path, bool create)
{
	struct stat st;
	int r = create ? make_directories(path) : 0;

	if (r < 0)
		return r;
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return -EPERM;
	return TAKE_FD(fd);
}

/* A hash is part of a file's name: digits and nothing else. */
static bool is_hash(const char *hash)
{
	size_t n = strspn(hash, "0123456789abcdef");

	return n == CRASH_HASH_SIZE - 1 && !hash[n];
}

static void pin_name(char name[static NAME_SIZE], const char *hash, CoreCompression compression)
{
	(void)snprintf(name, NAME_SIZE, "%s.core%s", hash, core_compression_suffix(compression));
}

int core_pin_get(int pins_fd, const char *hash, char **ret_name)
{
	char name[NAME_SIZE];

	if (!is_hash(hash))
		return -EINVAL;
	for (int i = 0; i < CORE_COMPRESSION_MAX; i++) {
		pin_name(name, hash, (CoreCompression)i);
		_cleanup_(closep) int fd = open_regular_at(pins_fd, name);
		if (fd == -ENOENT)
			continue;
		if (fd >= 0 && ret_name && !(*ret_name = strdup(name)))
			return -ENOMEM;
		return TAKE_FD(fd);
	}
	return -ENOENT;
}

int core_pins_usage(int pins_fd, uint64_t *ret_bytes, size_t *ret_n)
{
	struct stat st;
	int fd = openat(pins_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int r = -errno;
		(void)safe_close(fd);
		return r;
	}
	*ret_bytes = 0;
	*ret_n = 0;
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (fstatat(pins_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode)) {
			*ret_bytes += (uint64_t)st.st_blocks * 512;
			*ret_n += strstr(entry->d_name, ".core") != NULL;
		}
	return 0;
}

/* The rest of the cap, for a file that will take this much of it. */
static int check_cap(int pins_fd, int core_fd, uint64_t max_bytes)
{
	uint64_t used = 0;
	struct stat st;
	size_t n = 0;
	int r;

	r = core_pins_usage(pins_fd, &used, &n);
	if (r < 0)
		return r;
	if (fstat(core_fd, &st) < 0)
		return -errno;
	uint64_t needed = (uint64_t)st.st_blocks * 512;
	return used > max_bytes || needed > max_bytes - used ? -EDQUOT : 0;
}

/* The file has no name until it is whole. */
static int link_as(int fd, int dir_fd, const char *name)
{
	char self[64];

	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, dir_fd, name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return fsync(dir_fd) < 0 && errno != EINVAL ? -errno : 0;
}

/* Filesystems without unnamed files: a hidden name, which the next pin of this crash replaces. */
static int pin_named(int pins_fd, int core_fd, const char *name,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata)
{
	char temporary[NAME_SIZE + 8];
	CoreCopied copied;
	int r;

	(void)snprintf(temporary, sizeof temporary, ".%s.new", name);
	(void)unlinkat(pins_fd, temporary, 0);
	_cleanup_(closep) int fd = openat(
		pins_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = core_copy_as(core_fd, fd, true, INT64_MAX, progress, userdata, &copied);
	if (r >= 0 && fsync(fd) < 0)
		r = -errno;
	if (r >= 0 && renameat2(pins_fd, temporary, pins_fd, name, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(pins_fd, temporary, 0);
	return r;
}

int core_pin(int pins_fd, int core_fd, const char *hash, uint64_t max_bytes,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata)
{
	char name[NAME_SIZE];
	CoreCompression compression;
	CoreCopied copied;
	int r;

	_cleanup_(closep) int before = core_pin_get(pins_fd, hash, NULL);
	if (before != -ENOENT)
		return before < 0 ? before : -EEXIST;
	r = core_compression_detect(core_fd, &compression);
	if (r >= 0)
		r = check_cap(pins_fd, core_fd, max_bytes);
	if (r < 0)
		return r;
	pin_name(name, hash, compression);
	_cleanup_(closep) int fd = openat(pins_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		return pin_named(pins_fd, core_fd, name, progress, userdata);
	if (fd < 0)
		return -errno;
	r = core_copy_as(core_fd, fd, true, INT64_MAX, progress, userdata, &copied);
	if (r >= 0 && fsync(fd) < 0)
		r = -errno;
	return r < 0 ? r : link_as(fd, pins_fd, name);
}

int core_unpin(int pins_fd, const char *hash)
{
	_cleanup_(freep) char *name = NULL;
	_cleanup_(closep) int fd = core_pin_get(pins_fd, hash, &name);

	if (fd < 0)
		return fd;
	return unlinkat(pins_fd, name, 0) < 0 ? -errno : 0;
}
