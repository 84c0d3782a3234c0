/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whose package each module is, and of what version: what the program or systemd wrote of itself,
 * else what this machine's package manager says, asked once for all. */
#include "coredump/module-files.h"
#include "coredump/package-manager.h"
#include "coredump/record.h"

#define PACKAGE_TIMEOUT_USEC (5 * USEC_PER_SEC) /* for all that is asked */

/* One module's package note, or one of COREDUMP_PACKAGE_JSON:
 * {"type":"deb","name":"bash","version":"5.2-1"}. 0 (ret_* may still be NULL), -ENOMEM. Caller
 * frees. */
int package_note_parse(const json_t *note, char **ret_package, char **ret_version);

/* Fills .package and .version of modules that have none. The package manager is asked only for
 * files of this machine: local says whether they are. What was replaced since gets no version, as
 * only that of today is known. 0, -ENOMEM; what nobody knows is no error. */
int package_owners_find(const ModuleFiles *files, const Crash *crash, bool local, Trace *trace);

/* The package manager alone. owners: n, empty. 0, -ENOMEM; -ENOPKG: there is none that knows any
 * of them. */
int package_owners_ask(
	const char *const *paths, size_t n, usec_t timeout_usec, PackageOwner *owners);
