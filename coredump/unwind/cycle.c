/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row repeats with length L as far as pcs[i] == pcs[i + L]. */
#include "coredump/unwind/cycle.h"

/* The longest run of equal pairs that are `length` apart: where it begins, how many. */
static size_t longest_run(const uint64_t *pcs, size_t n, size_t length, size_t *ret_at)
{
	size_t best = 0, run = 0;

	for (size_t i = 0; i + length < n; i++) {
		run = pcs[i] == pcs[i + length] ? run + 1 : 0;
		if (run > best) {
			best = run;
			*ret_at = i + 1 - run;
		}
	}
	return best;
}

Cycle cycle_find(const uint64_t *pcs, size_t n)
{
	Cycle cycle = {};
	size_t best = 0, at = 0;

	for (size_t length = 1; length <= CYCLE_LENGTH_MAX && length < n; length++) {
		size_t run = longest_run(pcs, n, length, &at);
		/* a multiple of the true length runs no further than it, in all */
		if (run == 0 || run + length <= best || run + length < CYCLE_FRAMES_MIN)
			continue;
		best = run + length;
		cycle = (Cycle){.at = at, .length = length, .repeats = best / length};
	}
	return cycle.repeats > 1 ? cycle : (Cycle){};
}
