/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps from note to note and from one PT_NOTE to the next; no note is trusted about its length. */
#include "coredump/core-note.h"

#include <elf.h>
#include <string.h>

#define NOTES_MAX     ((unsigned)1 << 18) /* headers looked at: five a thread */
#define SEGMENTS_SEEN ((uint32_t)4096)	  /* PT_NOTE comes first */

/* Reads one header: name and content are padded to 4 bytes. 1; 0: the segment or the file ends. */
static int next_of_segment(CoreNotes *notes, CoreNote *ret)
{
	unsigned char head[12 + 8];
	uint64_t left = notes->end > notes->at ? notes->end - notes->at : 0;
	ssize_t n;

	if (left < 12 || notes->n_seen++ >= NOTES_MAX)
		return 0;
	n = core_elf_read(notes->elf, notes->at, head, sizeof head);
	if (n < 12)
		return n < 0 ? (int)n : 0;
	uint64_t name = core_elf_number(notes->elf, head, 4);
	uint64_t content = core_elf_number(notes->elf, head + 4, 4);
	uint64_t name_padded = (name + 3) & ~(uint64_t)3;
	if (12 + name_padded + content > left)
		return 0;
	*ret = (CoreNote){
		.core = n == sizeof head && name == 5 && memcmp(head + 12, "CORE", 5) == 0,
		.type = (uint32_t)core_elf_number(notes->elf, head + 8, 4),
		.at = notes->at + 12 + name_padded,
		.length = (uint32_t)content,
	};
	notes->at += 12 + name_padded + ((content + 3) & ~(uint64_t)3);
	return 1;
}

int core_notes_next(CoreNotes *notes, CoreNote *ret)
{
	CoreSegment segment;
	int r;

	while ((r = next_of_segment(notes, ret)) == 0) {
		if (notes->segment >= MIN_OF(notes->elf->n_segments, SEGMENTS_SEEN) ||
			core_elf_segment(notes->elf, notes->segment++, &segment) < 0)
			return 0;
		if (segment.type != PT_NOTE || segment.file_bytes > INT64_MAX ||
			segment.offset > INT64_MAX)
			continue;
		notes->at = segment.offset;
		notes->end = segment.offset + segment.file_bytes;
	}
	return r;
}

ssize_t core_note_read(CoreElf *elf, const CoreNote *note, size_t max, unsigned char *data)
{
	return core_elf_read(elf, note->at, data, MIN_OF((size_t)note->length, max));
}

ssize_t core_note_load(CoreElf *elf, const CoreNote *note, size_t max, unsigned char **ret)
{
	_cleanup_(freep) unsigned char *data = malloc(MIN_OF((size_t)note->length, max) + 1);

	if (!data)
		return -ENOMEM;
	ssize_t n = core_note_read(elf, note, max, data);
	if (n >= 0)
		*ret = TAKE_PTR(data);
	return n;
}
