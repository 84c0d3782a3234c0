/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The name of a function as people write it: "_ZN3foo3barEi" is "foo::bar(int)"; rustc's hash
 * (legacy mangling), a symbol's version ("@@GLIBC_2.2.5") and " [clone .cold]" are left out. A name
 * that is not mangled, or longer than TRACE_TEXT_MAX, is given as it is; no more than
 * TRACE_TEXT_MAX bytes of the result are. Caller frees; NULL: no memory. */
char *demangle(const char *symbol);
