/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of cores on what a crashed process or a forger may leave: it must end, stay within its
 * memory (run it with sanitizers), and give a crash with an identity or none. Each input is also
 * copied, measured and taken for a name. With a fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER.
 * Without: fuzz-core-notes [SECONDS [SEED]] changes made-up cores; fuzz-core-notes FILE … runs a
 * corpus. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/text.h"
#include "coredump/core-file.h"
#include "coredump/core-name.h"
#include "coredump/core-notes.h"
#include "coredump/core-pattern.h"
#include "tests/unit/core-bytes.h"
#include <sys/mman.h>

#define COPY_MAX ((uint64_t)64 * 1024 * 1024)

static void check(bool right, const char *what)
{
	if (right)
		return;
	(void)fprintf(stderr, "fuzz-core-notes: %s\n", what);
	abort();
}

static void check_crash(int fd, const char *name)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	int r = crash_from_core(fd, name, "/a/core", &crash);

	check(r == 0 || r == -EBADMSG, "an error that is none of the promised");
	check((r == 0) == (strlen(crash.hash) == 40), "a crash without identity");
	if (r < 0)
		return;
	check(crash.pid > 0 && crash.when_realtime > 0, "no pid or time");
	check(crash.signal >= 0 && crash.signal < 256, "no such signal");
	json_t *json = crash_to_json(&crash, true);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	check(text != NULL, "no JSON of it");
	free(text);
	json_decref(json);
}

static void check_copy(int fd, int out)
{
	CoreCopied copied;
	uint64_t size;
	bool exact;
	int r = core_copy(fd, out, COPY_MAX, NULL, NULL, &copied);

	check(r == 0 || r == -EBADMSG || r == -EFBIG, "an error of the copy");
	check(r < 0 || copied.data_bytes <= copied.written_bytes, "more data than length");
	r = core_uncompressed_size(fd, &size, &exact);
	check(r == 0 || r == -EBADMSG, "an error of the size");
}

/* The text as a name, and with its first line as a pattern of names. */
static void check_names(const uint8_t *data, size_t size)
{
	char text[512];
	CoreName name;
	CorePattern pattern;
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;

	size = MIN_OF(size, sizeof text - 1);
	memcpy(text, data, size);
	text[size] = '\0';
	(void)core_name_parse(text, &name);
	const char *newline = strchr(text, '\n');
	if (core_pattern_parse(text, size & 1, &pattern) == 0)
		check(core_pattern_match(&pattern, newline ? newline + 1 : text, &crash) >= 0,
			"an error of the pattern");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(closep) int fd = memfd_create("core", MFD_CLOEXEC);
	_cleanup_(closep) int out = memfd_create("copy", MFD_CLOEXEC);

	check(fd >= 0 && out >= 0 && write_all(fd, data, size) == 0, "no memory file");
	check_crash(fd, "core");
	check_crash(fd, "core.x.1.0123456789abcdef0123456789abcdef.2.1700000000000000");
	check_copy(fd, out);
	check_names(data, size);
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

/* A core with some bytes changed, where the structure is, or cut; now and then another beginning.
 */
static size_t make_up(CoreBytes *core, uint64_t *state)
{
	static const uint8_t values[] = {0, 1, 4, 5, 0x7f, 0x80, 0xff};
	static const char *const heads[] = {"\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18",
		"\xfd"
		"7zXZ",
		"\177ELF", "core.%p.%e\ncore.1.x"};
	CoreSpec spec = core_spec;

	spec.is_64 = next_random(state) & 1;
	spec.big_endian = next_random(state) & 1;
	spec.wide_ids = next_random(state) & 1;
	spec.threads[1] = (uint32_t)next_random(state);
	spec.load_bytes = next_random(state) % 8192;
	core_make(core, &spec);
	for (uint64_t n = next_random(state) % 12; n > 0; n--) {
		size_t at = next_random(state) % (next_random(state) & 1 ? 256 : core->length);
		core->data[at] = next_random(state) & 1 ? values[next_random(state) % sizeof values]
							: (uint8_t)next_random(state);
	}
	if (next_random(state) % 8 == 0) {
		const char *head = heads[next_random(state) % ELEMENTSOF(heads)];
		memcpy(core->data, head, strlen(head));
	}
	return next_random(state) % 4 == 0 ? next_random(state) % core->length : core->length;
}

static int run_file(const char *path)
{
	static uint8_t data[16 * 1024 * 1024];
	_cleanup_(fclosep) FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		return 1;
	}
	return LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, file));
}

int main(int argc, char **argv)
{
	static CoreBytes core;
	uint64_t seconds = 5, seed = now_usec(CLOCK_MONOTONIC) | 1, runs = 0;

	if (argc > 1 && parse_u64(argv[1], 86400, &seconds) < 0) {
		for (int i = 1; i < argc; i++)
			if (run_file(argv[i]) != 0)
				return 1;
		return 0;
	}
	if (argc > 2 && (parse_u64(argv[2], UINT64_MAX, &seed) < 0 || seed == 0))
		return 2;
	printf("fuzz-core-notes: seed %llu\n", (unsigned long long)seed);
	(void)fflush(stdout);
	usec_t end = now_usec(CLOCK_MONOTONIC) + seconds * USEC_PER_SEC;
	for (uint64_t state = seed; now_usec(CLOCK_MONOTONIC) < end; runs++)
		(void)LLVMFuzzerTestOneInput(core.data, make_up(&core, &state));
	printf("fuzz-core-notes: %llu cores\n", (unsigned long long)runs);
	return runs == 0;
}
#endif
