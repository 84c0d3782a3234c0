/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A trace for people: one form wherever it is shown. Everything foreign is escaped. */
#include "common/strbuf.h"
#include "coredump/trace.h"

typedef struct TraceTextOptions {
	size_t width;	  /* columns; a frame that does not fit takes two lines. 0: one line each */
	bool whole_names; /* else a name that is longer than a line is cut */
	size_t max_frames; /* of each thread; 0: all */
	bool all_threads;  /* not the crashed one alone; those that wait in one place stand together
			    */
	bool modules;	   /* all that frames lie in, with package and build id */
	bool registers;	   /* of the crashed thread's first frame */
	bool rating;	   /* how much it is worth */
	bool colour;
	bool english; /* for bug trackers; else translated */
} TraceTextOptions;

/* Appends it: what the fault was, the threads, what is wrong with files, why it is partial. */
void trace_text(const Trace *trace, const TraceTextOptions *options, StrBuf *out);
/* The frames of the crashed thread alone, nothing above or below. */
void trace_text_frames(const Trace *trace, const TraceTextOptions *options, StrBuf *out);
