/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Of faults, beside trace_fault_words(). */
#include "coredump/trace.h"

/* trace_fault_words() in English, as reports to bug trackers are, or translated. */
const char *trace_fault_words_in(const Trace *trace, bool english, char buf[static 160]);
/* The fault is at the end of the crashed thread's stack. */
bool trace_is_stack_overflow(const Trace *trace);
