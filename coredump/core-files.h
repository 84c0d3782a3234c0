/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* NT_FILE: which file was mapped where (fs/binfmt_elf.c, fill_files_note()). */
#include "common/cleanup.h"
#include "coredump/core-note.h"

typedef struct CoreFile {
	uint64_t start, end; /* addresses */
	uint64_t offset;     /* in the file, bytes */
	const char *path;    /* as the process had it; a deleted one ends in " (deleted)" */
} CoreFile;

typedef struct CoreFiles {
	CoreFile *row; /* by address */
	size_t n;
	unsigned char *note; /* that the paths point into */
} CoreFiles;

/* Rows without a name, of a note that is cut, are left out. 0; -ENOMEM, -errno. */
int core_files_read(CoreElf *elf, const CoreNote *note, CoreFiles *ret);
void core_files_done(CoreFiles *files);
static inline void core_files_donep(CoreFiles *files)
{
	core_files_done(files);
}
