/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "monitord/coredump.h"

/* org.vigil.Crash1 with a Coredump as userdata; described in vigil-monitord(8). */
extern const sd_bus_vtable crash_bus_vtable[];
