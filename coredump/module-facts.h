/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a program or library on disk says of itself, of which the unwinder's caller needs four words
 * to find its other files: which build it is, what its debug information is called, and whose
 * package it is. Read with bounded preads of core-elf.h instead of libelf: a path out of a core may
 * name anybody's file, and this runs outside the sandbox. The unwinder does not believe any of it
 * and compares anew. */
#include "coredump/trace.h"

#define MODULE_PACKAGE_MAX 4096 /* bytes of a package note */
#define MODULE_LINK_MAX	   4096 /* of a path in .gnu_debugaltlink */

typedef struct ModuleFacts {
	char build_id[TRACE_BUILD_ID_SIZE]; /* NT_GNU_BUILD_ID; "" */
	char debug_link[256];		    /* .gnu_debuglink: a file's name without '/'; "" */
	char *alt_link;			    /* .gnu_debugaltlink (dwz(1)): a path; NULL */
	char alt_build_id[TRACE_BUILD_ID_SIZE];
	char *package; /* JSON of the package note
			  (systemd.io/PACKAGE_METADATA_FOR_EXECUTABLE_FILES,
			  NT_FDO_PACKAGING_METADATA), raw; NULL */
} ModuleFacts;

/* fd: a regular file; its offset stays. 0; -EBADMSG: no ELF file, or a core; -ENOMEM; -errno. ret
 * is to be emptied with module_facts_done(). */
int module_facts_read(int fd, ModuleFacts *ret);
void module_facts_done(ModuleFacts *facts);
static inline void module_facts_donep(ModuleFacts *facts)
{
	module_facts_done(facts);
}
