/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey/limits: reading them from a tree, and the arithmetic. */
#include "survey/limits.h"

#include "tests/unit/test.h"

#define MEMORY_24G (24683620ULL * 1024)

static void read_tree(InotifyLimits *ret)
{
	_cleanup_(closep) int fd = fixture_open();

	inotify_limits_read(fd, ret);
}

static void write_limits(const char *fs, const char *ns)
{
	fixture_file("sys/fs/inotify/max_user_instances", fs);
	fixture_file("sys/fs/inotify/max_user_watches", fs);
	fixture_file("sys/user/max_inotify_instances", ns);
	fixture_file("sys/user/max_inotify_watches", ns);
}

static void an_empty_tree_is_all_unknown(void **state)
{
	InotifyLimits limits;

	(void)state;
	read_tree(&limits);
	assert_int_equal(limits.instances.source, LIMIT_UNKNOWN);
	assert_int_equal(limits.watches.source, LIMIT_UNKNOWN);
	assert_int_equal(limits.queued_events.source, LIMIT_UNKNOWN);
	assert_int_equal(limits.memory_bytes, 0);
	assert_int_equal(limits.default_watches, 0);
	assert_false(limits.in_child_userns);
	assert_true(inotify_limit_percent(5, limits.watches) < 0);
}

static void the_tighter_one_binds(void **state)
{
	static const struct {
		const char *fs, *ns;
		uint64_t value;
		LimitSource source;
	} rows[] = {
		{"128\n", "128\n", 128, LIMIT_FS}, /* the same variable */
		{"128\n", "2147483647\n", 128, LIMIT_FS},
		{"128\n", "5\n", 5, LIMIT_NAMESPACE},
		{"0\n", "5\n", 5, LIMIT_NAMESPACE},
		{"128\n", "0\n", 128, LIMIT_FS},
		{"0\n", "0\n", 0, LIMIT_UNKNOWN},
		{"", "", 0, LIMIT_UNKNOWN},
		{"-1\n", "12x\n", 0, LIMIT_UNKNOWN},
		{"18446744073709551615", "99999999999999999999\n", UINT64_MAX, LIMIT_FS},
		{"99999999999999999999", "7", 7, LIMIT_NAMESPACE},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		InotifyLimits limits;
		write_limits(rows[i].fs, rows[i].ns);
		read_tree(&limits);
		assert_int_equal(limits.instances.source, rows[i].source);
		assert_int_equal(limits.watches.source, rows[i].source);
		assert_true(limits.instances.value == rows[i].value);
	}
}

static void the_namespace_tells_where_we_are(void **state)
{
	static const struct {
		const char *link;
		bool child;
	} rows[] = {
		{"user:[4026531837]", false}, /* PROC_USER_INIT_INO */
		{"user:[4026532777]", true},
		{"user:[x]", false},
		{"mnt:[4026532777]", false},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		InotifyLimits limits;
		fixture_link("self/ns/user", rows[i].link);
		read_tree(&limits);
		assert_int_equal(limits.in_child_userns, rows[i].child);
		assert_int_equal(unlink(fixture_at("self/ns/user")), 0);
	}
}

