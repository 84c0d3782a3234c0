/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only what lies within the bytes given is looked at. */
#include "coredump/unwind/elf-header.h"

#include <elf.h>
#include <string.h>

#define PAGE_MASK ((uint64_t)4095)

static void take_part(ElfHeader *header, const CoreSegment *part)
{
	if (part->type != PT_LOAD && part->type != PT_NOTE)
		return;
	if (part->type == PT_LOAD && part->memory_bytes <= UINT64_MAX - part->address) {
		uint64_t end = part->address + part->memory_bytes;
		if (header->end == 0) { /* the first: they stand by address */
			header->start = part->address & ~PAGE_MASK;
			header->start_offset = part->offset & ~PAGE_MASK;
		}
		header->end = MAX_OF(header->end, end);
	}
	header->parts[header->n_parts++] = *part;
}

ssize_t elf_header_parse(
	const CoreElf *core, const unsigned char *data, size_t length, ElfHeader *ret)
{
	size_t head = core->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t size = core->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (length < head || memcmp(data, ELFMAG, SELFMAG) != 0 ||
		data[EI_CLASS] != (core->is_64 ? ELFCLASS64 : ELFCLASS32) ||
		data[EI_DATA] != (core->big_endian ? ELFDATA2MSB : ELFDATA2LSB))
		return -EBADMSG;
#define FIELD(field)                                                                               \
	(core->is_64 ? core_elf_number(core, data + offsetof(Elf64_Ehdr, field),                   \
			       sizeof(((Elf64_Ehdr *)NULL)->field))                                \
		     : core_elf_number(core, data + offsetof(Elf32_Ehdr, field),                   \
			       sizeof(((Elf32_Ehdr *)NULL)->field)))
	uint64_t type = FIELD(e_type), at = FIELD(e_phoff);
	uint64_t n = MIN_OF(FIELD(e_phnum), (uint64_t)ELF_PARTS_MAX), step = FIELD(e_phentsize);
#undef FIELD
	if ((type != ET_EXEC && type != ET_DYN) || step != size || at > INT32_MAX)
		return -EBADMSG;
	if (at + n * size > length)
		return (ssize_t)(at + n * size);
	*ret = (ElfHeader){.is_fixed = type == ET_EXEC, .headers_end = at + n * size};
	for (uint64_t i = 0; i < n; i++) {
		CoreSegment part;
		core_elf_parse_segment(core, data + at + i * size, &part);
		take_part(ret, &part);
	}
	return 0;
}

const unsigned char *elf_build_id(
	const CoreElf *core, const unsigned char *notes, size_t length, size_t *ret_length)
{
	for (size_t at = 0; length - at >= 12;) {
		uint64_t name = core_elf_number(core, notes + at, 4);
		uint64_t content = core_elf_number(core, notes + at + 4, 4);
		uint64_t type = core_elf_number(core, notes + at + 8, 4);
		uint64_t begin = 12 + ((name + 3) & ~(uint64_t)3);
		if (begin + content > length - at)
			return NULL;
		if (type == NT_GNU_BUILD_ID && name == 4 && content > 0 &&
			memcmp(notes + at + 12, "GNU", 4) == 0) {
			*ret_length = (size_t)content;
			return notes + at + begin;
		}
		uint64_t next = begin + ((content + 3) & ~(uint64_t)3);
		at += (size_t)MIN_OF(next, (uint64_t)(length - at));
	}
	return NULL;
}
