/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/unwind/demangle.h"
#include "coredump/unwind/plan.h"
#include "tests/unit/test.h"
#include <sys/mman.h>

static int read_plan(const char *text, Plan *ret)
{
	_cleanup_(closep) int fd = memfd_create("plan", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
	return plan_read(fd, ret); /* from its beginning, wherever it stands */
}

static void what_is_planned(void **state)
{
	_cleanup_(plan_donep) Plan plan = {};

	(void)state;
	assert_int_equal(
		read_plan(
			"{\"version\":1,\"modules\":[{\"index\":2,\"file\":\"/bin/x\",\"debugFiles\":"
			"[\"/a\",\"/b\"],\"altFiles\":[\"/c\"]},{\"index\":0},{\"index\":1,"
			"\"file\":null,\"debugFiles\":[]}]}",
			&plan),
		0);
	assert_string_equal(plan_module(&plan, 2)->file, "/bin/x");
	assert_string_equal(plan_module(&plan, 2)->debug_files[1], "/b");
	assert_null(plan_module(&plan, 2)->debug_files[2]);
	assert_string_equal(plan_module(&plan, 2)->alt_files[0], "/c");
	assert_null(plan_module(&plan, 0)->file);
	assert_null(plan_module(&plan, 1)->file);
	assert_null(plan_module(&plan, 1)->debug_files);
	assert_null(plan_module(&plan, TRACE_MODULES_MAX));
}

static void what_is_no_plan(void **state)
{
	static const char *const rows[] = {"", "[]", "{}", "{\"version\":1}",
		"{\"version\":2,\"modules\":[]}", "{\"version\":1,\"modules\":{}}",
		"{\"version\":1,\"modules\":[1]}", "{\"version\":1,\"modules\":[{}]}",
		"{\"version\":1,\"modules\":[{\"index\":-1}]}",
		"{\"version\":1,\"modules\":[{\"index\":4096}]}",
		"{\"version\":1,\"modules\":[{\"index\":\"0\"}]}",
		"{\"version\":1,\"modules\":[{\"index\":0,\"file\":\"bin/x\"}]}",
		"{\"version\":1,\"modules\":[{\"index\":0,\"file\":7}]}",
		"{\"version\":1,\"modules\":[{\"index\":0,\"debugFiles\":[null]}]}",
		"{\"version\":1,\"modules\":[{\"index\":0,\"file\":\"/x\"},{\"index\":0,\"file\":\"/"
		"y\"}]}"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		Plan plan = {};
		assert_int_equal(read_plan(rows[i], &plan), -EBADMSG);
	}
}

static void names_as_people_write_them(void **state)
{
	static const char *const rows[][2] = {{"main", "main"}, {"_ZN3foo3barEi", "foo::bar(int)"},
		{"_ZN3foo3barEi.constprop.0", "foo::bar(int)"}, {"raise@@GLIBC_2.2.5", "raise"},
		{"memcpy@GLIBC_2.2.5", "memcpy"},
		{"_ZNSaIcED1Ev@@GLIBCXX_3.4", "std::allocator<char>::~allocator()"},
		{"_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"},
		{"_ZN3foo", "_ZN3foo"}, {"_Z", "_Z"}, {"@", "@"}, {"", ""}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *name = demangle(rows[i][0]);
		assert_string_equal(name, rows[i][1]);
	}
}

static void long_names_end(void **state)
{
	static char name[3 * TRACE_TEXT_MAX];

	(void)state;
	memset(name, 'x', sizeof name - 1);
	_cleanup_(freep) char *plain = demangle(name);
	assert_int_equal(strlen(plain), TRACE_TEXT_MAX - 1);
	memcpy(name, "_Z", 2);
	_cleanup_(freep) char *mangled = demangle(name);
	assert_int_equal(strlen(mangled), TRACE_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_planned),
		cmocka_unit_test(what_is_no_plan),
		cmocka_unit_test(names_as_people_write_them),
		cmocka_unit_test(long_names_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
