/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a function is called, however it was compiled: foo<int>(int) [clone .constprop.0] and
 * foo<char>(char) are foo<>. And which functions say how a program ends, not why. Pure. */
#include "common/forward.h"

#define FRAME_NAME_SIZE 256 /* what is longer is cut; NUL included */

typedef enum FrameClass {
	FRAME_OWN,
	FRAME_ENDING,  /* ends the program, or was called to: abort, assertions, free() that found
			  the  heap broken, sanitizers; on top it is left out */
	FRAME_LIBRARY, /* between a program's own functions: what calls a std::function; whether it
			  is there at all is up to the optimiser */
	FRAME_START,   /* below them all: main, what starts a thread */
} FrameClass;

/* The folded name. Gone are: parameters and what stands behind them, the type it returns, arguments
 * of templates, marks of clones (.constprop .isra .part .cold .lto_priv .llvm), versions (@@V_1),
 * numbers of lambdas and local statics, the hash of Rust, glibc's __GI_ and variants for one
 * processor (__strlen_avx2). Unnamed namespaces are "(anonymous)", lambdas "{lambda}". function is
 * demangled, or as linked where it could not be. Sources: the Itanium C++ ABI's demangler as it is
 * in libiberty, and Rust's symbol mangling (legacy and v0). */
void frame_name_fold(const char *function, char ret[static FRAME_NAME_SIZE]);

/* Of a folded name. */
FrameClass frame_name_class(const char *name);
/* Of a module's file name: the C and C++ runtime and the sanitizers' are FRAME_LIBRARY. */
FrameClass frame_module_class(const char *module);
/* Whether the kernel's frame for a signal handler is called so where nobody marks it. */
bool frame_name_is_signal(const char *name);
