/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the warning says. Pure: figures in, text out (translated, markup-escaped where it is a
 * body). */
#include "common/strbuf.h"
#include "monitord/inotify-policy.h"
#include "survey/boot.h"

typedef struct InotifyWarning {
	InotifyResource resource;
	InotifyLevel level;
	uint64_t used, max; /* max 0: unknown */
	bool refused;	    /* the kernel refused one already */
	bool incomplete;    /* figures are a lower bound */
	const PressureHolder *holders;
	int n_holders;
	PressureVerdict verdict;
	usec_t full_in_usec;
	const char *trouble; /* why raising failed, as the helper said it; NULL */
} InotifyWarning;

/* After a raise that the next boot undoes: which file does it. Appended as the body below. */
void inotify_override_body(const BootSetting *setting, bool markup, StrBuf *out);
/* One line; static, translated. */
const char *inotify_warning_summary(const InotifyWarning *warning);
/* Appends the body. markup: the server understands it; else plain text with control characters
 * escaped. */
void inotify_warning_body(const InotifyWarning *warning, bool markup, StrBuf *out);
