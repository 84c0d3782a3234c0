/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "helper/methods.h"

/* Serves the helper's name on the bus until it has been idle for idle_usec or a signal ends it. 0
 * or -errno (logged). */
int helper_serve(sd_bus *bus, const ChangeRoots *roots, usec_t idle_usec);