/* What this kernel computed for this memory stood at 192536. */
static void the_kernels_default_follows_from_memory(void **state)
{
	static const struct {
		const char *meminfo;
		uint64_t memory, low, high;
	} rows[] = {
		{"MemTotal:       24683620 kB\nMemFree: 1 kB\n", MEMORY_24G, 190000, 196000},
		{"MemFree: 1 kB\nMemTotal: 524288 kB\n", 512ULL << 20, 8192, 8192},
		{"MemTotal: 1073741824 kB", 1ULL << 40, 1048576, 1048576},
		{"MemTotal: many kB\n", 0, 0, 0},
		{"MemTotal: 18446744073709551615 kB\n", 0, 0, 0},
		{"", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		InotifyLimits limits;
		fixture_file("meminfo", rows[i].meminfo);
		read_tree(&limits);
		assert_true(limits.memory_bytes == rows[i].memory);
		assert_in_range(limits.default_watches, rows[i].low, rows[i].high);
	}
}

static void a_fifo_in_place_of_a_limit_does_not_hang(void **state)
{
	InotifyLimits limits;

	(void)state;
	assert_int_equal(mkfifo(fixture_at("sys/fs/inotify/max_user_watches"), 0600), 0);
	assert_int_equal(mkfifo(fixture_at("meminfo"), 0600), 0);
	read_tree(&limits);
	assert_int_equal(limits.watches.source, LIMIT_UNKNOWN);
}

static void percentages_never_divide_by_nothing(void **state)
{
	const InotifyLimit unknown = {}, none = {.source = LIMIT_FS},
			   some = {.value = 128, .source = LIMIT_FS};

	(void)state;
	assert_true(inotify_limit_percent(1, unknown) < 0);
	assert_true(inotify_limit_percent(1, none) < 0);
	assert_true(inotify_limit_percent(0, some) == 0);
	assert_true(inotify_limit_percent(64, some) == 50);
	assert_true(inotify_limit_percent(256, some) == 200); /* lowered below the use */
}

/* The rule of raising, over a net of values and their neighbours. */
static void targets_keep_their_promises(void **state)
{
	static const uint64_t values[] = {0, 1, 2, 5, 127, 128, 129, 1000, 4095, 4096, 4097, 8191,
		8192, 8193, 65536, 192536, 524287, 524288, 524289, 1048575, 1048576, 1048577,
		2000000, INT32_MAX, UINT64_MAX / 2, UINT64_MAX / 2 + 1, UINT64_MAX - 1, UINT64_MAX};
	static const uint64_t memories[] = {
		0, 1ULL << 28, MEMORY_24G, 1ULL << 38, 1ULL << 42, UINT64_MAX};

	(void)state;
	for (int resource = 0; resource < INOTIFY_RESOURCE_MAX; resource++)
		for (size_t m = 0; m < ELEMENTSOF(memories); m++) {
			uint64_t cap = inotify_limit_cap(resource, memories[m]);
			for (size_t c = 0; c < ELEMENTSOF(values); c++)
				for (size_t u = 0; u < ELEMENTSOF(values); u++) {
					uint64_t current = values[c], used = values[u];
					uint64_t target = inotify_limit_target(
						resource, current, used, memories[m]);
					assert_true(target >= current);
					assert_true(target <= MAX_OF(cap, current));
					if (target >= cap)
						continue;
					assert_true(target / 2 >= current && target / 2 >= used);
				}
		}
}

static void caps_are_what_they_should_be(void **state)
{
	(void)state;
	assert_int_equal(inotify_limit_cap(INOTIFY_INSTANCES, 0), 8192);
	assert_int_equal(inotify_limit_cap(INOTIFY_INSTANCES, UINT64_MAX), 8192);
	assert_int_equal(inotify_limit_cap(INOTIFY_WATCHES, 0), 1048576);
	assert_int_equal(inotify_limit_cap(INOTIFY_WATCHES, MEMORY_24G), 1048576);
	assert_true(inotify_limit_cap(INOTIFY_WATCHES, 1ULL << 40) > 8000000);
	assert_int_equal(inotify_limit_target(INOTIFY_INSTANCES, 128, 61, 0), 256);
	assert_int_equal(inotify_limit_target(INOTIFY_INSTANCES, 8192, 8192, 0), 8192);
	assert_int_equal(inotify_limit_target(INOTIFY_WATCHES, 65536, 65536, MEMORY_24G), 131072);
}

static void names_go_both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++)
		assert_int_equal(inotify_resource_from_string(inotify_resource_to_string(i)), i);
	assert_int_equal(inotify_resource_from_string("Watches"), INOTIFY_RESOURCE_INVALID);
	assert_int_equal(inotify_resource_from_string(""), INOTIFY_RESOURCE_INVALID);
	assert_null(inotify_resource_to_string(INOTIFY_RESOURCE_MAX));
	assert_null(inotify_resource_to_string(INOTIFY_RESOURCE_INVALID));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_empty_tree_is_all_unknown),
		TEST(the_tighter_one_binds),
		TEST(the_namespace_tells_where_we_are),
		TEST(the_kernels_default_follows_from_memory),
		TEST(a_fifo_in_place_of_a_limit_does_not_hang),
		cmocka_unit_test(percentages_never_divide_by_nothing),
		cmocka_unit_test(targets_keep_their_promises),
		cmocka_unit_test(caps_are_what_they_should_be),
		cmocka_unit_test(names_go_both_ways),
	};
	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
