/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* When two analysed crashes are the same one: same program (its name), same class of signal, same
 * five innermost own functions of the crashed thread. Pure.
 *
 * It stays over: ASLR; another place in the same function; rebuilds that move lines, change
 * arguments of templates, clone functions or, where there is debug information to tell, inline
 * them; how deep a recursion was and where in its round it ended; whether the C library has
 * symbols; what an assertion, the allocator or a handler of crashes did afterwards.
 * It changes with: a function's name, a caller among the five, tail calls that the optimiser makes
 * (the caller has no frame any more), inlining without debug information, and, for functions
 * without a name, each build that differs. */
#include "coredump/record.h"
#include "coredump/signature.h"
#include "coredump/trace.h"

/* Into ret. 0; -ENODATA: the trace has no frame, so whatever was known before is better; -ENOMEM.
 * ret is untouched then. */
int trace_signature(const Trace *trace, const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE]);
/* The functions that went into it for people, "foo < bar"; "" where none. Raw; caller frees; NULL:
 * no memory. */
char *trace_signature_title(const Trace *trace);
