/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What every fuzz target shares. With a fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER. Without:
 * fuzz-NAME [SECONDS [SEED]] makes up its own input, from the target's pieces and noise, and prints
 * the seed; fuzz-NAME FILE … runs the files of a corpus. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(bool right, const char *what)
{
	if (right)
		return;
	(void)fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static inline uint64_t fuzz_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Fills data from at on with parts and, one time in noise, a random byte, up to a random length
 * below size. Gives the length. */
static inline size_t fuzz_make_up(uint8_t *data, size_t at, size_t size, const char *const *parts,
	size_t n_parts, unsigned noise, uint64_t *state)
{
	size_t wanted = fuzz_random(state) % size;

	for (size_t i = 0; i < at; i++)
		data[i] = (uint8_t)fuzz_random(state);
	while (at < wanted) {
		const char *part = parts[fuzz_random(state) % n_parts];
		if (fuzz_random(state) % noise == 0) {
			data[at++] = (uint8_t)fuzz_random(state);
			continue;
		}
		size_t length = MIN_OF(strlen(part), size - at);
		memcpy(data + at, part, length);
		at += length;
	}
	return at;
}

static inline int fuzz_file(const char *path)
{
	static uint8_t data[1024 * 1024];
	_cleanup_(fclosep) FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		return 1;
	}
	return LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, file));
}

/* A target's main(). make_up: fills at most size bytes, gives the length. */
static inline int fuzz_main(int argc, char **argv,
	size_t (*make_up)(uint8_t *data, size_t size, uint64_t *state), size_t size)
{
	uint64_t seconds = 5, seed = now_usec(CLOCK_MONOTONIC) | 1, runs = 0;
	_cleanup_(freep) uint8_t *data = malloc(size);

	if (argc > 1 && parse_u64(argv[1], 86400, &seconds) < 0) {
		for (int i = 1; i < argc; i++)
			if (fuzz_file(argv[i]) != 0)
				return 1;
		return 0;
	}
	if (!data || (argc > 2 && (parse_u64(argv[2], UINT64_MAX, &seed) < 0 || seed == 0)))
		return 2;
	printf("%s: seed %llu\n", argv[0], (unsigned long long)seed);
	(void)fflush(stdout);
	usec_t end = now_usec(CLOCK_MONOTONIC) + seconds * USEC_PER_SEC;
	for (uint64_t state = seed; now_usec(CLOCK_MONOTONIC) < end; runs++)
		(void)LLVMFuzzerTestOneInput(data, make_up(data, size, &state));
	printf("%s: %llu inputs\n", argv[0], (unsigned long long)runs);
	return runs == 0;
}
