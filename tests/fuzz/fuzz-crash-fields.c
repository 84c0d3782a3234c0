/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever an entry holds, a Crash of it stays within its bounds, keeps no secret, and is the same
 * crash when it is taken again. Pieces of input, ended by 0xff 0xff, are fields "NAME=VALUE". With
 * a fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER. Without: fuzz-crash-fields [SECONDS [SEED]]
 * makes up its own input from real names and noise, and prints the seed; fuzz-crash-fields FILE …
 * runs the files of a corpus. */
#include "coredump/record.h"
#include "coredump/signature.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX ((size_t)16 * 1024)

static void take_all(Crash *crash, const char *data, size_t size)
{
	while (size > 0) {
		const char *end = memmem(data, size, "\xff\xff", 2);
		size_t n = end ? (size_t)(end - data) : size;
		int r = crash_take_data(crash, data, n);
		fuzz_check(r == 0 || r == 1, "taking a field gives neither 0 nor 1");
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
		fuzz_check(!text || strlen(text) <= crash_texts[i].max, "a text is too long");
	}
	fuzz_check(crash->fields_bytes <= CRASH_FIELDS_MAX, "the other fields are too large");
	fuzz_check(
		json_object_size(crash->fields) <= CRASH_N_FIELDS_MAX, "there are too many fields");
	fuzz_check(!json_object_get(crash->fields, "COREDUMP_ENVIRON"), "the environment is kept");
	fuzz_check(!json_object_get(crash->fields, "COREDUMP"), "the core is kept");
	fuzz_check(is_id(crash->boot_id) && is_id(crash->machine_id), "an id is none");
	fuzz_check(
		crash->pid >= 0 && crash->signal >= 0 && crash->signal < 256, "a number is beyond");
	fuzz_check(crash->trust == CRASH_UNVERIFIED, "it is believed");
}

static void check_identified(const Crash *crash)
{
	char program[32], signature[CRASH_SIGNATURE_SIZE];
	json_t *object = crash_to_json(crash, true);
	char *text = object ? json_dumps(object, 0) : NULL;
	char *title = crash_signature_title(crash);

	fuzz_check(strlen(crash->hash) == CRASH_HASH_SIZE - 1, "there is no hash");
	fuzz_check(crash->pid > 0 && crash->when_realtime > 0, "there is no identity");
	fuzz_check(crash_program(crash, program)[0] != '\0', "the program has no name");
	crash_signature(crash, signature);
	fuzz_check(strlen(signature) == CRASH_SIGNATURE_SIZE - 1, "there is no signature");
	fuzz_check(text, "there is no JSON of it");
	fuzz_check(title, "there is no title");
	json_decref(object);
	free(text);
	free(title);
}

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
	fuzz_check(r == 0 || r == -EBADMSG, "identifying gives neither 0 nor -EBADMSG");
	if (r == 0)
		check_identified(&crash);
	take_all(&again, (const char *)data + 1, size - 1);
	fuzz_check(crash_identify(&again, realtime) == r, "the second time differs");
	fuzz_check(streq(crash.hash, again.hash), "the hash differs");
	return 0;
}

#ifndef VIGIL_LIBFUZZER
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

static size_t add(uint8_t *data, size_t size, size_t n, const char *text)
{
	size_t length = MIN_OF(strlen(text), size - n);

	memcpy(data + n, text, length);
	return n + length;
}

static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	size_t n = 1, fields = fuzz_random(state) % 40;

	data[0] = (uint8_t)fuzz_random(state);
	while (fields-- > 0) {
		n = add(data, size, n, names[fuzz_random(state) % ELEMENTSOF(names)]);
		n = add(data, size, n, fuzz_random(state) % 16 ? "=" : "");
		for (uint64_t parts = fuzz_random(state) % 4; parts > 0; parts--)
			n = add(data, size, n, values[fuzz_random(state) % ELEMENTSOF(values)]);
		if (n < size && fuzz_random(state) % 4 == 0)
			data[n++] = (uint8_t)fuzz_random(state);
		n = add(data, size, n, "\xff\xff");
	}
	return n;
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, INPUT_MAX);
}
#endif
