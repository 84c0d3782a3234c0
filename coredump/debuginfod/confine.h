/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What speaks to servers has less than its caller: no privileges to gain, no core, no file larger
 * than what it may fetch, and where root called it, it is nobody. Its working directory is the
 * cache. */
#include "common/cleanup.h"
#include "common/forward.h"

/* cache: is made if it is not there; root gives it to nobody, or one that belongs to another user
 * is refused. *ret_cache_fd: the caller closes. 0; -EPERM: whose it is; -errno. */
int confine(const char *cache, uint64_t file_bytes, int *ret_cache_fd);
