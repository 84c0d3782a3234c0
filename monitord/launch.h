/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Starts what the Show button shows: command (NULL-terminated words), or, where it is NULL, `vigil
 * inotify` in a terminal. Never a shell of ours; in a unit of its own where systemd started us, so
 * that it outlives the daemon. Failures are logged. */
void launch_show(char *const *command);
