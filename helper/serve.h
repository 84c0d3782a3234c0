/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "helper/methods.h"

/* Serves the helper's name on the bus until it has been idle for idle_usec or a signal ends it.
 * cores_fd: the directory of stored cores, -EBADF where there is none. 0 or -errno (logged). */
int helper_serve(sd_bus *bus, const ChangeRoots *roots, int cores_fd, usec_t idle_usec);
