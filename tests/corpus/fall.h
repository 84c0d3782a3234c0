/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the programs of the corpus have in common. FALL() crashes where it stands; a function that
 * ends in STAY() keeps its frame while it calls another one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static volatile uintptr_t nowhere = 16; /* volatile: the compiler shall not see it coming */

#define FALL()	 (*(volatile int *)nowhere = 1)
#define STAY()	 __asm__ volatile("" ::: "memory")
#define NOINLINE __attribute__((noinline))
