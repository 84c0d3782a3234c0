/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"
#include "common/forward.h"
#include <stdarg.h>

/* A growing, always NUL-terminated string. Start with `_cleanup_(strbuf_done) StrBuf b = {};`.
 * Memory exhaustion is remembered in .failed, and every later call does nothing: check once at the
 * end. */
typedef struct StrBuf {
	char *data; /* owned; NULL while empty */
	size_t length;
	size_t allocated;
	bool failed;
} StrBuf;

void strbuf_add(StrBuf *b, const char *text);
void strbuf_add_n(StrBuf *b, const char *data, size_t n);
void strbuf_add_char(StrBuf *b, char c);
void strbuf_addf(StrBuf *b, const char *format, ...) PRINTF_FORMAT(2, 3);
void strbuf_reset(StrBuf *b); /* keeps the memory */
void strbuf_done(StrBuf *b);
/* The text, "" while empty; owned by b. */
const char *strbuf_text(const StrBuf *b);
/* Hands the text over (never NULL but after failure; caller frees) and empties b. */
char *strbuf_take(StrBuf *b);
