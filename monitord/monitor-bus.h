/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/names.h"
#include "monitord/modules.h"

/* org.vigil.Monitor1 over the registry; described in vigil-monitord(8). 0 or -errno. */
int monitor_bus_export(sd_bus *bus, ModuleRegistry *registry);
