/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/unwind/units.h"

#include <dwarf.h>

#define RANGES_MAX ((size_t)4 * 1024 * 1024) /* of one module; a browser has some 500,000 */

static int by_low(const void *a, const void *b)
{
	const struct UnitRange *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static bool add_range(Units *units, uint64_t low, uint64_t high, const Dwarf_Die *unit)
{
	if (low >= high)
		return true;
	if (units->n == RANGES_MAX)
		return false;
	if ((units->n & (units->n - 1)) == 0) { /* full: doubles at powers of two */
		size_t room = units->n ? units->n * 2 : 1;
		struct UnitRange *grown = realloc(units->range, room * sizeof *grown);
		if (!grown)
			return false;
		units->range = grown;
	}
	units->range[units->n++] = (struct UnitRange){low, high, *unit};
	return true;
}

static void make_ranges(Units *units, LoadedModule *module)
{
	Dwarf_Die *unit = NULL;
	uint64_t bias;

	units->made = true;
	while ((unit = dwfl_module_nextcu(module->names, unit, &bias))) {
		Dwarf_Addr base, low, high;
		ptrdiff_t at = 0;
		if (dwarf_tag(unit) != DW_TAG_compile_unit)
			continue;
		while ((at = dwarf_ranges(unit, at, &base, &low, &high)) > 0)
			if (!add_range(units, low, high, unit))
				return;
	}
	qsort(units->range, units->n, sizeof *units->range, by_low);
}

bool units_find(
	Units *units, LoadedModule *module, uint64_t address, Dwarf_Die *ret, uint64_t *ret_bias)
{
	if (!module_dwarf(module, ret_bias))
		return false;
	/* libdwfl counts a gap in .debug_aranges as part of what comes before: functions of a
	 * static C library without debug information */
	Dwarf_Die *unit = dwfl_module_addrdie(module->names, address, ret_bias);
	if (unit && dwarf_haspc(unit, address - *ret_bias) > 0) {
		*ret = *unit;
		return true;
	}
	if (!units->made)
		make_ranges(units, module);
	(void)module_dwarf(module, ret_bias);
	size_t low = 0, high = units->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (units->range[middle].low <= address - *ret_bias)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - *ret_bias >= units->range[low - 1].high)
		return false;
	*ret = units->range[low - 1].unit;
	return true;
}

void units_done(Units *units)
{
	free(units->range);
	*units = (Units){};
}
