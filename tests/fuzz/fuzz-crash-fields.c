/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever an entry holds, a Crash of it stays within its bounds, keeps no secret, and is the same
 * crash when it is taken again. Pieces of input, ended by 0xff 0xff, are fields "NAME=VALUE". With
 * a fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER. Without: fuzz-crash-fields [SECONDS [SEED]]
 * makes up its own input from real names and noise, and prints the seed; fuzz-crash-fields FILE …
 * runs the files of a corpus. */
#include "common/clock.h"
#include "common/text.h"
#include "coredump/record.h"
#include "coredump/signature.h"

#define INPUT_MAX ((size_t)16 * 1024)

static void check(bool right, const char *what)
{
	if (right)
		return;
	(void)fprintf(stderr, "fuzz-crash-fields: %s\n", what);
	abort();
}

static void take_all(Crash *crash, const char *data, size_t size)
{
	while (size > 0) {
		const char *end = memmem(data, size, "\xff\xff", 2);
		size_t n = end ? (size_t)(end - data) : size;
		int r = crash_take_data(crash, data, n);
		check(r == 0 || r == 1, "taking a field gives neither 0 nor 1");
		n = MIN_OF(n + 2, size);
		data += n;
		size -= n;
	}
}

static bool is_id(const char *id)
{
	return id[0] == '\0' || (strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32);
}

static void check_bounds(const Crash *crash)
{
	for (size_t i = 0; i < crash_n_texts; i++) {
		const char *text = crash_text(crash, &crash_texts[i]);
		check(!text || strlen(text) <= crash_texts[i].max, "a text is too long");
	}
	check(crash->fields_bytes <= CRASH_FIELDS_MAX, "the other fields are too large");
	check(json_object_size(crash->fields) <= CRASH_N_FIELDS_MAX, "there are too many fields");
	check(!json_object_get(crash->fields, "COREDUMP_ENVIRON"), "the environment is kept");
	check(!json_object_get(crash->fields, "COREDUMP"), "the core is kept");
	check(is_id(crash->boot_id) && is_id(crash->machine_id), "an id is none");
	check(crash->pid >= 0 && crash->signal >= 0 && crash->signal < 256, "a number is beyond");
	check(crash->trust == CRASH_UNVERIFIED, "it is believed");
}

static void check_identified(const Crash *crash)
{
	char program[32], signature[CRASH_SIGNATURE_SIZE];
	json_t *object = crash_to_json(crash, true);
	char *text = object ? json_dumps(object, 0) : NULL;
	char *title = crash_signature_title(crash);

	check(strlen(crash->hash) == CRASH_HASH_SIZE - 1, "there is no hash");
	check(crash->pid > 0 && crash->when_realtime > 0, "there is no identity");
	check(crash_program(crash, program)[0] != '\0', "the program has no name");
	crash_signature(crash, signature);
	check(strlen(signature) == CRASH_SIGNATURE_SIZE - 1, "there is no signature");
	check(text, "there is no JSON of it");
	check(title, "there is no title");
	json_decref(object);
	free(text);
	free(title);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the time of the entry: none, or some. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT, again = CRASH_INIT;

	if (size < 1)
		return 0;
	usec_t realtime = data[0] % 2 ? 1700000000 * USEC_PER_SEC : 0;
	take_all(&crash, (const char *)data + 1, size - 1);
	check_bounds(&crash);
	int r = crash_identify(&crash, realtime);
	check(r == 0 || r == -EBADMSG, "identifying gives neither 0 nor -EBADMSG");
	if (r == 0)
		check_identified(&crash);
	take_all(&again, (const char *)data + 1, size - 1);
	check(crash_identify(&again, realtime) == r, "the second time differs");
	check(streq(crash.hash, again.hash), "the hash differs");
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

/* clang-format off */
static const char *const names[] = {"COREDUMP", "COREDUMP_ENVIRON", "COREDUMP_PID", "COREDUMP_UID", "COREDUMP_GID",
	"COREDUMP_SIGNAL", "COREDUMP_TIMESTAMP", "COREDUMP_DUMPABLE", "COREDUMP_TRUNCATED", "COREDUMP_EXE", "COREDUMP_COMM",
	"COREDUMP_CMDLINE", "COREDUMP_FILENAME", "MESSAGE", "MESSAGE_ID", "_BOOT_ID", "_MACHINE_ID", "_PID", "_UID", "_EXE",
	"_HOSTNAME", "_SYSTEMD_UNIT", "__CURSOR", "_DRKONQI_SD_CURSOR", "SOMETHING_NEW", ""};
static const char *const values[] = {"1", "4711", "0", "-1", "18446744073709551616", "1700000000000000", "11", "256",
	CRASH_MESSAGE_ID_TRACEBACK, CRASH_MESSAGE_ID_COREDUMP, "0123456789abcdef0123456789abcdef", "/usr/bin/gimp", "/", "",
	"#0  0x00007f11 raise (libc.so.6 + 0x3bebc)\n#1  0x1 n/a (n/a + 0x0)\n", "Stack trace of thread 1:\n", "#", "(", ")\n",
	"Traceback (most recent call last):\n  File \"x.py\", line 3, in f\nZeroDivisionError: x", "\xe2\x80", "\x1b[31m"};
/* clang-format on */

static size_t add(uint8_t *data, size_t n, const char *text)
{
	size_t length = MIN_OF(strlen(text), INPUT_MAX - n);

	memcpy(data + n, text, length);
	return n + length;
}

static size_t make_up(uint8_t *data, uint64_t *state)
{
	size_t n = 1, fields = next_random(state) % 40;

	data[0] = (uint8_t)next_random(state);
	while (fields-- > 0) {
		n = add(data, n, names[next_random(state) % ELEMENTSOF(names)]);
		n = add(data, n, next_random(state) % 16 ? "=" : "");
		for (uint64_t parts = next_random(state) % 4; parts > 0; parts--)
			n = add(data, n, values[next_random(state) % ELEMENTSOF(values)]);
		if (n < INPUT_MAX && next_random(state) % 4 == 0)
			data[n++] = (uint8_t)next_random(state);
		n = add(data, n, "\xff\xff");
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
	static uint8_t data[INPUT_MAX];
	uint64_t seconds = 5, seed = now_usec(CLOCK_MONOTONIC) | 1, runs = 0;

	if (argc > 1 && parse_u64(argv[1], 86400, &seconds) < 0) {
		for (int i = 1; i < argc; i++)
			if (run_file(argv[i]) != 0)
				return 1;
		return 0;
	}
	if (argc > 2 && (parse_u64(argv[2], UINT64_MAX, &seed) < 0 || seed == 0))
		return 2;
	printf("fuzz-crash-fields: seed %llu\n", (unsigned long long)seed);
	(void)fflush(stdout);
	usec_t end = now_usec(CLOCK_MONOTONIC) + seconds * USEC_PER_SEC;
	for (uint64_t state = seed; now_usec(CLOCK_MONOTONIC) < end; runs++)
		(void)LLVMFuzzerTestOneInput(data, make_up(data, &state));
	printf("fuzz-crash-fields: %llu entries\n", (unsigned long long)runs);
	return runs == 0;
}
#endif
