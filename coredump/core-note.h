/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The notes of a core, one after the other (elf(5), "Notes"). */
#include "coredump/core-elf.h"

#define CORE_FILE_NOTE_MAX ((size_t)4 * 1024 * 1024) /* the kernel's MAX_FILE_NOTE_SIZE */

typedef struct CoreNote {
	bool core; /* its name is "CORE": what the types of core(5) mean. Else "LINUX" or other */
	uint32_t type; /* NT_PRSTATUS … */
	uint64_t at;   /* of its content, in the decompressed core */
	uint32_t length;
} CoreNote;

typedef struct CoreNotes { /* {.elf = elf} begins */
	CoreElf *elf;	   /* borrowed */
	uint32_t segment;
	uint64_t at, end;
	unsigned n_seen;
} CoreNotes;

/* 1; 0: no more (a damaged one ends its segment, a lie about their number ends all); -errno. */
int core_notes_next(CoreNotes *notes, CoreNote *ret);
/* Its content, at most max bytes of it: how many there are, or -errno. */
ssize_t core_note_read(CoreElf *elf, const CoreNote *note, size_t max, unsigned char *data);
/* The same into new memory, which the caller frees. */
ssize_t core_note_load(CoreElf *elf, const CoreNote *note, size_t max, unsigned char **ret);
