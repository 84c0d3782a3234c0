/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where this machine's journals are, and whether there are any. systemd-journald.service(8). */
#include "coredump/journal-internals.h"

#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>

static const char *const bases[] = {"/var/log/journal", "/run/log/journal"};

/* 32 hex digits, or "" where the machine has no id. */
static void read_machine(const char *root, char ret[static 33])
{
	_cleanup_(freep) char *path = NULL;
	char line[64];

	ret[0] = '\0';
	if (asprintf(&path, "%s/etc/machine-id", root) < 0) {
		path = NULL;
		return;
	}
	ssize_t n = read_line_at(AT_FDCWD, path, line, sizeof line);
	if (n == 32 && journal_is_machine(line, 32))
		memcpy(ret, line, 33);
}

static bool has_journal_files(int base_fd, const char *name)
{
	int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		bool denied = fd < 0 && errno == EACCES; /* there, whatever is in it */
		(void)safe_close(fd);
		return denied;
	}
	while ((entry = readdir(dir)))
		if (endswith(entry->d_name, ".journal") || endswith(entry->d_name, ".journal~"))
			return true;
	return false;
}

/* Whether a base folder holds journals: in a folder named by the machine's id, or by any where that
 * is not known. Namespaces ("ID.NAME") are not read by anybody here. */
static bool has_journals(const char *root, const char *base, const char *machine)
{
	_cleanup_(freep) char *path = NULL;
	_cleanup_(closedirp) DIR *dir = NULL;
	struct dirent *entry;

	if (asprintf(&path, "%s%s", root, base) < 0) {
		path = NULL;
		return false;
	}
	dir = opendir(path);
	if (!dir)
		return errno == EACCES;
	if (machine[0])
		return has_journal_files(dirfd(dir), machine);
	while ((entry = readdir(dir)))
		if (journal_is_machine(entry->d_name, strlen(entry->d_name)) &&
			has_journal_files(dirfd(dir), entry->d_name))
			return true;
	return false;
}

JournalStorage crash_journal_storage(const char *root)
{
	char machine[33] = "";

	if (!root[0]) /* another root is read whole, as coredumpctl(1) does */
		read_machine(root, machine);
	if (has_journals(root, bases[0], machine))
		return JOURNAL_PERSISTENT;
	return has_journals(root, bases[1], machine) ? JOURNAL_VOLATILE : JOURNAL_NONE;
}

int journal_folders(const char *root, char *ret[static 4])
{
	char machine[33];

	read_machine(root, machine);
	for (size_t i = 0; i < ELEMENTSOF(bases); i++) {
		if (asprintf(&ret[2 * i], "%s%s", root, bases[i]) < 0) {
			ret[2 * i] = NULL;
			return -ENOMEM;
		}
		if (machine[0] &&
			asprintf(&ret[2 * i + 1], "%s%s/%s", root, bases[i], machine) < 0) {
			ret[2 * i + 1] = NULL;
			return -ENOMEM;
		}
	}
	return 0;
}
