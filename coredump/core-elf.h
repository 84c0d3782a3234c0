/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The ELF header and program headers of a core, both classes and byte orders (elf(5)). An own
 * reader of some 150 lines instead of libelf: it must work on a file that ends anywhere, on the
 * beginning of a compressed one without writing it out, and on lies, and needs a hundredth of the
 * format. Fuzzed (tests/fuzz/fuzz-core-notes.c). */
#include "common/forward.h"
#include "coredump/core-stream.h"

#define CORE_PREFIX_MAX ((size_t)16 * 1024 * 1024) /* of a compressed core, kept to look at */

typedef struct CoreElf {
	int fd;		    /* borrowed */
	CoreStream *stream; /* NULL: plain */
	unsigned char *prefix;
	size_t prefix_length, prefix_allocated;
	bool prefix_ended;
	const unsigned char *rest; /* of the stream's last piece, what no longer fitted */
	size_t rest_length;
	uint64_t rest_offset;
	bool streaming; /* core_elf_next_piece() has begun */
	uint64_t file_size;
	CoreCompression compression;

	bool is_64, big_endian;
	uint16_t machine;
	uint64_t segments_at, sections_at;
	uint32_t n_segments;
	uint16_t n_sections, names_section; /* of a file with 65280 of them or more: 0 */
} CoreElf;

typedef struct CoreSegment {
	uint32_t type;	/* PT_LOAD, PT_NOTE */
	uint32_t flags; /* PF_X, PF_W, PF_R */
	uint64_t offset, file_bytes;
	/* Of the process: memory beyond file_bytes was not dumped (it does not mean zeros). */
	uint64_t address, memory_bytes;
} CoreSegment;

typedef struct CoreSection {
	uint32_t name; /* where it stands in the names' section */
	uint32_t type; /* SHT_NOTE, … */
	uint64_t offset, bytes;
} CoreSection;

/* Opens a plain or compressed core and checks its header. 0; -EBADMSG: no core; -errno. Ends with
 * core_elf_done(), also after failure. fd is borrowed and must stay open. */
int core_elf_open(int fd, CoreElf *ret);
/* The same for what is no core but a program, a library or what was split off one; never
 * compressed. */
int core_elf_open_module(int fd, CoreElf *ret);
void core_elf_done(CoreElf *elf);
/* Bytes of the decompressed core: how many of length there are (fewer at its end, and beyond
 * CORE_PREFIX_MAX of a compressed one), or -errno. */
ssize_t core_elf_read(CoreElf *elf, uint64_t offset, void *data, size_t length);
/* A number of 2, 4 or 8 bytes in the core's byte order. */
uint64_t core_elf_number(const CoreElf *elf, const unsigned char *data, size_t size);
/* The other way round. */
void core_elf_put_number(const CoreElf *elf, unsigned char *data, size_t size, uint64_t value);
/* The size of a long in the process. */
static inline size_t core_elf_word(const CoreElf *elf)
{
	return elf->is_64 ? 8 : 4;
}
/* A program header of this class and byte order: 56 or 32 bytes. */
void core_elf_parse_segment(const CoreElf *elf, const unsigned char *at, CoreSegment *ret);
/* 0; -ENODATA: the file ends before this header. */
int core_elf_segment(CoreElf *elf, uint32_t i, CoreSegment *ret);
/* All of them at once, also of a core that ends among its headers: how many there are is told. The
 * caller frees *ret. 0 or -ENOMEM, -errno. */
int core_elf_segments(CoreElf *elf, CoreSegment **ret, uint32_t *ret_n);
/* The bytes of a compressed core in order, each exactly once: what core_elf_read() has held so far
 * comes first. What it holds can still be read afterwards, but no more than that. Gives what
 * core_stream_next() gives. Not for plain cores. */
int core_elf_next_piece(
	CoreElf *elf, const void **ret_data, size_t *ret_length, uint64_t *ret_offset);
/* 0; -ENODATA: the file ends before this header. */
int core_elf_section(CoreElf *elf, uint32_t i, CoreSection *ret);
/* Where the last segment ends, i.e. how long the core is if nothing was cut off. 0; -ENODATA: the
 * headers are not all there. */
int core_elf_extent(CoreElf *elf, uint64_t *ret);
