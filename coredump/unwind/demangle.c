/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rust first, whose legacy names pass for C++; then __cxa_demangle() of libstdc++ (Itanium C++
 * ABI). Symbols are foreign text: what the demangler makes of a hostile one stays in the sandbox,
 * and a short one that demangles into gigabytes ends at its memory limit as no name. */
#include "coredump/unwind/demangle.h"

#include "common/cleanup.h"
#include "common/text.h"
#include "coredump/rust-name.h"
#include "coredump/trace.h"

/* <cxxabi.h> is C++. */
char *__cxa_demangle(const char *mangled, char *buffer, size_t *length, int *status);

/* "foo(int) [clone .cold]": parts and copies that the compiler made of one function. */
static void cut_clones(char *name)
{
	char *clone = strstr(name, " [clone ");

	if (clone)
		*clone = '\0';
}

char *demangle(const char *symbol)
{
	char rust[TRACE_TEXT_MAX];
	int status;

	if (rust_demangle(symbol, rust, sizeof rust))
		return strdup(rust);
	if (startswith(symbol, "_Z") && strnlen(symbol, TRACE_TEXT_MAX) < TRACE_TEXT_MAX) {
		_cleanup_(freep) char *name = strndup(symbol, strcspn(symbol, "@"));
		char *readable = name ? __cxa_demangle(name, NULL, NULL, &status) : NULL;
		if (readable) {
			if (strnlen(readable, TRACE_TEXT_MAX) == TRACE_TEXT_MAX)
				readable[TRACE_TEXT_MAX - 1] = '\0';
			cut_clones(readable);
			return readable;
		}
	}
	size_t end = strcspn(symbol, "@");
	return strndup(symbol, MIN_OF(end ? end : strlen(symbol), (size_t)TRACE_TEXT_MAX - 1));
}
