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

/* The PT_LOADs of a core, compressed or not, as in CoreMemory; the caller frees them. 0; -ENOMEM,
 * -errno. */
int core_loads_read(CoreElf *elf, CoreSegment **ret, size_t *ret_n);
/* The one that holds address, of those; NULL: none. */
const CoreSegment *core_loads_find(const CoreSegment *loads, size_t n, uint64_t address);

/* How many of length bytes from address on are there: fewer where the core has a gap (memory that
 * was not dumped, kept or mapped), 0: none; -errno. Cheap for single words: pages are kept. */
ssize_t core_memory_read(const CoreMemory *memory, uint64_t address, void *data, size_t length);
/* One word (4 or 8 bytes) of the process. */
bool core_memory_word(const CoreMemory *memory, uint64_t address, uint64_t *ret);
/* The mapping that holds address, dumped or not; NULL: none. flags tells whether it could be
 * executed. */
static inline const CoreSegment *core_memory_find(const CoreMemory *memory, uint64_t address)
{
	return core_loads_find(memory->loads, memory->n_loads, address);
}
/* Of the file so far, by core_memory_read(). */
uint64_t core_memory_bytes_read(const CoreMemory *memory);
/* Steps through the notes: `CoreNotes notes = core_memory_notes(&memory); while
 * (core_notes_next(&notes, &note) > 0) …` */
static inline CoreNotes core_memory_notes(CoreMemory *memory)
{
	return (CoreNotes){.elf = &memory->elf};
}
