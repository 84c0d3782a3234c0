/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A trace small enough to be kept: the index is bounded, and a process with thousands of threads or
 * names of kilobytes must not push the other crashes out. */
#include "common/json.h"

/* The trace's compact JSON, of at most max_bytes. Where it is longer, this is left out, one after
 * the other, and said in its "partial": the frames of threads that did not crash, then the names as
 * linked (mangled), then what is beyond the crashed thread's first 64 frames. 0; -E2BIG: too long
 * even so; -EINVAL: no trace; -ENOMEM. Caller frees *ret. Pure. */
int trace_to_bounded_text(const json_t *trace, size_t max_bytes, char **ret);
