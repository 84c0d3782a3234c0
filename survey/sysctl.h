/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which sysctl.d file has the last word on a key at boot. Rules: sysctl.d(5): files of /etc, /run,
 * /usr/local/lib, /usr/lib (and /lib), sorted by name over all directories, a name in an earlier
 * directory (or a link to /dev/null) hides the same name in a later one; the last assignment wins.
 * A leading "-" and '/' or '.' as separators are allowed; globs count. */
#include "common/forward.h"

#define SYSCTL_DROPIN "60-vigil-inotify.conf"

typedef struct SysctlSetting {
	char *path; /* as under root: "/etc/sysctl.d/50-x.conf" */
	unsigned line;
	char *value;
	bool wins; /* the last one */
} SysctlSetting;

/* root_fd: the directory that stands for "/". key in dotted form. *ret: array in the order in which
 * they are applied; caller frees with sysctl_settings_free(). 0 or -ENOMEM; unreadable files are
 * passed over. */
int sysctl_find(int root_fd, const char *key, SysctlSetting **ret, size_t *ret_n);
void sysctl_settings_free(SysctlSetting *settings, size_t n);
/* Pure: whether the left side of an assignment (may be a glob, dotted or slashed) means the key. */
bool sysctl_key_matches(const char *left, const char *key);
