/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only reads at offsets that it checked against what is there. */
#include "coredump/core-elf.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>

#define SEGMENTS_MAX ((uint32_t)1 << 20) /* vm.max_map_count is 65530 by default */

/* Decompresses on until length bytes are held. */
static int grow_prefix(CoreElf *elf, size_t length)
{
	const void *data;
	size_t n;
	uint64_t offset;
	int r;

	while (elf->prefix_length < length && !elf->prefix_ended && !elf->streaming) {
		r = core_stream_next(elf->stream, &data, &n, &offset);
		if (r <= 0) { /* damaged further on: what came before still counts */
			elf->prefix_ended = true;
			return r == -EBADMSG ? 0 : r;
		}
		size_t needed = MIN_OF(offset + n, (uint64_t)CORE_PREFIX_MAX);
		if (needed > elf->prefix_allocated) {
			size_t allocated = MIN_OF(needed * 2, CORE_PREFIX_MAX);
			unsigned char *grown = realloc(elf->prefix, allocated);
			if (!grown)
				return -ENOMEM;
			elf->prefix = grown;
			elf->prefix_allocated = allocated;
		}
		if (offset < needed) {
			memset(elf->prefix + elf->prefix_length, 0, offset - elf->prefix_length);
			memcpy(elf->prefix + offset, data, needed - offset);
		}
		elf->prefix_length = needed;
		elf->prefix_ended = needed == CORE_PREFIX_MAX;
		elf->rest_offset = MAX_OF(offset, (uint64_t)needed);
		elf->rest_length = offset + n - elf->rest_offset;
		elf->rest = (const unsigned char *)data + (n - elf->rest_length);
	}
	return 0;
}

ssize_t core_elf_read(CoreElf *elf, uint64_t offset, void *data, size_t length)
{
	int r;

	if (!elf->stream)
		return pread_all(elf->fd, data, length, offset);
	if (offset >= CORE_PREFIX_MAX)
		return 0;
	r = grow_prefix(elf, MIN_OF(offset + length, (uint64_t)CORE_PREFIX_MAX));
	if (r < 0)
		return r;
	if (offset >= elf->prefix_length)
		return 0;
	size_t n = MIN_OF(length, elf->prefix_length - offset);
	memcpy(data, elf->prefix + offset, n);
	return (ssize_t)n;
}

int core_elf_next_piece(
	CoreElf *elf, const void **ret_data, size_t *ret_length, uint64_t *ret_offset)
{
	if (!elf->streaming && elf->prefix_length > 0) {
		*ret_data = elf->prefix;
		*ret_length = elf->prefix_length;
		*ret_offset = 0;
	} else if (elf->rest_length > 0) {
		*ret_data = elf->rest;
		*ret_length = elf->rest_length;
		*ret_offset = elf->rest_offset;
		elf->rest_length = 0;
	} else {
		elf->streaming = true;
		return core_stream_next(elf->stream, ret_data, ret_length, ret_offset);
	}
	elf->streaming = true;
	return 1;
}

uint64_t core_elf_number(const CoreElf *elf, const unsigned char *data, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | data[elf->big_endian ? i : size - 1 - i];
	return value;
}

void core_elf_put_number(const CoreElf *elf, unsigned char *data, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++, value >>= 8)
		data[elf->big_endian ? size - 1 - i : i] = (unsigned char)value;
}

/* Where there are 65535 segments or more, their number is in the first section header. */
static void read_many(CoreElf *elf)
{
	unsigned char section[sizeof(Elf64_Shdr)] = {};
	size_t size = elf->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	size_t at = elf->is_64 ? offsetof(Elf64_Shdr, sh_info) : offsetof(Elf32_Shdr, sh_info);

	if (elf->sections_at &&
		core_elf_read(elf, elf->sections_at, section, size) == (ssize_t)size)
		elf->n_segments = (uint32_t)core_elf_number(elf, section + at, 4);
	elf->n_segments = MIN_OF(elf->n_segments, SEGMENTS_MAX);
}

