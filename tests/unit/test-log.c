/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common/log: one line a message, whatever is in it. */
#include "common/log.h"

#include "tests/unit/test.h"

static void controls_do_not_reach_a_terminal(void **state)
{
	static const char *const rows[][2] = {
		{"plain", "plain"},
		{"a\nb\tc\x1b[31m\x7f", "a?b?c?[31m?"},
		{"\xc2\x9b"
		 "31m\xc2\x90",
			"??31m??"}, /* C1: CSI, DCS */
		{"\xc2\xa0ä日\xc2", "\xc2\xa0ä日\xc2"},
	};
	char line[256], expected[256];
	int ends[2], saved = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe(ends), 0);
	log_setup("test", LOG_INFO);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
		log_error("%s", rows[i][0]);
		assert_true(dup2(saved, STDERR_FILENO) >= 0);
		ssize_t n = read(ends[0], line, sizeof line - 1);
		assert_true(n > 0);
		line[n] = '\0';
		(void)snprintf(expected, sizeof expected, "test: %s\n", rows[i][1]);
		assert_string_equal(line, expected);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_do_not_reach_a_terminal),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
