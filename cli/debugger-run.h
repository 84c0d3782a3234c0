/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A debugger for the person at the terminal, waited for. */
#include "common/forward.h"

/* A new folder of ours alone, "DIRECTORY/vigil-debug-XXXXXX". 0 or -errno; caller frees *ret. */
int debug_folder_make(const char *directory, char **ret);
/* Takes it away with all that is in it, following no symlink; whatever stays is ignored. */
void debug_folder_remove(const char *folder);

/* Runs argv in the folder and waits. keep_fd: is the same descriptor there (-EBADF: none).
 * network: DEBUGINFOD_URLS stays in the environment. Ctrl-C is the debugger's; SIGTERM and SIGHUP
 * are passed on. 0 with the wait status; -ENOENT: no such program; -EINTR: it was told to end, and
 * has; -errno. Signals are as before afterwards. */
int debugger_run(char *const *argv, const char *folder, int keep_fd, bool network, int *ret_status);
