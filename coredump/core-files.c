/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Count, page size; start, end and offset in pages of each; then as many names. */
#include "coredump/core-files.h"

#include <string.h>

static int by_start(const void *a, const void *b)
{
	const CoreFile *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void parse_rows(const CoreElf *elf, uint64_t count, size_t length, CoreFiles *files)
{
	size_t word = core_elf_word(elf);
	uint64_t page = core_elf_number(elf, files->note + word, word);
	const unsigned char *at = files->note + 2 * word;
	const char *name = (const char *)at + count * 3 * word;
	const char *end = (const char *)files->note + length, *nul;

	for (; files->n < count && (nul = memchr(name, '\0', (size_t)(end - name)));
		name = nul + 1, at += 3 * word)
		files->row[files->n++] = (CoreFile){
			.start = core_elf_number(elf, at, word),
			.end = core_elf_number(elf, at + word, word),
			.offset = core_elf_number(elf, at + 2 * word, word) * page,
			.path = name,
		};
}

int core_files_read(CoreElf *elf, const CoreNote *note, CoreFiles *ret)
{
	_cleanup_(core_files_donep) CoreFiles files = {};
	size_t word = core_elf_word(elf);
	ssize_t n = core_note_load(elf, note, CORE_FILE_NOTE_MAX, &files.note);

	if (n < 0)
		return (int)n;
	size_t length = (size_t)n;
	uint64_t count = length < 2 * word ? 0 : core_elf_number(elf, files.note, word);
	if (count > 0 && count <= (length - 2 * word) / (3 * word)) {
		files.row = calloc(count, sizeof *files.row);
		if (!files.row)
			return -ENOMEM;
		parse_rows(elf, count, length, &files);
		qsort(files.row, files.n, sizeof *files.row, by_start);
	}
	*ret = files;
	files = (CoreFiles){};
	return 0;
}

void core_files_done(CoreFiles *files)
{
	free(files->row);
	free(files->note);
	*files = (CoreFiles){};
}
