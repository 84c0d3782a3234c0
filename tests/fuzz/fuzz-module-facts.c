/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries that a core may name: anybody's file. With a fuzzer: clang -fsanitize=fuzzer
 * -DVIGIL_LIBFUZZER. */
#include "coredump/module-facts.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/module-bytes.h"
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(closep) int fd = memfd_create("module", MFD_CLOEXEC);
	_cleanup_(module_facts_donep) ModuleFacts facts = {};

	fuzz_check(fd >= 0 && write_all(fd, data, size) == 0, "no memory file");
	int r = module_facts_read(fd, &facts);
	fuzz_check(r == 0 || r == -EBADMSG, "an error that is none of the promised");
	fuzz_check(strspn(facts.build_id, "0123456789abcdef") == strlen(facts.build_id) &&
			   strlen(facts.build_id) % 2 == 0,
		"a build id");
	fuzz_check(!strchr(facts.debug_link, '/'), "a link that leads elsewhere");
	fuzz_check(!facts.package || strlen(facts.package) <= MODULE_PACKAGE_MAX, "a long note");
	return 0;
}

#ifndef VIGIL_LIBFUZZER
/* One with some bytes changed, most where the structure is, or cut. */
static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	static const uint8_t values[] = {0, 1, 4, 7, 0x7f, 0x80, 0xff};
	static const size_t places[] = {0, MODULE_SECTIONS_AT, MODULE_NAMES_AT, MODULE_CONTENT_AT};
	static ModuleBytes module;
	ModuleSpec spec = {.is_64 = fuzz_random(state) & 1,
		.big_endian = fuzz_random(state) & 1,
		.segments_only = fuzz_random(state) % 4 == 0,
		.build_id_length = fuzz_random(state) % sizeof spec.build_id,
		.debug_link = fuzz_random(state) & 1 ? "libx.so.debug" : NULL,
		.alt_link = fuzz_random(state) & 1 ? "/usr/lib/debug/.dwz/x" : NULL,
		.package = fuzz_random(state) & 1 ? "{\"name\":\"x\"}" : NULL};

	module_make(&module, &spec);
	for (uint64_t n = fuzz_random(state) % 12; n > 0; n--) {
		size_t at = places[fuzz_random(state) % ELEMENTSOF(places)] +
			    fuzz_random(state) % (fuzz_random(state) & 1 ? 64 : 320);
		if (at < module.length)
			module.data[at] = fuzz_random(state) & 1
						  ? values[fuzz_random(state) % sizeof values]
						  : (uint8_t)fuzz_random(state);
	}
	size_t length =
		fuzz_random(state) % 4 == 0 ? fuzz_random(state) % module.length : module.length;
	memcpy(data, module.data, MIN_OF(length, size));
	return MIN_OF(length, size);
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, sizeof(((ModuleBytes *)NULL)->data));
}
#endif
