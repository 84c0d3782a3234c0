/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing string; its failures are kept until the end so that callers read straight down. */
#include "common/strbuf.h"

#include <stdio.h>
#include <string.h>

static bool reserve(StrBuf *b, size_t more)
{
	if (b->failed)
		return false;
	if (b->length + more + 1 <= b->allocated)
		return true;

	size_t want = MAX_OF(b->allocated * 2, b->length + more + 1);
	want = MAX_OF(want, (size_t)64);
	char *grown = realloc(b->data, want);
	if (!grown) {
		b->failed = true;
		return false;
	}
	b->data = grown;
	b->allocated = want;
	return true;
}

void strbuf_add_n(StrBuf *b, const char *data, size_t n)
{
	if (!reserve(b, n))
		return;
	memcpy(b->data + b->length, data, n);
	b->length += n;
	b->data[b->length] = '\0';
}

void strbuf_add(StrBuf *b, const char *text)
{
	strbuf_add_n(b, text, strlen(text));
}

void strbuf_add_char(StrBuf *b, char c)
{
	strbuf_add_n(b, &c, 1);
}

void strbuf_addf(StrBuf *b, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0 || !reserve(b, (size_t)n)) {
		b->failed = true;
		return;
	}
	va_start(ap, format);
	(void)vsnprintf(b->data + b->length, (size_t)n + 1, format, ap);
	va_end(ap);
	b->length += (size_t)n;
}

void strbuf_reset(StrBuf *b)
{
	b->length = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

void strbuf_done(StrBuf *b)
{
	free(b->data);
	*b = (StrBuf){};
}

const char *strbuf_text(const StrBuf *b)
{
	return b->data ? b->data : "";
}

char *strbuf_take(StrBuf *b)
{
	char *text = NULL;

	if (!b->failed && reserve(b, 0)) {
		b->data[b->length] = '\0';
		text = TAKE_PTR(b->data);
	}
	strbuf_done(b);
	return text;
}
