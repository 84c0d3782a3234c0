/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fdinfo counter against one that has the whole text before it: whatever the text, and wherever
 * it is cut, both must count the same. With a fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER.
 * Without: fuzz-fdinfo [SECONDS [SEED]] makes up its own input, from pieces of real lines and
 * noise, and prints the seed; fuzz-fdinfo FILE … runs the files of a corpus. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "survey/fdinfo.h"
#include <string.h>

#define TEXT_MAX 4096

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

static void check(bool right, const char *what)
{
	if (right)
		return;
	(void)fprintf(stderr, "fuzz-fdinfo: %s differs\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	check(whole.watches == watches && pieces.watches == watches, "the number of watches");
	check(whole.marks == marks && pieces.marks == marks, "the number of marks");
	check(whole.hash == pieces.hash, "the hash");
	return 0;
}

#ifndef VIGIL_LIBFUZZER
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t make_up(uint8_t *data, uint64_t *state)
{
	static const char *const parts[] = {"inotify wd:", "inotify wd:1f ino:2 sdev:3 mask:4",
		"fanotify ino:", "fanotify mnt_id:", "fanotify sdev:", "fanotify flags:",
		"inotify w", "inotify ", "fanotify", "\n", "\n", "\n", "pos:\t0\n", " ", ":"};
	size_t n = 2, wanted = next_random(state) % TEXT_MAX;

	data[0] = (uint8_t)next_random(state);
	data[1] = (uint8_t)next_random(state);
	while (n < wanted) {
		const char *part = parts[next_random(state) % ELEMENTSOF(parts)];
		if (next_random(state) % 8 == 0) {
			data[n++] = (uint8_t)next_random(state);
			continue;
		}
		size_t length = MIN_OF(strlen(part), (size_t)TEXT_MAX - n);
		memcpy(data + n, part, length);
		n += length;
	}
	return n;
}

static int run_file(const char *path)
{
	static uint8_t data[1024 * 1024];
	_cleanup_(fclosep) FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		return 1;
	}
	return LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, file));
}

int main(int argc, char **argv)
{
	static uint8_t data[TEXT_MAX];
	uint64_t seconds = 5, seed = now_usec(CLOCK_MONOTONIC) | 1, runs = 0;

	if (argc > 1 && parse_u64(argv[1], 86400, &seconds) < 0) {
		for (int i = 1; i < argc; i++)
			if (run_file(argv[i]) != 0)
				return 1;
		return 0;
	}
	if (argc > 2 && (parse_u64(argv[2], UINT64_MAX, &seed) < 0 || seed == 0))
		return 2;
	printf("fuzz-fdinfo: seed %llu\n", (unsigned long long)seed);
	(void)fflush(stdout);
	usec_t end = now_usec(CLOCK_MONOTONIC) + seconds * USEC_PER_SEC;
	for (uint64_t state = seed; now_usec(CLOCK_MONOTONIC) < end; runs++)
		(void)LLVMFuzzerTestOneInput(data, make_up(data, &state));
	printf("fuzz-fdinfo: %llu texts\n", (unsigned long long)runs);
	return runs == 0;
}
#endif
