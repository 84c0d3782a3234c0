/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which parts of a core are worth keeping, known from its headers and notes before the first byte
 * of memory comes. Pure but for reading notes. Used by core-image.c. */
#include "common/cleanup.h"
#include "coredump/core-elf.h"

typedef struct ImageRange {
	size_t load;	      /* index */
	uint64_t offset, end; /* in the core's file */
	bool header;	      /* the beginning of a mapped file: kept if that is an ELF file, and as
				 much of it as its headers and notes take */
	/* filled while streaming */
	uint64_t image_at; /* in the image */
	uint64_t kept;	   /* bytes that came */
} ImageRange;

typedef struct ImagePlan {
	CoreSegment *loads; /* by address */
	size_t n_loads;
	ImageRange *range; /* by offset, none reaches into the next */
	size_t n_ranges;
	size_t n_threads;
	bool stacks_unknown;
} ImagePlan;

/* 0; -ENOMEM, -errno. */
int image_plan_make(CoreElf *elf, pid_t tid, ImagePlan *ret);
void image_plan_done(ImagePlan *plan);
static inline void image_plan_donep(ImagePlan *plan)
{
	image_plan_done(plan);
}
