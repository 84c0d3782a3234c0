/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/unwind/cycle.h"
#include "tests/unit/test.h"

#define N ((size_t)1000)

/* Before it `at` addresses of which each comes once, behind it the same; rounds of `length`. */
static void make(uint64_t pcs[static N], size_t at, size_t length, size_t rounds)
{
	for (size_t i = 0; i < N; i++)
		pcs[i] = 0x1000 + i;
	for (size_t i = 0; i < length * rounds; i++)
		pcs[at + i] = i % length;
}

static void cycle_is_found_where_it_is(void **state)
{
	static const struct {
		size_t at, length, rounds;
	} rows[] = {{0, 1, 64}, {5, 1, 900}, {5, 2, 400}, {17, 3, 300}, {2, 64, 3}, {0, 10, 100},
		{500, 7, 71}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		uint64_t pcs[N];
		make(pcs, rows[i].at, rows[i].length, rows[i].rounds);
		Cycle cycle = cycle_find(pcs, N);
		assert_int_equal(cycle.at, rows[i].at);
		assert_int_equal(cycle.length, rows[i].length);
		assert_int_equal(cycle.repeats, rows[i].rounds);
	}
}

static void what_is_none(void **state)
{
	uint64_t pcs[N];

	(void)state;
	make(pcs, 0, 0, 0);
	assert_int_equal(cycle_find(pcs, N).length, 0);
	assert_int_equal(cycle_find(pcs, 0).length, 0);
	assert_int_equal(cycle_find(pcs, 1).length, 0);
	make(pcs, 10, 1, CYCLE_FRAMES_MIN - 1); /* a recursion like many */
	assert_int_equal(cycle_find(pcs, N).length, 0);
	make(pcs, 10, CYCLE_LENGTH_MAX + 1, 10); /* longer than is looked for */
	assert_int_equal(cycle_find(pcs, N).length, 0);
}

/* Of two, the one that fills more. */
static void larger_counts(void **state)
{
	uint64_t pcs[N];

	(void)state;
	make(pcs, 500, 3, 40);
	for (size_t i = 0; i < 100; i++)
		pcs[i] = 7;
	assert_int_equal(cycle_find(pcs, N).length, 3);
	for (size_t i = 0; i < 200; i++)
		pcs[i] = 7;
	assert_int_equal(cycle_find(pcs, N).length, 1);
	assert_int_equal(cycle_find(pcs, N).at, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cycle_is_found_where_it_is),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(larger_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
