/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fdinfo counter against one that has the whole text before it: whatever the text, and wherever
 * it is cut, both must count the same. */
#include "survey/fdinfo.h"
#include "tests/fuzz/fuzz.h"

static void count_plainly(
	const char *text, size_t length, uint64_t *ret_watches, uint64_t *ret_marks)
{
	static const char *const marks[] = {"fanotify ino:", "fanotify mnt_id:", "fanotify sdev:"};
	const char *end = text + length;

	*ret_watches = *ret_marks = 0;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		*ret_watches += n >= 11 && memcmp(text, "inotify wd:", 11) == 0;
		for (size_t i = 0; i < ELEMENTSOF(marks); i++)
			*ret_marks += n >= strlen(marks[i]) &&
				      memcmp(text, marks[i], strlen(marks[i])) == 0;
		text += n + 1;
	}
}

/* The first two bytes choose the cuts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FdinfoCounter whole = {.hashing = true}, pieces = {.hashing = true};
	uint64_t watches, marks;

	if (size < 2)
		return 0;
	const char *text = (const char *)data + 2;
	size_t length = size - 2, step = 1 + data[0] % 64, growth = data[1] % 8;
	count_plainly(text, length, &watches, &marks);
	fdinfo_feed(&whole, text, length);
	fdinfo_end(&whole);
	for (size_t at = 0, n; at < length; at += n, step += growth) {
		n = MIN_OF(step, length - at);
		fdinfo_feed(&pieces, text + at, n);
	}
	fdinfo_end(&pieces);
	fuzz_check(whole.watches == watches && pieces.watches == watches, "the number of watches");
	fuzz_check(whole.marks == marks && pieces.marks == marks, "the number of marks");
	fuzz_check(whole.hash == pieces.hash, "the hash");
	return 0;
}

#ifndef VIGIL_LIBFUZZER
static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	static const char *const parts[] = {"inotify wd:", "inotify wd:1f ino:2 sdev:3 mask:4",
		"fanotify ino:", "fanotify mnt_id:", "fanotify sdev:", "fanotify flags:",
		"inotify w", "inotify ", "fanotify", "\n", "\n", "\n", "pos:\t0\n", " ", ":"};

	return fuzz_make_up(data, 2, size, parts, ELEMENTSOF(parts), 8, state);
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, 4096);
}
#endif
