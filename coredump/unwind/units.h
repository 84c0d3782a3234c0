/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The compilation unit that an address lies in. By .debug_aranges where a module has them (gcc);
 * else by the ranges of its units (clang and rustc write no .debug_aranges; libdw looks further
 * only from 0.190 on). */
#include "coredump/unwind/modules.h"

typedef struct Units {
	struct UnitRange {
		uint64_t low, high; /* as DWARF counts, high not in it */
		Dwarf_Die unit;
	} * range; /* by low */
	size_t n;
	bool made;
} Units;

/* address: in memory. *ret_bias: address in memory - in DWARF. units: of this module, {} at first.
 */
bool units_find(
	Units *units, LoadedModule *module, uint64_t address, Dwarf_Die *ret, uint64_t *ret_bias);
void units_done(Units *units);
