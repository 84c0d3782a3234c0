/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What unwinding needs of a compressed core, kept in a file: a small plain core of its own, with
 * the notes, the stacks, the ELF headers of what was mapped and the vDSO. The core is streamed
 * once; everything else is dropped as it comes, zeros become holes. Memory that was not kept looks
 * like memory that was not dumped. */
#include "coredump/core-elf.h"

/* From a little below the stack pointer (red zones; a leaf's frame) to the end of its mapping, but
 * no more than this. The inner end alone of a runaway recursion would do for no frame cap. */
#define IMAGE_STACK_CRASHED ((uint64_t)16 * 1024 * 1024)
#define IMAGE_STACK_OTHER   ((uint64_t)1024 * 1024)
/* The outer end of a thread's stack, of threads that run on another one meanwhile (sigaltstack(2)):
 * below the thread pointer, or around AT_RANDOM. */
#define IMAGE_STACK_BASE ((uint64_t)256 * 1024)
/* Of all stacks together; the crashed thread's comes first. */
#define IMAGE_STACKS_MAX ((uint64_t)160 * 1024 * 1024)
/* Of the file: stacks, CORE_PREFIX_MAX of notes, headers. */
#define IMAGE_MAX ((uint64_t)256 * 1024 * 1024)

typedef struct CoreImage {
	uint64_t core_bytes;	/* decompressed, that came */
	uint64_t written_bytes; /* st_blocks */
	bool damaged;		/* the rest could not be decompressed */
	bool notes_missing;	/* they lie too far from the beginning (gdb puts them last) */
	bool stacks_unknown;	/* registers of this machine are not known */
} CoreImage;

/* elf: of a compressed core, just opened; it is read to its end. fd: an empty file, open for both.
 * tid: the thread that crashed, 0: the first. 0; -ENOMEM, -EFBIG, -errno of writing or reading. A
 * core that ends early gives an image of what came. */
int core_image_make(CoreElf *elf, int fd, pid_t tid, CoreImage *ret);
