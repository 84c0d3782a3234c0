/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which names stand in the folder of cores, read once: of most crashes in a long list the core is
 * gone, and this tells it without a system call for each. */
#include "coredump/record.h"

typedef struct CoreFolder CoreFolder;

/* path: absolute, without a slash at its end. NULL: it cannot be read, so nothing can be told. A
 * folder that is not there is an empty one. */
CoreFolder *core_folder_read(const char *path);
CoreFolder *core_folder_free(CoreFolder *folder);
/* The crash's core was a file directly in this folder, and is not there. folder may be NULL. */
bool core_folder_lacks(const CoreFolder *folder, const Crash *crash);
