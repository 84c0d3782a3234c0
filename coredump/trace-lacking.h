/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which files' debugging information a trace lacks: shared by its rating and by what is advised. */
#include "coredump/frame-list.h"
#include "coredump/trace.h"

/* Frame i is where a jump to nowhere led (the first one only): there is nothing to name. */
bool trace_frame_is_nowhere(const TraceThread *thread, size_t i);
/* Whether module i holds a frame near the crash that has no line. list: of the trace's crashed
 * thread (frame_list_from_trace()). */
bool trace_module_lacks(const Trace *trace, const FrameList *list, size_t i);
