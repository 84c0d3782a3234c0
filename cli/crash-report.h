/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The ready text of a bug report. Pure: what of the machine goes in is a parameter. */
#include "common/strbuf.h"
#include "coredump/index.h"

#define CRASH_REPORT_MAX ((size_t)60 * 1000) /* bytes; what bug trackers take as one text */

typedef struct CrashReportContext {
	const char *os;	    /* PRETTY_NAME of os-release(5); NULL: unknown */
	const char *kernel; /* uname -r; NULL */
	const char *home;   /* of the user, to be hidden; NULL */
	const char *user;   /* login name, to be hidden; NULL */
	uint64_t repeats;   /* crashes with the same signature, this one included */
} CrashReportContext;

/* Markdown, at most CRASH_REPORT_MAX bytes, the stack trace folded. Never the environment; home
 * directories become ~, the host's name and the user's stay out. */
void crash_report_markdown(const CrashRow *row, const CrashReportContext *context, StrBuf *out);
/* Appends text with home directories made ~ ("/home/NAME", "/root", context's own) and the user's
 * name as a whole word made "user". */
void crash_report_hide(StrBuf *out, const char *text, const CrashReportContext *context);
