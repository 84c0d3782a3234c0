/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How much a trace is worth to who is to mend the program, and what would make it worth more. The
 * idea is DrKonqi's: frames near the crash count most, and one without a name there can spoil it.
 * Pure. */
#include "coredump/trace.h"

typedef enum TraceRating {
	RATING_USELESS,
	RATING_MAY_HELP,
	RATING_PROBABLY_USEFUL,
	RATING_USEFUL,
	RATING_MAX,
} TraceRating; /* as many stars */

typedef struct TraceQuality {
	TraceRating rating;
	/* of the crashed thread's frames, from the crash on: without what ended the program above
	 * it, and what started it below */
	size_t n_frames, n_named, n_lines; /* all; with a function; with a line, too */
	size_t n_lacking;		   /* modules among them that lack debugging information */
} TraceQuality;

void trace_quality(const Trace *trace, TraceQuality *ret);
/* "useless", "may-help", "probably-useful", "useful": for JSON. */
const char *trace_rating_to_string(TraceRating rating);
/* The same for people; N_(). */
const char *trace_rating_words(TraceRating rating);

typedef struct TraceAdvice {
	char *command;	  /* to type; NULL: nothing to install */
	const char *note; /* what to know before that, a sentence without a period; N_(), or NULL */
	char **modules;	  /* which lack debugging information, their files' names; NULL: none */
	char **unowned;	  /* those of them that no package is known of: built here, to be built with
			     -g */
	bool debuginfod;  /* "vigil crash bt --debuginfod" may find some of it: there are build ids
			   */
} TraceAdvice;

/* What to install on this distribution (the text of os-release(5); NULL: not known). Names of
 * packages that no package can have are left out: they may come from a foreign file's notes. 0,
 * -ENOMEM. */
int trace_advice(const Trace *trace, const char *os_release, TraceAdvice *ret);
void trace_advice_done(TraceAdvice *advice);
static inline void trace_advice_donep(TraceAdvice *advice)
{
	trace_advice_done(advice);
}
