/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Programs that live on without us: forked twice, in a session of their own. */
#include "common/forward.h"

/* Where a program is: a name with '/' as it stands, others in search_path ("/usr/bin:/bin"; NULL:
 * $PATH) and then in the folder of our own executable. Caller frees; NULL: nowhere, or no memory.
 */
char *detach_find_program(const char *name, const char *search_path);
/* Our environment without what systemd told us alone (LISTEN_*, NOTIFY_SOCKET, JOURNAL_STREAM, …),
 * with added in the place of what has the same name. added may be NULL. Caller frees with
 * words_free(); NULL: no memory. */
char **detach_environment(const char *const *added);
/* An fd from which text is read from its start; nobody can change it (memfd_create(2), sealed).
 * -errno. */
int detach_text_fd(const char *text);
/* Runs path with argv and environment (NULL-terminated, whole) and input_fd (borrowed; negative:
 * /dev/null) as stdin; stdout and stderr are ours. Waits for its exec, not for it. 0, or the
 * -errno of fork or exec. */
int detach_run(const char *path, char *const *argv, char *const *environment, int input_fd);
