/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How dpkg, rpm and pacman are asked whose files are, and what they answer: arguments and parsers,
 * pure. All are asked in the C locale, for all paths at once. Sources: dpkg-query(1), rpm(8) and
 * its queryformat, pacman(8). */
#include "common/forward.h"

typedef struct PackageOwner {
	char *package, *version; /* owned; NULL: not known */
} PackageOwner;

void package_owners_free(PackageOwner *owners, size_t n);

/* What can be asked for: an absolute path, short, without control characters. */
bool package_path_is_fit(const char *path);

/* Each gives words of common/words.h, for execve(2), or NULL: no memory. paths are all fit. */
/* dpkg has two steps: names, then versions. It takes paths for patterns, and knows files of a
 * merged /usr by one of their two names. Names are as it tells them, with ":amd64" where the
 * package may be there for several machines; package_owners_plain() takes that away at the end. */
char **dpkg_owner_arguments(const char *const *paths, size_t n);
char **dpkg_version_arguments(const PackageOwner *owners, size_t n);
void package_owners_plain(PackageOwner *owners, size_t n);
/* rpm answers in the order of the questions, with a line for each owner, of which a file may have
 * several. Between the paths it is asked for one that nobody owns, which shows where the answers to
 * each end. */
char **rpm_arguments(const char *const *paths, size_t n);
char **pacman_arguments(const char *const *paths, size_t n);

/* Answers into owners, n of them in the order of paths; what is known already stays. 0, -ENOMEM,
 * -EBADMSG: not an answer. */
int dpkg_take_owners(const char *text, const char *const *paths, size_t n, PackageOwner *owners);
int dpkg_take_versions(const char *text, PackageOwner *owners, size_t n);
int rpm_take(const char *text, const char *const *paths, size_t n, PackageOwner *owners);
int pacman_take(const char *text, const char *const *paths, size_t n, PackageOwner *owners);
