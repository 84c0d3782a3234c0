/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What every fuzz target shares. With a fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER. Without:
 * fuzz-NAME [SECONDS [SEED]] makes up its own input, from the target's pieces and noise, and prints
 * the seed; fuzz-NAME FILE … runs the files of a corpus. A target defines fuzz_parts (what its
 * input is made of) and LLVMFuzzerTestOneInput(), which aborts through check(). */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/forward.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FUZZ_TEXT_MAX 4096

static const char *const fuzz_parts[];
static const size_t fuzz_n_parts;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check(bool right, const char *what)
{
	if (right)
		return;
	(void)fprintf(stderr, "%s: broken: %s\n", program_invocation_short_name, what);
	abort();
}

/* The input as text of its own, so that reading past its end is seen. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	check(text, "memory");
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* A directory that goes with the program. */
static char fuzz_path[64];

static inline void fuzz_remove_directory(void)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", fuzz_path);
	(void)!system(command);
}

static inline int fuzz_directory(void)
{
	static int fd = -EBADF;

	if (fd < 0) {
		(void)snprintf(fuzz_path, sizeof fuzz_path, "/tmp/vigil-fuzz-XXXXXX");
		check(mkdtemp(fuzz_path), "a temporary directory");
		fd = open(fuzz_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)atexit(fuzz_remove_directory);
	}
	return fd;
}

static inline void fuzz_write(int dir_fd, const char *name, const void *data, size_t size)
{
	_cleanup_(closep) int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	check(fd >= 0 && write_all(fd, data, size) == 0, "writing a file");
}

#ifndef VIGIL_LIBFUZZER
static uint64_t fuzz_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t fuzz_make_up(uint8_t *data, uint64_t *state)
{
	size_t n = 2, wanted = 1 + fuzz_random(state) % FUZZ_TEXT_MAX;

	/* short ones often: they go deeper, and more of them are tried */
	if (fuzz_random(state) % 4)
		wanted %= 160;
	data[0] = (uint8_t)fuzz_random(state);
	data[1] = (uint8_t)fuzz_random(state);
	while (n < wanted) {
		const char *part = fuzz_parts[fuzz_random(state) % fuzz_n_parts];
		if (fuzz_random(state) % 8 == 0) {
			data[n++] = (uint8_t)fuzz_random(state);
			continue;
		}
		size_t length = MIN_OF(strlen(part), (size_t)FUZZ_TEXT_MAX - n);
		memcpy(data + n, part, length);
		n += length;
	}
	return n;
}

static int fuzz_run_file(const char *path)
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
	static uint8_t data[FUZZ_TEXT_MAX];
	uint64_t seconds = 5, seed = now_usec(CLOCK_MONOTONIC) | 1, runs = 0;

	if (argc > 1 && parse_u64(argv[1], 86400, &seconds) < 0) {
		for (int i = 1; i < argc; i++)
			if (fuzz_run_file(argv[i]) != 0)
				return 1;
		return 0;
	}
	if (argc > 2 && (parse_u64(argv[2], UINT64_MAX, &seed) < 0 || seed == 0))
		return 2;
	printf("%s: seed %llu\n", program_invocation_short_name, (unsigned long long)seed);
	(void)fflush(stdout);
	usec_t end = now_usec(CLOCK_MONOTONIC) + seconds * USEC_PER_SEC;
	for (uint64_t state = seed; now_usec(CLOCK_MONOTONIC) < end; runs++)
		(void)LLVMFuzzerTestOneInput(data, fuzz_make_up(data, &state));
	printf("%s: %llu texts\n", program_invocation_short_name, (unsigned long long)runs);
	return runs == 0;
}
#endif

#define FUZZ_PARTS(...)                                                                            \
	static const char *const fuzz_parts[] = {__VA_ARGS__};                                     \
	static const size_t fuzz_n_parts = ELEMENTSOF(fuzz_parts)
