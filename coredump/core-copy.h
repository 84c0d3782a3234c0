/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "coredump/core-file.h"

/* core_copy(), and with raw the file's own bytes, compressed as they are (pins); sparse both. */
int core_copy_as(int fd, int out, bool raw, uint64_t max_bytes,
	int (*progress)(uint64_t done_bytes, void *userdata), void *userdata, CoreCopied *ret);
/* Writes into a file that is a hole there: blocks of zeros stay one. *written grows by what was
 * not. 0 or -errno. */
int core_write_sparse(
	int out, const unsigned char *data, size_t length, uint64_t offset, uint64_t *written);
