/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is at an address of code: symbol, function, source line, and the functions whose calls were
 * inlined there. Looked up once for each address of a module. */
#include "coredump/unwind/modules.h"

typedef struct Symbols Symbols;

/* modules: borrowed. cpu_end: on CLOCK_PROCESS_CPUTIME_ID; addresses that are asked for later are
 * told by their module alone. NULL: no memory. */
Symbols *symbols_new(Modules *modules, usec_t cpu_end);
/* Whether that was so for any. */
bool symbols_late(const Symbols *symbols);
Symbols *symbols_free(Symbols *symbols);

/* The frames that code at address (pc; of callers pc - 1, the call itself) stands for: innermost
 * first, all but the last inlined; at least one. Set are module, offset, inlined, symbol, function,
 * file, line, column; pc and signal are left to the caller. The texts belong to symbols. 0;
 * -ENOMEM. */
int symbols_find(Symbols *symbols, uint64_t address, const TraceFrame **ret, size_t *ret_n);
