/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the text form says above and below the frames. */
#include "coredump/trace-text.h"

/* "SIGSEGV: access to …", "" where the signal is not known. */
void trace_notes_fault(const Trace *trace, const TraceTextOptions *options, StrBuf *out);
/* Registers, modules, what is wrong with their files, why it is partial, the rating. */
void trace_notes_below(const Trace *trace, const TraceTextOptions *options, StrBuf *out);
