/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/module-facts: what a library says of itself, in all classes and byte orders, and lies.
 */
#include "coredump/module-facts.h"

#include "tests/unit/module-bytes.h"
#include "tests/unit/test.h"
#include <sys/mman.h>

static int memory_file(const void *data, size_t length)
{
	int fd = memfd_create("module", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, data, length), 0);
	return fd;
}

static int read_made(const ModuleSpec *spec, ModuleFacts *ret)
{
	static ModuleBytes module;

	module_make(&module, spec);
	_cleanup_(closep) int fd = memory_file(module.data, module.length);
	return module_facts_read(fd, ret);
}

static const ModuleSpec full = {.is_64 = true,
	.build_id = "\x01\x23\xab\xff",
	.build_id_length = 4,
	.debug_link = "libx.so.1.debug",
	.alt_link = "../.dwz/x",
	.package = "{\"name\":\"x\"}"};

static void all_classes_and_byte_orders(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		_cleanup_(module_facts_donep) ModuleFacts facts = {};
		ModuleSpec spec = full;
		spec.is_64 = i & 1;
		spec.big_endian = i & 2;
		assert_int_equal(read_made(&spec, &facts), 0);
		assert_string_equal(facts.build_id, "0123abff");
		assert_string_equal(facts.debug_link, "libx.so.1.debug");
		assert_string_equal(facts.alt_link, "../.dwz/x");
		assert_string_equal(facts.alt_build_id, "abcd");
		assert_string_equal(facts.package, "{\"name\":\"x\"}");
	}
}

static void without_sections_its_segments_tell(void **state)
{
	_cleanup_(module_facts_donep) ModuleFacts facts = {};
	ModuleSpec spec = full;

	(void)state;
	spec.segments_only = true;
	assert_int_equal(read_made(&spec, &facts), 0);
	assert_string_equal(facts.build_id, "0123abff");
	assert_string_equal(facts.package, "{\"name\":\"x\"}");
	assert_string_equal(facts.debug_link, "");
	assert_null(facts.alt_link);
}

static void what_is_not_there_is_empty(void **state)
{
	_cleanup_(module_facts_donep) ModuleFacts facts = {};

	(void)state;
	assert_int_equal(read_made(&(ModuleSpec){.is_64 = true}, &facts), 0);
	assert_string_equal(facts.build_id, "");
	assert_string_equal(facts.debug_link, "");
	assert_null(facts.alt_link);
	assert_null(facts.package);
}

static void a_link_is_a_name(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "/etc/passwd", "../x"};
	char longer[300];

	(void)state;
	for (size_t i = 0; i <= ELEMENTSOF(bad); i++) {
		_cleanup_(module_facts_donep) ModuleFacts facts = {};
		ModuleSpec spec = full;
		memset(longer, 'x', sizeof longer);
		longer[256] = '\0';
		spec.debug_link = i < ELEMENTSOF(bad) ? bad[i] : longer;
		assert_int_equal(read_made(&spec, &facts), 0);
		assert_string_equal(facts.debug_link, "");
		assert_string_equal(facts.build_id, "0123abff");
	}
}

static void what_is_no_module(void **state)
{
	static ModuleBytes module;
	ModuleFacts facts = {};
	ModuleSpec spec = full;

	(void)state;
	spec.type = ET_CORE;
	assert_int_equal(read_made(&spec, &facts), -EBADMSG);
	module_make(&module, &full);
	static const size_t lengths[] = {0, 1, 4, 16, 51, 63};
	for (size_t i = 0; i < ELEMENTSOF(lengths); i++) {
		_cleanup_(closep) int fd = memory_file(module.data, lengths[i]);
		assert_int_equal(module_facts_read(fd, &facts), -EBADMSG);
	}
	_cleanup_(closep) int text = memory_file("#!/bin/sh\n                                "
						 "                              ",
		64);
	assert_int_equal(module_facts_read(text, &facts), -EBADMSG);
}

/* Cut anywhere, it tells what is left, or nothing. */
static void any_length(void **state)
{
	static ModuleBytes module;

	(void)state;
	module_make(&module, &full);
	for (size_t length = 64; length < module.length; length++) {
		_cleanup_(module_facts_donep) ModuleFacts facts = {};
		_cleanup_(closep) int fd = memory_file(module.data, length);
		assert_int_equal(module_facts_read(fd, &facts), 0);
	}
}

static void the_program_that_runs(void **state)
{
	_cleanup_(module_facts_donep) ModuleFacts facts = {};
	_cleanup_(closep) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(module_facts_read(fd, &facts), 0);
	assert_int_equal(strlen(facts.build_id), 40);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_classes_and_byte_orders),
		cmocka_unit_test(without_sections_its_segments_tell),
		cmocka_unit_test(what_is_not_there_is_empty),
		cmocka_unit_test(a_link_is_a_name),
		cmocka_unit_test(what_is_no_module),
		cmocka_unit_test(any_length),
		cmocka_unit_test(the_program_that_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
