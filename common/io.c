/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that others wrote, read with a bound; files of ours, replaced whole or not at all. */
#include "common/io.h"

#include "common/cleanup.h"
#include "common/text.h"
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

int open_regular_at(int dir_fd, const char *name)
{
	_cleanup_(closep) int fd =
		openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return TAKE_FD(fd);
}

ssize_t read_fd_max(int fd, size_t max, char **ret)
{
	size_t allocated = MIN_OF(max, (size_t)4096), length = 0;
	_cleanup_(freep) char *data = malloc(allocated + 1);

	if (!data)
		return -ENOMEM;
	while (length < max) {
		if (length == allocated) {
			allocated = MIN_OF(max, allocated * 2);
			char *grown = realloc(data, allocated + 1);
			if (!grown)
				return -ENOMEM;
			data = grown;
		}
		ssize_t n = read(fd, data + length, allocated - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	data[length] = '\0';
	*ret = TAKE_PTR(data);
	return (ssize_t)length;
}

ssize_t read_file_at(int dir_fd, const char *name, size_t max, char **ret)
{
	_cleanup_(closep) int fd = open_regular_at(dir_fd, name);

	return fd < 0 ? fd : read_fd_max(fd, max, ret);
}

ssize_t read_line_at(int dir_fd, const char *name, char *buf, size_t size)
{
	_cleanup_(closep) int fd = open_regular_at(dir_fd, name);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	if (n > 0 && buf[n - 1] == '\n')
		buf[--n] = '\0';
	return n;
}

int read_u64_at(int dir_fd, const char *name, uint64_t *ret)
{
	char line[64];
	ssize_t n = read_line_at(dir_fd, name, line, sizeof line);

	return n < 0 ? (int)n : parse_u64(line, UINT64_MAX, ret);
}

int write_all(int fd, const void *data, size_t length)
{
	const char *p = data;

	while (length > 0) {
		ssize_t n = write(fd, p, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Gives an unnamed file in the directory its temporary name. A leftover of a writer killed between
 * link and rename is complete but old: it goes. */
static int link_unnamed(int fd, int dir_fd, const char *temporary)
{
	char self[64];

	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	for (int attempt = 0; attempt < 8; attempt++) {
		if (linkat(AT_FDCWD, self, dir_fd, temporary, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		(void)unlinkat(dir_fd, temporary, 0);
	}
	return -EEXIST;
}

/* An unnamed file where the filesystem has them (nothing to clean up if we die), else an exclusive
 * named one. */
static int open_temporary(int dir_fd, const char *temporary, bool *ret_named)
{
	int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	*ret_named = false;
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	(void)unlinkat(dir_fd, temporary, 0);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	*ret_named = fd >= 0;
	return fd < 0 ? -errno : fd;
}

int new_file_open(int dir_fd, const char *name, NewFile *ret)
{
	NewFile file = {.fd = -EBADF, .dir_fd = dir_fd};

	if ((size_t)snprintf(file.name, sizeof file.name, "%s", name) >= sizeof file.name ||
		(size_t)snprintf(file.temporary, sizeof file.temporary, ".%s.vigil-new", name) >=
			sizeof file.temporary)
		return -ENAMETOOLONG;
	file.fd = open_temporary(dir_fd, file.temporary, &file.named);
	if (file.fd < 0)
		return file.fd;
	*ret = file;
	return 0;
}

int new_file_commit(NewFile *file, mode_t mode)
{
	int r;

	if (fchmod(file->fd, mode) < 0 || fsync(file->fd) < 0)
		return -errno;
	if (!file->named) {
		r = link_unnamed(file->fd, file->dir_fd, file->temporary);
		if (r < 0)
			return r;
		file->named = true;
	}
	if (renameat(file->dir_fd, file->temporary, file->dir_fd, file->name) < 0)
		return -errno;
	file->named = false;
	return fsync(file->dir_fd) < 0 && errno != EINVAL ? -errno : 0;
}

void new_file_done(NewFile *file)
{
	if (file->named)
		(void)unlinkat(file->dir_fd, file->temporary, 0);
	file->named = false;
	file->fd = safe_close(file->fd);
}

int write_file_atomic(int dir_fd, const char *name, mode_t mode, const void *data, size_t length)
{
	NewFile file = NEW_FILE_INIT;
	int r;

	r = new_file_open(dir_fd, name, &file);
	if (r < 0)
		return r;
	r = write_all(file.fd, data, length);
	if (r >= 0)
		r = new_file_commit(&file, mode);
	new_file_done(&file);
	return r;
}

int make_directories(const char *path)
{
	_cleanup_(freep) char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1;; p++) {
		if (*p && *p != '/')
			continue;
		char kept = *p;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (!kept)
			return 0;
		*p = kept;
	}
}

static char *join(const char *base, const char *rest)
{
	char *joined;
	return asprintf(&joined, "%s/%s", base, rest) < 0 ? NULL : joined;
}

static const char *home_directory(void)
{
	const char *home = getenv("HOME");

	if (home && home[0] == '/')
		return home;
	const struct passwd *user = getpwuid(getuid());
	return user && user->pw_dir && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

static char *xdg_dir(const char *variable, const char *fallback)
{
	const char *base = getenv(variable);

	if (base && base[0] == '/')
		return join(base, "vigil");
	base = home_directory();
	return base ? join(base, fallback) : NULL;
}

char *xdg_config_dir(void)
{
	return xdg_dir("XDG_CONFIG_HOME", ".config/vigil");
}

char *xdg_state_dir(void)
{
	return xdg_dir("XDG_STATE_HOME", ".local/state/vigil");
}

char *xdg_cache_dir(void)
{
	return xdg_dir("XDG_CACHE_HOME", ".cache/vigil");
}

char *xdg_runtime_dir(void)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	return base && base[0] == '/' ? join(base, "vigil") : NULL;
}
