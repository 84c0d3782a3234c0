/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only names, owners and attributes are looked at; no core is opened. */
#include "coredump/trust-core.h"

#include "common/text.h"
#include "coredump/core-name.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Root's, and nobody else may put anything there. */
static bool is_roots_folder(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* The name within folder; NULL: the core is said to be elsewhere. */
static const char *name_within(const char *folder, const char *path)
{
	const char *rest = startswith(path, folder);

	return rest && rest[0] == '/' && rest[1] && !strchr(rest + 1, '/') ? rest + 1 : NULL;
}

/* Who may not read the core may not read its attributes either: then its name has to do. */
static bool is_same_program(
	const char *folder, const char *file, const CoreName *name, const Crash *crash)
{
	_cleanup_(freep) char *path = NULL;
	char exe[4096];

	if (asprintf(&path, "%s/%s", folder, file) < 0) {
		path = NULL;
		return false;
	}
	ssize_t n = lgetxattr(path, "user.coredump.exe", exe, sizeof exe - 1);
	if (n >= 0) {
		exe[n] = '\0';
		return crash->exe && streq(exe, crash->exe);
	}
	return crash->comm && streq(name->comm, crash->comm);
}

bool crash_proven_by_core(const char *folder, const Crash *crash, uid_t logged_by)
{
	const char *file = crash->core_file ? name_within(folder, crash->core_file) : NULL;
	CoreName name;
	struct stat st;

	if (!file || logged_by == CRASH_UID_UNKNOWN || crash->uid != logged_by ||
		!core_name_parse(file, &name) || !core_name_is_of(&name, crash))
		return false;
	_cleanup_(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !is_roots_folder(fd))
		return false;
	return fstatat(fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == 0 && is_same_program(folder, file, &name, crash);
}
