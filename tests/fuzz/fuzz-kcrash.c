/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KCrash metadata from anywhere: whatever the text, the parser gives bounded, valid JSON or says
 * why not, and what it gives makes arguments and files for DrKonqi that hold to their rules. With a
 * fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER. Without: fuzz-kcrash [SECONDS [SEED]] makes up
 * its own input and prints the seed; fuzz-kcrash FILE … runs the files of a corpus. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "common/words.h"
#include "coredump/drkonqi.h"
#include "coredump/kcrash.h"

#define TEXT_MAX 4096

static void check(bool right, const char *what)
{
	if (right)
		return;
	(void)fprintf(stderr, "fuzz-kcrash: %s\n", what);
	abort();
}

static void check_groups(json_t *kcrash)
{
	const char *name, *key;
	json_t *group, *value;

	json_object_foreach (kcrash, name, group) {
		if (!json_is_object(group))
			continue;
		check(json_object_size(group) <= KCRASH_KEYS_MAX, "too many keys");
		json_object_foreach (group, key, value) {
			check(json_is_string(value), "a value that is no text");
			check(key[0] && !strpbrk(key, "=[] \n"), "a key that is none");
		}
	}
}

static void check_arguments(const json_t *kcrash)
{
	char **words = drkonqi_arguments("drkonqi", kcrash);

	check(words != NULL, "no arguments");
	for (size_t i = 1; words[i]; i++) {
		check(strlen(words[i]) < 64 * 1024, "an argument that exec refuses");
		check(words[i][0] != '-' || startswith(words[i], "--"), "a value with a dash");
		check(!startswith(words[i], "--platformpluginpath"), "an option of Qt");
	}
	words_free(words);
}

/* Every line is a group, a pair or empty: nothing of the values broke out. */
static void check_ini(const Crash *crash)
{
	_cleanup_(freep) char *text = drkonqi_ini(&(ReporterSetup){}, crash);

	check(text != NULL, "no INI");
	for (char *line = text; *line; line += strcspn(line, "\n") + 1)
		check(line[0] == '[' || line[0] == '\n' || memchr(line, '=', strcspn(line, "\n")),
			"a line that is none");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Crash crash = {
		.pid = 1, .exe = (char *)"/a/b", .kcrash = kcrash_parse((const char *)data, size)};

	if (!crash.kcrash) {
		check(errno == EINVAL, "refused without a reason");
		return 0;
	}
	check_groups(crash.kcrash);
	check_arguments(crash.kcrash);
	check_ini(&crash);
	_cleanup_(freep) char *text = drkonqi_json(&(ReporterSetup){}, &crash);
	_cleanup_(json_decrefp) json_t *again = text ? json_loads(text, 0, NULL) : NULL;
	check(again != NULL, "JSON that is none");
	json_decref(crash.kcrash);
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
	static const char *const parts[] = {"[KCrash]\n", "[KCrashTags]\n", "[KCrashComplete]\n",
		"[", "]", "\n", "\n", "=", "exe=/usr/bin/kate\n", "platformpluginpath=/tmp\n",
		"pid=", "signal=11\n", "appname=-style\n", "\\n", "\\x4", "\\x41", "\\", "true",
		" ", "\t", "\xc3\xa4", "\xff", "@", "\"", ";", "#", "restarted"};
	size_t n = 0, wanted = next_random(state) % TEXT_MAX;

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
	printf("fuzz-kcrash: seed %llu\n", (unsigned long long)seed);
	(void)fflush(stdout);
	usec_t end = now_usec(CLOCK_MONOTONIC) + seconds * USEC_PER_SEC;
	for (uint64_t state = seed; now_usec(CLOCK_MONOTONIC) < end; runs++)
		(void)LLVMFuzzerTestOneInput(data, make_up(data, &state));
	printf("fuzz-kcrash: %llu texts\n", (unsigned long long)runs);
	return runs == 0;
}
#endif
