/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/sibling.h"

#include "common/cleanup.h"
#include <limits.h>
#include <string.h>

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/libexec/vigil"
#endif

char *sibling_path(const char *name)
{
	char own[PATH_MAX], *path;
	ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);

	while (n > 0 && own[n - 1] != '/')
		n--;
	if (n > 0 && asprintf(&path, "%.*s%s", (int)n, own, name) >= 0) {
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return asprintf(&path, "%s/%s", LIBEXECDIR, name) < 0 ? NULL : path;
}
