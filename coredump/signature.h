/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* When two crashes are the same crash, as far as it can be told on arrival: the program, the signal
 * and the frames of systemd's own stack trace in MESSAGE, reduced as those of a trace are
 * (frame-list.h); program and signal alone where there is none; for tracebacks the exception's type
 * and the innermost own frame. Once the core is understood, trace-signature.h says it better. Pure.
 */
#include "coredump/record.h"

#define CRASH_SIGNATURE_SIZE   17 /* 16 hex digits and NUL */
#define CRASH_SIGNATURE_FRAMES 5

/* Into ret; always succeeds. */
void crash_signature(const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE]);
/* The frames that went into it for people, "foo < bar < main"; "" where none. Caller frees; NULL:
 * no memory. */
char *crash_signature_title(const Crash *crash);
