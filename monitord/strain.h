/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How hard pressed the machine is, for work that can wait: is memory short, does it run on battery?
 * Read from the kernel's own files, whose places come as parameters. */
#include "common/forward.h"

typedef struct StrainPlaces { /* borrowed; NULL: the machine's own */
	const char *pressure; /* "/proc/pressure/memory" */
	const char *power;    /* "/sys/class/power_supply" */
} StrainPlaces;

typedef struct Strain {
	double memory_percent; /* of the last 10 s in which something waited for memory ("some
				  avg10"); 0 where the kernel does not tell */
	bool battery;
} Strain;

/* Never fails: what cannot be read is no strain.
 * https://docs.kernel.org/accounting/psi.html; on battery is what systemd's on_ac_power() says is:
 * no supply other than a battery is online, and a battery of the system (not of a mouse) is
 * discharging. */
void strain_read(const StrainPlaces *places, Strain *ret);
