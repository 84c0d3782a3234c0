/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A stack of program counters as the frames of a trace: with symbols and inlined functions, both
 * ends of one that is too long, its cycle where it is a runaway recursion. */
#include "coredump/unwind/symbols.h"
#include "coredump/unwind/unwinder.h"

/* *budget: bytes of JSON that frames may still fill, of all threads together (TRACE_JSON_MAX is the
 * reader's limit); when it is used up, frames come without texts, then none. Fills frames and what
 * belongs to them in thread. 0; -ENOMEM. */
int frames_make(const Stack *stack, Symbols *symbols, size_t *budget, TraceThread *thread);
