/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/module-facts.h"

#include "coredump/core-elf.h"
#include <elf.h>
#include <string.h>

#define SECTIONS_MAX	256 /* that are looked at; a library has about 40 */
#define SEGMENTS_MAX	64
#define NOTES_BYTES_MAX ((size_t)64 * 1024)
#ifndef NT_FDO_PACKAGING_METADATA /* glibc 2.37 */
#define NT_FDO_PACKAGING_METADATA 0xcafe1a7e
#endif

/* ".gnu_debugaltlink" is the longest that is asked for. */
#define SECTION_NAME_SIZE 24

static void write_build_id(char ret[static TRACE_BUILD_ID_SIZE], const unsigned char *id, size_t n)
{
	if (n == 0 || 2 * n >= TRACE_BUILD_ID_SIZE)
		return;
	for (size_t i = 0; i < n; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", id[i]);
}

static int take_note(ModuleFacts *facts, const char *owner, uint32_t type,
	const unsigned char *data, size_t length)
{
	if (strcmp(owner, ELF_NOTE_GNU) == 0 && type == NT_GNU_BUILD_ID && !facts->build_id[0])
		write_build_id(facts->build_id, data, length);
	if (strcmp(owner, "FDO") == 0 && type == NT_FDO_PACKAGING_METADATA && !facts->package &&
		length <= MODULE_PACKAGE_MAX) {
		facts->package = strndup((const char *)data, length);
		return facts->package ? 0 : -ENOMEM;
	}
	return 0;
}

static uint64_t padded(uint64_t n)
{
	return (n + 3) & ~(uint64_t)3;
}

/* Notes of both classes are made of 4-byte words; what is aligned otherwise
 * (NT_GNU_PROPERTY_TYPE_0) stands last or alone. */
static int parse_notes(CoreElf *elf, const unsigned char *data, size_t length, ModuleFacts *facts)
{
	int r = 0;

	for (size_t at = 0; r == 0 && length - at >= 12;) {
		uint64_t name = core_elf_number(elf, data + at, 4);
		uint64_t content = core_elf_number(elf, data + at + 4, 4);
		uint32_t type = (uint32_t)core_elf_number(elf, data + at + 8, 4);
		uint64_t left = length - at - 12;
		if (padded(name) > left || content > left - padded(name))
			return 0;
		const unsigned char *owner = data + at + 12;
		if (name == 4 && owner[3] == '\0')
			r = take_note(facts, (const char *)owner, type, owner + padded(name),
				(size_t)content);
		at = (size_t)MIN_OF(at + 12 + padded(name) + padded(content), length);
	}
	return r;
}

static int read_notes(CoreElf *elf, uint64_t offset, uint64_t bytes, ModuleFacts *facts)
{
	size_t length = MIN_OF(bytes, (uint64_t)NOTES_BYTES_MAX);
	_cleanup_(freep) unsigned char *data = malloc(length + 1);

	if (!data)
		return -ENOMEM;
	ssize_t n = core_elf_read(elf, offset, data, length);
	return n < 0 ? (int)n : parse_notes(elf, data, (size_t)n, facts);
}

/* A name of a file, padding, and a checksum of that file. */
static void take_debug_link(ModuleFacts *facts, const unsigned char *data, size_t length)
{
	size_t n = strnlen((const char *)data, length);

	if (n == 0 || n == length || n >= sizeof facts->debug_link || memchr(data, '/', n) ||
		strcmp((const char *)data, ".") == 0 || strcmp((const char *)data, "..") == 0)
		return;
	memcpy(facts->debug_link, data, n + 1);
}

/* A path, and the build id of what it names. */
static int take_alt_link(ModuleFacts *facts, const unsigned char *data, size_t length)
{
	size_t n = strnlen((const char *)data, length);

	if (n == 0 || n == length || facts->alt_link)
		return 0;
	write_build_id(facts->alt_build_id, data + n + 1, length - n - 1);
	facts->alt_link = strdup((const char *)data);
	return facts->alt_link ? 0 : -ENOMEM;
}

static int read_link(CoreElf *elf, const CoreSection *section, const char *name, ModuleFacts *facts)
{
	unsigned char data[MODULE_LINK_MAX + 64];
	bool debug = strcmp(name, ".gnu_debuglink") == 0;

	if ((!debug && strcmp(name, ".gnu_debugaltlink") != 0) || section->bytes > sizeof data)
		return 0;
	ssize_t n = core_elf_read(elf, section->offset, data, (size_t)section->bytes);
	if (n < 0)
		return (int)n;
	if (!debug)
		return take_alt_link(facts, data, (size_t)n);
	take_debug_link(facts, data, (size_t)n);
	return 0;
}

static int read_sections(CoreElf *elf, ModuleFacts *facts)
{
	CoreSection names, section;
	int r = 0;

	if (core_elf_section(elf, elf->names_section, &names) < 0)
		return 0;
	for (uint32_t i = 1; r == 0 && i < MIN_OF(elf->n_sections, (uint16_t)SECTIONS_MAX); i++) {
		char name[SECTION_NAME_SIZE] = "";
		if (core_elf_section(elf, i, &section) < 0)
			return 0;
		if (section.type == SHT_NOTE)
			r = read_notes(elf, section.offset, section.bytes, facts);
		if (section.type != SHT_PROGBITS || names.offset > UINT64_MAX - section.name)
			continue;
		ssize_t n = core_elf_read(elf, names.offset + section.name, name, sizeof name - 1);
		r = n < 0 ? (int)n : read_link(elf, &section, name, facts);
	}
	return r;
}

/* For what has no section headers (sstrip); of a split-off file the segments mean nothing. */
static int read_segments(CoreElf *elf, ModuleFacts *facts)
{
	CoreSegment segment;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < MIN_OF(elf->n_segments, (uint32_t)SEGMENTS_MAX); i++) {
		if (core_elf_segment(elf, i, &segment) < 0)
			return 0;
		if (segment.type == PT_NOTE)
			r = read_notes(elf, segment.offset, segment.file_bytes, facts);
	}
	return r;
}

int module_facts_read(int fd, ModuleFacts *ret)
{
	_cleanup_(module_facts_donep) ModuleFacts facts = {};
	CoreElf elf;
	int r;

	r = core_elf_open_module(fd, &elf);
	if (r >= 0)
		r = read_sections(&elf, &facts);
	if (r >= 0 && !facts.build_id[0])
		r = read_segments(&elf, &facts);
	core_elf_done(&elf);
	if (r < 0)
		return r;
	*ret = facts;
	facts = (ModuleFacts){};
	return 0;
}

void module_facts_done(ModuleFacts *facts)
{
	free(facts->alt_link);
	free(facts->package);
	*facts = (ModuleFacts){};
}
