/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The memory of the crashed process, as far as its core holds it. It reads a plain core: the core
 * itself, or the image that core-image.h made of a compressed one, which is a smaller core of its
 * own. Both classes and byte orders. */
#include "common/cleanup.h"
#include "coredump/core-note.h"

typedef struct CoreMemory {
	CoreElf elf;	    /* is_64, big_endian, machine; core_elf_number() decodes with it */
	CoreSegment *loads; /* PT_LOADs by address; of overlapping ones the first counts */
	size_t n_loads;
	struct CorePages *pages; /* the last ones read; file-local */
} CoreMemory;

/* fd: a plain core, borrowed, must stay open. 0; -EBADMSG: no plain core; -ENOMEM, -errno. Ends
 * with core_memory_done(), also after failure. */
int core_memory_open(int fd, CoreMemory *ret);
void core_memory_done(CoreMemory *memory);

/* How many of length bytes from address on are there: fewer where the core has a gap (memory that
 * was not dumped, kept or mapped), 0: none; -errno. Cheap for single words: pages are kept. */
ssize_t core_memory_read(const CoreMemory *memory, uint64_t address, void *data, size_t length);
/* One word (4 or 8 bytes) of the process. */
bool core_memory_word(const CoreMemory *memory, uint64_t address, uint64_t *ret);
/* The mapping that holds address, dumped or not; NULL: none. flags tells whether it could be
 * executed. */
const CoreSegment *core_memory_find(const CoreMemory *memory, uint64_t address);
/* Steps through the notes: `CoreNotes notes = core_memory_notes(&memory); while
 * (core_notes_next(&notes, &note) > 0) …` */
static inline CoreNotes core_memory_notes(CoreMemory *memory)
{
	return (CoreNotes){.elf = &memory->elf};
}
