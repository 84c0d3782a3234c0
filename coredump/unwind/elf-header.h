/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The ELF header and program headers of a file as its mapping shows them in a core. Pure: bytes in,
 * facts out. */
#include "coredump/core-elf.h"

#define ELF_PARTS_MAX ((size_t)128) /* program headers looked at; glibc's files have 13 */

typedef struct ElfHeader {
	bool is_fixed;	    /* ET_EXEC */
	size_t headers_end; /* of the program headers, in the file */
	uint64_t start,
		end; /* addresses in the file: of the first PT_LOAD's page, behind the last */
	uint64_t start_offset; /* in the file, of that page */
	size_t n_parts;
	CoreSegment parts[ELF_PARTS_MAX]; /* PT_LOAD and PT_NOTE */
} ElfHeader;

/* data: the file's first bytes, in the class and byte order of core. How many bytes the program
 * headers need, when that is more than length (nothing is parsed then); 0: parsed; -EBADMSG: no ELF
 * file of the core's kind. */
ssize_t elf_header_parse(
	const CoreElf *core, const unsigned char *data, size_t length, ElfHeader *ret);
/* The build id (NT_GNU_BUILD_ID) among notes of length bytes: its bytes, *ret_length of them, or
 * NULL. */
const unsigned char *elf_build_id(
	const CoreElf *core, const unsigned char *notes, size_t length, size_t *ret_length);
