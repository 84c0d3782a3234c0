/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of cores on what a crashed process or a forger may leave: it must end, stay within its
 * memory (run it with sanitizers), and give a crash with an identity or none. Each input is also
 * copied, measured and taken for a name. With a fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER.
 * Without: fuzz-core-notes [SECONDS [SEED]] changes made-up cores; fuzz-core-notes FILE … runs a
 * corpus. */
#include "coredump/core-file.h"
#include "coredump/core-name.h"
#include "coredump/core-notes.h"
#include "coredump/core-pattern.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/core-bytes.h"
#include <sys/mman.h>

#define COPY_MAX ((uint64_t)64 * 1024 * 1024)

static void check_crash(int fd, const char *name)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	int r = crash_from_core(fd, name, "/a/core", &crash);

	fuzz_check(r == 0 || r == -EBADMSG, "an error that is none of the promised");
	fuzz_check((r == 0) == (strlen(crash.hash) == 40), "a crash without identity");
	if (r < 0)
		return;
	fuzz_check(crash.pid > 0 && crash.when_realtime > 0, "no pid or time");
	fuzz_check(crash.signal >= 0 && crash.signal < 256, "no such signal");
	json_t *json = crash_to_json(&crash, true);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	fuzz_check(text != NULL, "no JSON of it");
	free(text);
	json_decref(json);
}

static void check_copy(int fd, int out)
{
	CoreCopied copied;
	uint64_t size;
	bool exact;
	int r = core_copy(fd, out, COPY_MAX, NULL, NULL, &copied);

	fuzz_check(r == 0 || r == -EBADMSG || r == -EFBIG, "an error of the copy");
	fuzz_check(r < 0 || copied.data_bytes <= copied.written_bytes, "more data than length");
	r = core_uncompressed_size(fd, &size, &exact);
	fuzz_check(r == 0 || r == -EBADMSG, "an error of the size");
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
		fuzz_check(core_pattern_match(&pattern, newline ? newline + 1 : text, &crash) >= 0,
			"an error of the pattern");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(closep) int fd = memfd_create("core", MFD_CLOEXEC);
	_cleanup_(closep) int out = memfd_create("copy", MFD_CLOEXEC);

	fuzz_check(fd >= 0 && out >= 0 && write_all(fd, data, size) == 0, "no memory file");
	check_crash(fd, "core");
	check_crash(fd, "core.x.1.0123456789abcdef0123456789abcdef.2.1700000000000000");
	check_copy(fd, out);
	check_names(data, size);
	return 0;
}

#ifndef VIGIL_LIBFUZZER
/* A core with some bytes changed, where the structure is, or cut; now and then another beginning.
 */
static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	static CoreBytes core;
	static const uint8_t values[] = {0, 1, 4, 5, 0x7f, 0x80, 0xff};
	static const char *const heads[] = {"\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18",
		"\xfd"
		"7zXZ",
		"\177ELF", "core.%p.%e\ncore.1.x"};
	CoreSpec spec = core_spec;

	spec.is_64 = fuzz_random(state) & 1;
	spec.big_endian = fuzz_random(state) & 1;
	spec.wide_ids = fuzz_random(state) & 1;
	spec.threads[1] = (uint32_t)fuzz_random(state);
	spec.load_bytes = fuzz_random(state) % 8192;
	core_make(&core, &spec);
	for (uint64_t n = fuzz_random(state) % 12; n > 0; n--) {
		size_t at = fuzz_random(state) % (fuzz_random(state) & 1 ? 256 : core.length);
		core.data[at] = fuzz_random(state) & 1 ? values[fuzz_random(state) % sizeof values]
						       : (uint8_t)fuzz_random(state);
	}
	if (fuzz_random(state) % 8 == 0) {
		const char *head = heads[fuzz_random(state) % ELEMENTSOF(heads)];
		memcpy(core.data, head, strlen(head));
	}
	size_t length =
		fuzz_random(state) % 4 == 0 ? fuzz_random(state) % core.length : core.length;
	memcpy(data, core.data, MIN_OF(length, size));
	return MIN_OF(length, size);
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, sizeof(((CoreBytes *)NULL)->data));
}
#endif
