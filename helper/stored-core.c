/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks through one directory of root's for one name. */
#include "helper/stored-core.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>

#define BOOT_ID_DIGITS 32

/* Moves *p behind a number in the form a kernel prints it. */
static bool skip_number(const char **p, uint64_t max)
{
	uint64_t value;

	return **p >= '1' && **p <= '9' && parse_u64_prefix(*p, p, &value) == 0 && value <= max;
}

bool stored_core_id_valid(const char *text)
{
	const char *p = text;

	if (strspn(p, "0123456789abcdef") != BOOT_ID_DIGITS)
		return false;
	p += BOOT_ID_DIGITS;
	return *p++ == '.' && skip_number(&p, INT32_MAX) && *p++ == '.' &&
	       skip_number(&p, UINT64_MAX) && *p == '\0';
}

static size_t without_compression(const char *name)
{
	static const char *const endings[] = {".zst", ".lz4", ".xz"};

	for (size_t i = 0; i < ELEMENTSOF(endings); i++) {
		const char *ending = endswith(name, endings[i]);
		if (ending)
			return (size_t)(ending - name);
	}
	return strlen(name);
}

/* For a prompt and a log: nothing that a terminal, a markup or polkit's $(…) could take for more
 * than a letter. systemd's escapes (\x2e) stay as they are. */
static void copy_program(char ret[static STORED_CORE_PROGRAM_SIZE], const char *comm, size_t n)
{
	size_t at = 0;

	for (; at < MIN_OF(n, (size_t)STORED_CORE_PROGRAM_SIZE - 1); at++) {
		unsigned char c = (unsigned char)comm[at];
		ret[at] = (c < 128 && isalnum(c)) || (c && strchr("._+-:@\\~", c)) ? (char)c : '?';
	}
	ret[at] = '\0';
}

/* What stands before the identity: core.COMM.UID. COMM may be anything, dots too. */
static bool take_head(const char *name, size_t length, StoredCore *ret)
{
	const char *end = name + length, *dot = memrchr(name, '.', length);
	char digits[16];
	uint64_t uid;

	if (!startswith(name, "core.") || !dot || dot < name + 5)
		return false;
	size_t n = (size_t)(end - dot - 1);
	if (n == 0 || n >= sizeof digits)
		return false;
	memcpy(digits, dot + 1, n);
	digits[n] = '\0';
	ret->uid = parse_u64(digits, UINT32_MAX - 1, &uid) == 0 ? (uid_t)uid : (uid_t)-1;
	copy_program(ret->program, name + 5, (size_t)(dot - name - 5));
	return ret->uid != (uid_t)-1;
}

bool stored_core_name_matches(const char *name, const char *id, StoredCore *ret)
{
	size_t length = without_compression(name), n = strlen(id);

	/* The identity is taken from the end: COMM, at the front, could hold another one. */
	if (length <= n + 1 || memcmp(name + length - n, id, n) != 0 || name[length - n - 1] != '.')
		return false;
	return take_head(name, length - n - 1, ret);
}

static int open_found(int dir_fd, const char *name, StoredCore *ret)
{
	_cleanup_(closep) int fd = open_regular_at(dir_fd, name);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != 0)
		return -EPERM;
	if ((uint64_t)st.st_size > STORED_CORE_MAX_BYTES)
		return -EFBIG;
	ret->size_bytes = (uint64_t)st.st_size;
	ret->fd = TAKE_FD(fd);
	return 0;
}

int stored_core_open(int dir_fd, const char *id, StoredCore *ret)
{
	StoredCore found = {.fd = -EBADF};
	int r;

	if (dir_fd < 0)
		return -ENOENT;
	/* A descriptor of its own: readdir's position is the open file's. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	_cleanup_(closedirp) DIR *dir = fdopendir(fd);
	if (!dir) {
		(void)safe_close(fd);
		return -ENOMEM;
	}
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (!stored_core_name_matches(entry->d_name, id, &found))
			continue;
		r = open_found(dirfd(dir), entry->d_name, &found);
		if (r >= 0)
			*ret = found;
		return r;
	}
	return -ENOENT;
}
