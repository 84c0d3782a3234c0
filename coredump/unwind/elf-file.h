/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* An ELF file on disk: opened, and told apart from another one of the same name. */
#include "coredump/core-elf.h"
#include <elfutils/libdwelf.h>

/* A regular file, symlinks followed (debug files of some distributions are). fd or -errno. */
int elf_file_open(const char *path);
/* NULL: no ELF file, or of another machine or class than the core. elf_end() is the caller's; fd
 * must stay open. */
Elf *elf_file_begin(int fd, const CoreElf *core);
/* Whether its build id is this (hexadecimal, as in TraceModule). 1; 0: another one; -ENODATA: it
 * has none. */
int elf_file_is(Elf *elf, const char *build_id);
bool elf_file_is_fixed(Elf *elf); /* its addresses in memory are those in the file (ET_EXEC) */
bool elf_file_has_section(Elf *elf, uint32_t type, const char *name); /* name: NULL: any */
/* The checksum that .gnu_debuglink holds: CRC-32 of the whole file. 0 or -errno. */
int elf_file_checksum(int fd, uint32_t *ret);
