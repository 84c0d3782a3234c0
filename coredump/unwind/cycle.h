/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Runaway recursion: the part of a stack that is one short row of return addresses over and over.
 * Pure. */
#include "common/forward.h"

#define CYCLE_LENGTH_MAX 64 /* functions that call each other around */
#define CYCLE_FRAMES_MIN 64 /* that it must fill: less is a recursion like many are */

typedef struct Cycle {
	size_t at, length; /* of its first round; length 0: there is none */
	uint64_t repeats;  /* whole rounds */
} Cycle;

/* The one that fills most of the n addresses; of equal ones the shortest. Time: n *
 * CYCLE_LENGTH_MAX. */
Cycle cycle_find(const uint64_t *pcs, size_t n);
