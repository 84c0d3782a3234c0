/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What every fuzz target shares. `make fuzz` builds it with libFuzzer (-DVIGIL_LIBFUZZER), which
 * starts from tests/fuzz/corpus. Without: fuzz-NAME [SECONDS [SEED]] makes up its own input, from
 * the target's pieces and noise, and prints the seed; fuzz-NAME --seeds DIRECTORY N writes
 * such inputs down for libFuzzer's -merge=1; fuzz-NAME FILE … runs the files of a corpus. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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

/* The last name on stderr is the file that broke it. The bytes are a block of their own, so that
 * reading past their end is seen. */
static inline int fuzz_file(const char *path)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(freep) uint8_t *data = NULL;
	ssize_t size = read_file_at(AT_FDCWD, path, (size_t)1024 * 1024, &text);

	(void)fprintf(stderr, "%s\n", path);
	if (size < 0) {
		perror(path);
		return 1;
	}
	data = malloc(MAX_OF((size_t)size, (size_t)1));
	fuzz_check(data, "memory");
	memcpy(data, text, (size_t)size);
	return LLVMFuzzerTestOneInput(data, (size_t)size);
}

/* Fills at most size bytes, gives the length. */
typedef size_t FuzzMakeUp(uint8_t *data, size_t size, uint64_t *state);

static inline int fuzz_seeds(
	const char *path, const char *number, FuzzMakeUp *make_up, uint8_t *data, size_t size)
{
	uint64_t n, state = 1;
	char name[32];
	_cleanup_(closep) int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0 || parse_u64(number, 1000000, &n) < 0)
		return 2;
	for (uint64_t i = 0; i < n; i++) {
		size_t length = make_up(data, size, &state);
		_cleanup_(closep) int fd = -EBADF;
		(void)snprintf(name, sizeof name, "seed-%llu", (unsigned long long)i);
		fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0 || write_all(fd, data, length) < 0)
			return 1;
	}
	return 0;
}

/* A target's main(). */
static inline int fuzz_main(int argc, char **argv, FuzzMakeUp *make_up, size_t size)
{
	uint64_t seconds = 5, seed = now_usec(CLOCK_MONOTONIC) | 1, runs = 0;
	_cleanup_(freep) uint8_t *data = malloc(size);

	if (data && argc == 4 && streq(argv[1], "--seeds"))
		return fuzz_seeds(argv[2], argv[3], make_up, data, size);
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

/* The input as text of its own, so that reading past its end is seen. Caller frees. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	fuzz_check(text, "memory");
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* A directory that goes with the program; its fd is not the caller's to close. */
static char fuzz_path[256];

static inline void fuzz_remove_directory(void)
{
	char command[sizeof fuzz_path + 16];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", fuzz_path);
	(void)!system(command);
}

static inline int fuzz_directory(void)
{
	static int fd = -EBADF;

	if (fd < 0) {
		const char *tmp = getenv("TMPDIR");
		(void)snprintf(
			fuzz_path, sizeof fuzz_path, "%s/vigil-fuzz-XXXXXX", tmp ? tmp : "/tmp");
		fuzz_check(mkdtemp(fuzz_path), "a temporary directory");
		fd = open(fuzz_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)atexit(fuzz_remove_directory);
	}
	return fd;
}

static inline void fuzz_write(int dir_fd, const char *name, const void *data, size_t size)
{
	_cleanup_(closep) int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	fuzz_check(fd >= 0 && write_all(fd, data, size) == 0, "writing a file");
}

/* The pieces of a target that is made up of nothing else, and its main(). Short inputs come often:
 * they go deeper, and more of them are tried. */
#define FUZZ_PARTS(...)                                                                            \
	static const char *const fuzz_parts[] = {__VA_ARGS__};                                     \
	__attribute__((unused)) static inline size_t fuzz_make_up_of_parts(                        \
		uint8_t *data, size_t size, uint64_t *state)                                       \
	{                                                                                          \
		return fuzz_make_up(data, 2, fuzz_random(state) % 4 ? MIN_OF(size, 160ul) : size,  \
			fuzz_parts, ELEMENTSOF(fuzz_parts), 8, state);                             \
	}
#ifdef VIGIL_LIBFUZZER
#define FUZZ_MAIN
#else
#define FUZZ_MAIN                                                                                  \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return fuzz_main(argc, argv, fuzz_make_up_of_parts, 4096);                         \
	}
#endif
