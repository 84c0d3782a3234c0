/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"

/* NULL-terminated vectors of owned strings: argument lists, environments. */
char **words_free(char **words); /* takes NULL, gives NULL */
/* A copy; NULL: no memory. */
char **words_copy(const char *const *words);
/* How many there are; 0 for NULL. */
size_t words_count(const char *const *words);

static inline void words_freep(char ***words)
{
	words_free(*words);
}
