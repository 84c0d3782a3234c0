/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of commands and options: that they hold together, and what a slip is taken for. */
#include "cli/cli.h"
#include "common/text.h"
#include "tests/unit/test.h"

static void test_commands_are_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_n_commands; i++) {
		const Command *command = &cli_commands[i];
		assert_non_null(command->run);
		assert_true(command->summary && strlen(command->summary) <= 79);
		assert_true(command->options & OPTION_COMMON);
		assert_true(command->max_arguments < 0 ||
			    command->min_arguments <= command->max_arguments);
		assert_true(!command->arguments == !command->max_arguments);
		assert_ptr_equal(
			cli_find(command->group, command->name), command); /* no two alike */
		if (command->group)
			assert_non_null(cli_find(command->group, CLI_GROUP_DEFAULT));
	}
}

static void test_no_command_knows_two_options_of_one_name(void **state)
{
	(void)state;
	for (size_t c = 0; c < cli_n_commands; c++)
		for (size_t i = 0; i < cli_n_options; i++)
			for (size_t j = 0; j < i; j++) {
				const CliOption *a = &cli_options[i], *b = &cli_options[j];
				unsigned bits = cli_commands[c].options;
				if (!(a->bit & bits) || !(b->bit & bits))
					continue;
				assert_string_not_equal(a->name, b->name);
				assert_true(!a->letter || a->letter != b->letter);
			}
}

static void test_choices_are_in_the_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_n_options; i++) {
		if (!cli_options[i].choices)
			continue;
		_cleanup_(freep) char *words = strdup(cli_options[i].choices);
		char *rest = words;
		for (const char *word; (word = strsep(&rest, " "));)
			assert_non_null(strstr(cli_options[i].help, word));
	}
}

static void test_nearest(void **state)
{
	static const struct {
		const char *group, *word, *want;
	} rows[] = {
		{NULL, "statsu", "status"},
		{NULL, "inotfy", "inotify"},
		{NULL, "docter", "doctor"},
		{"inotify", "lits", "list"},
		{"inotify", "rasie", "raise"},
		{"inotify", "firefox", NULL},
		{NULL, "", NULL},
		{NULL, "zzzzzz", NULL},
		/* longer than any command: no comparison, no overflow */
		{NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		const char *near = cli_nearest_command(rows[i].group, rows[i].word);
		if (rows[i].want) {
			assert_non_null(near);
			assert_string_equal(near, rows[i].want);
		} else {
			assert_null(near);
		}
	}
}

static void test_percent(void **state)
{
	static const struct {
		double percent;
		const char *want;
	} rows[] = {{-1, "unknown"}, {0, "0 %"}, {0.01, "<0.1 %"}, {0.1, "0.1 %"}, {9.94, "9.9 %"},
		{9.95, "10 %"}, {100, "100 %"}, {101.6, "102 %"}};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_string_equal(cli_percent(rows[i].percent, text), rows[i].want);
	assert_int_equal(cli_level_style(79.9), CELL_PLAIN);
	assert_int_equal(cli_level_style(80), CELL_WARNING);
	assert_int_equal(cli_level_style(95), CELL_BAD);
}

static void test_help_fits_eighty_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i <= cli_n_commands; i++) {
		_cleanup_(strbuf_done) StrBuf out = {};
		if (i < cli_n_commands)
			help_command(&out, &cli_commands[i]);
		else
			help_overview(&out);
		for (char *rest = out.data, *line; (line = strsep(&rest, "\n"));)
			assert_true(text_columns(line) <= 80);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_are_well_formed),
		cmocka_unit_test(test_no_command_knows_two_options_of_one_name),
		cmocka_unit_test(test_choices_are_in_the_help),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_help_fits_eighty_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
