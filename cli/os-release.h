/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The text of os-release(5) of this machine, or of a system mounted at root_fd (-EBADF: this one).
 * Caller frees; NULL: there is none, or no memory. */
char *os_release_read(int root_fd);
