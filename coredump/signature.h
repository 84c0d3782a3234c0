/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* When two crashes are the same crash. Until vigil-unwind exists: the program, the signal and the
 * normalised top frames of systemd's own stack trace in MESSAGE (abort and assert frames left
 * out), the module and offset where a frame has no symbol; program and signal alone where there is
 * no trace; for tracebacks the exception's type and the innermost own frame. Pure. */
#include "coredump/record.h"

#define CRASH_SIGNATURE_SIZE   17 /* 16 hex digits and NUL */
#define CRASH_SIGNATURE_FRAMES 5

/* Into ret; always succeeds. */
void crash_signature(const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE]);
/* The frames that went into it for people, "foo < bar < main"; "" where none. Caller frees; NULL:
 * no memory. */
char *crash_signature_title(const Crash *crash);