static int read_header(CoreElf *elf, bool core)
{
	unsigned char head[sizeof(Elf64_Ehdr)];
	ssize_t n = core_elf_read(elf, 0, head, sizeof head);

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(Elf32_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0 ||
		(head[EI_CLASS] != ELFCLASS32 && head[EI_CLASS] != ELFCLASS64) ||
		(head[EI_DATA] != ELFDATA2LSB && head[EI_DATA] != ELFDATA2MSB))
		return -EBADMSG;
	elf->is_64 = head[EI_CLASS] == ELFCLASS64;
	elf->big_endian = head[EI_DATA] == ELFDATA2MSB;
	if (elf->is_64 && (size_t)n < sizeof(Elf64_Ehdr))
		return -EBADMSG;
#define FIELD(field)                                                                               \
	(elf->is_64 ? core_elf_number(elf, head + offsetof(Elf64_Ehdr, field),                     \
			      sizeof(((Elf64_Ehdr *)NULL)->field))                                 \
		    : core_elf_number(elf, head + offsetof(Elf32_Ehdr, field),                     \
			      sizeof(((Elf32_Ehdr *)NULL)->field)))
	if ((FIELD(e_type) == ET_CORE) != core ||
		((core || FIELD(e_phnum)) &&
			FIELD(e_phentsize) !=
				(elf->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))))
		return -EBADMSG;
	elf->machine = (uint16_t)FIELD(e_machine);
	elf->segments_at = FIELD(e_phoff);
	elf->sections_at = FIELD(e_shoff);
	elf->n_segments = (uint32_t)FIELD(e_phnum);
	elf->n_sections = (uint16_t)FIELD(e_shnum);
	elf->names_section = (uint16_t)FIELD(e_shstrndx);
	if (FIELD(e_shentsize) != (elf->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		elf->n_sections = 0;
#undef FIELD
	if (elf->n_segments == PN_XNUM)
		read_many(elf);
	return 0;
}

int core_elf_open(int fd, CoreElf *ret)
{
	struct stat st;
	int r;

	*ret = (CoreElf){.fd = fd};
	if (fstat(fd, &st) < 0)
		return -errno;
	ret->file_size = (uint64_t)st.st_size;
	r = core_compression_detect(fd, &ret->compression);
	if (r >= 0 && ret->compression != CORE_PLAIN)
		r = core_stream_open(fd, false, &ret->stream);
	return r < 0 ? r : read_header(ret, true);
}

int core_elf_open_module(int fd, CoreElf *ret)
{
	struct stat st;

	*ret = (CoreElf){.fd = fd};
	if (fstat(fd, &st) < 0)
		return -errno;
	ret->file_size = (uint64_t)st.st_size;
	return read_header(ret, false);
}

void core_elf_done(CoreElf *elf)
{
	elf->stream = core_stream_close(elf->stream);
	free(elf->prefix);
	elf->prefix = NULL;
	elf->prefix_length = elf->prefix_allocated = 0;
}

static size_t segment_size(const CoreElf *elf)
{
	return elf->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

void core_elf_parse_segment(const CoreElf *elf, const unsigned char *at, CoreSegment *ret)
{
#define FIELD(field)                                                                               \
	(elf->is_64 ? core_elf_number(elf, at + offsetof(Elf64_Phdr, field),                       \
			      sizeof(((Elf64_Phdr *)NULL)->field))                                 \
		    : core_elf_number(elf, at + offsetof(Elf32_Phdr, field),                       \
			      sizeof(((Elf32_Phdr *)NULL)->field)))
	*ret = (CoreSegment){
		.type = (uint32_t)FIELD(p_type),
		.flags = (uint32_t)FIELD(p_flags),
		.offset = FIELD(p_offset),
		.file_bytes = FIELD(p_filesz),
		.address = FIELD(p_vaddr),
		.memory_bytes = FIELD(p_memsz),
	};
#undef FIELD
}

int core_elf_segment(CoreElf *elf, uint32_t i, CoreSegment *ret)
{
	unsigned char data[sizeof(Elf64_Phdr)];
	size_t size = segment_size(elf);
	uint64_t skipped = (uint64_t)i * size;

	if (elf->segments_at > UINT64_MAX - skipped ||
		core_elf_read(elf, elf->segments_at + skipped, data, size) != (ssize_t)size)
		return -ENODATA;
	core_elf_parse_segment(elf, data, ret);
	return 0;
}

int core_elf_section(CoreElf *elf, uint32_t i, CoreSection *ret)
{
	unsigned char data[sizeof(Elf64_Shdr)];
	size_t size = elf->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	uint64_t skipped = (uint64_t)i * size;

	if (elf->sections_at > UINT64_MAX - skipped ||
		core_elf_read(elf, elf->sections_at + skipped, data, size) != (ssize_t)size)
		return -ENODATA;
#define FIELD(field)                                                                               \
	(elf->is_64 ? core_elf_number(elf, data + offsetof(Elf64_Shdr, field),                     \
			      sizeof(((Elf64_Shdr *)NULL)->field))                                 \
		    : core_elf_number(elf, data + offsetof(Elf32_Shdr, field),                     \
			      sizeof(((Elf32_Shdr *)NULL)->field)))
	*ret = (CoreSection){.name = (uint32_t)FIELD(sh_name),
		.type = (uint32_t)FIELD(sh_type),
		.offset = FIELD(sh_offset),
		.bytes = FIELD(sh_size)};
#undef FIELD
	return 0;
}

#define SEGMENTS_AT_ONCE ((uint32_t)64)

/* Many headers at a time: there may be tens of thousands, and this is asked of growing files. How
 * many of them are there, or -errno. */
static ssize_t read_segments(CoreElf *elf, uint32_t first, CoreSegment ret[SEGMENTS_AT_ONCE])
{
	unsigned char data[SEGMENTS_AT_ONCE * sizeof(Elf64_Phdr)] = {};
	size_t size = segment_size(elf);
	uint32_t wanted = MIN_OF(elf->n_segments - first, SEGMENTS_AT_ONCE);
	uint64_t skipped = (uint64_t)first * size;

	if (elf->segments_at > UINT64_MAX - skipped)
		return 0;
	ssize_t n = core_elf_read(elf, elf->segments_at + skipped, data, wanted * size);
	for (ssize_t i = 0; i < n / (ssize_t)size; i++)
		core_elf_parse_segment(elf, data + (size_t)i * size, &ret[i]);
	return n < 0 ? n : n / (ssize_t)size;
}

int core_elf_extent(CoreElf *elf, uint64_t *ret)
{
	CoreSegment segments[SEGMENTS_AT_ONCE];
	uint64_t end = 0;

	for (uint32_t done = 0; done < elf->n_segments; done += SEGMENTS_AT_ONCE) {
		ssize_t n = read_segments(elf, done, segments);
		if (n < (ssize_t)MIN_OF(elf->n_segments - done, SEGMENTS_AT_ONCE))
			return -ENODATA;
		for (ssize_t i = 0; i < n; i++) {
			if (segments[i].file_bytes > UINT64_MAX - segments[i].offset)
				return -EBADMSG;
			end = MAX_OF(end, segments[i].offset + segments[i].file_bytes);
		}
	}
	*ret = end;
	return 0;
}

int core_elf_segments(CoreElf *elf, CoreSegment **ret, uint32_t *ret_n)
{
	_cleanup_(freep) CoreSegment *all = NULL;
	uint32_t n = 0;
	ssize_t got = 0;

	/* Grown by what is there: the header alone could claim a million of them. */
	do {
		CoreSegment *grown = realloc(all, (n + SEGMENTS_AT_ONCE) * sizeof *all);
		if (!grown)
			return -ENOMEM;
		all = grown;
		got = n < elf->n_segments ? read_segments(elf, n, all + n) : 0;
		if (got < 0)
			return (int)got;
		n += (uint32_t)got;
	} while (got == SEGMENTS_AT_ONCE);
	*ret = TAKE_PTR(all);
	*ret_n = n;
	return 0;
}
