/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Libraries made up byte by byte, of any class and byte order: headers, notes, links, no code. */
#include "common/forward.h"
#include <elf.h>
#include <string.h>

typedef struct ModuleSpec {
	bool is_64, big_endian, segments_only;
	unsigned char build_id[32];
	size_t build_id_length;
	const char *debug_link, *alt_link, *package; /* NULL: none */
	uint16_t type;				     /* ET_DYN where 0 */
} ModuleSpec;

typedef struct ModuleBytes {
	unsigned char data[32 * 1024];
	size_t length;
	const ModuleSpec *spec;
} ModuleBytes;

#define MODULE_SECTIONS_AT 256
#define MODULE_NAMES_AT	   640
#define MODULE_CONTENT_AT  768

static inline void module_put(ModuleBytes *module, size_t at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		module->data[at + i] =
			(unsigned char)(value >> 8 * (module->spec->big_endian ? size - 1 - i : i));
	module->length = MAX_OF(module->length, at + size);
}

static inline void module_put_bytes(ModuleBytes *module, const void *data, size_t size)
{
	memcpy(module->data + module->length, data, size);
	module->length += size;
}

static inline void module_put_note(
	ModuleBytes *module, const char *owner, uint32_t type, const void *data, size_t size)
{
	size_t at = module->length;

	module_put(module, at, 4, 4);
	module_put(module, at + 4, size, 4);
	module_put(module, at + 8, type, 4);
	module_put_bytes(module, owner, 4);
	module_put_bytes(module, data, size);
	module->length = (module->length + 3) & ~(size_t)3;
}

/* Elf64_Ehdr or Elf32_Ehdr. */
static inline void module_put_header(ModuleBytes *module, uint16_t sections)
{
	const ModuleSpec *spec = module->spec;
	size_t word = spec->is_64 ? 8 : 4, at = 24;

	memcpy(module->data, ELFMAG, SELFMAG);
	module->data[EI_CLASS] = spec->is_64 ? ELFCLASS64 : ELFCLASS32;
	module->data[EI_DATA] = spec->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	module->data[EI_VERSION] = EV_CURRENT;
	module_put(module, 16, spec->type ? spec->type : ET_DYN, 2);
	module_put(module, 18, EM_X86_64, 2);
	module_put(module, 20, EV_CURRENT, 4);
	module_put(module, at + word, spec->is_64 ? 64 : 52, word);		    /* e_phoff */
	module_put(module, at + 2 * word, sections ? MODULE_SECTIONS_AT : 0, word); /* e_shoff */
	at += 3 * word + 4;
	module_put(module, at, spec->is_64 ? 64 : 52, 2);
	module_put(module, at + 2, spec->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), 2);
	module_put(module, at + 4, 1, 2);
	module_put(module, at + 6, spec->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2);
	module_put(module, at + 8, sections, 2);
	module_put(module, at + 10, sections ? sections - 1U : 0, 2);
}

static inline void module_put_segment(ModuleBytes *module, uint64_t offset, uint64_t bytes)
{
	size_t word = module->spec->is_64 ? 8 : 4, at = module->spec->is_64 ? 64 : 52;

	module_put(module, at, PT_NOTE, 4);
	module_put(module, at + word, offset, word);	/* p_offset, of both classes */
	module_put(module, at + 4 * word, bytes, word); /* p_filesz, of both classes */
}

static inline void module_put_section(ModuleBytes *module, unsigned i, uint32_t name, uint32_t type,
	uint64_t offset, uint64_t bytes)
{
	size_t word = module->spec->is_64 ? 8 : 4;
	size_t at = MODULE_SECTIONS_AT +
		    i * (module->spec->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));

	module_put(module, at, name, 4);
	module_put(module, at + 4, type, 4);
	module_put(module, at + 8 + 2 * word, offset, word);
	module_put(module, at + 8 + 3 * word, bytes, word);
}

#define MODULE_NAMES "\0.note.x\0.gnu_debuglink\0.gnu_debugaltlink\0.shstrtab"

static inline void module_make(ModuleBytes *module, const ModuleSpec *spec)
{
	static const unsigned char checksum[4] = {1, 2, 3, 4};
	size_t at[5];

	*module = (ModuleBytes){.spec = spec};
	module_put_header(module, spec->segments_only ? 0 : 5);
	memcpy(module->data + MODULE_NAMES_AT, MODULE_NAMES, sizeof MODULE_NAMES);
	module->length = at[0] = MODULE_CONTENT_AT;
	if (spec->build_id_length)
		module_put_note(
			module, "GNU", NT_GNU_BUILD_ID, spec->build_id, spec->build_id_length);
	if (spec->package)
		module_put_note(
			module, "FDO", 0xcafe1a7e, spec->package, strlen(spec->package) + 1);
	at[1] = module->length;
	if (spec->debug_link) {
		module_put_bytes(module, spec->debug_link, strlen(spec->debug_link) + 1);
		module->length = (module->length + 3) & ~(size_t)3;
		module_put_bytes(module, checksum, sizeof checksum);
	}
	at[2] = module->length;
	if (spec->alt_link) {
		module_put_bytes(module, spec->alt_link, strlen(spec->alt_link) + 1);
		module_put_bytes(module, "\xab\xcd", 2);
	}
	at[3] = module->length;
	module_put_segment(module, at[0], at[1] - at[0]);
	if (spec->segments_only)
		return;
	module_put_section(module, 1, 1, SHT_NOTE, at[0], at[1] - at[0]);
	module_put_section(module, 2, 9, SHT_PROGBITS, at[1], at[2] - at[1]);
	module_put_section(module, 3, 24, SHT_PROGBITS, at[2], at[3] - at[2]);
	module_put_section(module, 4, 42, SHT_STRTAB, MODULE_NAMES_AT, sizeof MODULE_NAMES);
}
