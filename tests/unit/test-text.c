/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common/text: numbers, spans, escapes. */
#include "common/text.h"

#include "tests/unit/test.h"

static void spans_are_read_as_people_type_them(void **state)
{
	static const struct {
		const char *text;
		int r;
		usec_t span;
	} rows[] = {
		{"10min", 0, 600 * USEC_PER_SEC},
		{"1h 5min", 0, 3900 * USEC_PER_SEC},
		{"30", 0, 30 * USEC_PER_SEC},
		{"250ms", 0, 250 * USEC_PER_MSEC},
		{"", -EINVAL, 0},
		{"5 parsecs", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"99999999999999999999s", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		usec_t span = 0;
		assert_int_equal(parse_span(rows[i].text, &span), rows[i].r);
		assert_int_equal(span, rows[i].span);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_read_as_people_type_them),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
