/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectors of strings. */
#include "common/words.h"

#include <stdlib.h>
#include <string.h>

char **words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
	return NULL;
}

size_t words_count(const char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

char **words_copy(const char *const *words)
{
	size_t n = words_count(words);
	char **copy = calloc(n + 1, sizeof *copy);

	for (size_t i = 0; copy && i < n; i++)
		if (!(copy[i] = strdup(words[i])))
			return words_free(copy);
	return copy;
}
