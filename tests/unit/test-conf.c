/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common/conf: rows, complaints with file and line, and which file has the last word. */
#include "common/conf.h"

#include "common/strbuf.h"
#include "tests/unit/test.h"

typedef struct Target {
	usec_t span;
	uint64_t number;
	bool boolean;
	int choice;
	char *text, **words;
} Target;

static const ConfRange range = {1, 100};
static const char *const choices[] = {"one", "two", NULL};

#define ROW(key, type, member, data)                                                               \
	{                                                                                          \
		"S", key, &(type), offsetof(Target, member), data, "", "the default's"             \
	}
static const ConfRow rows[] = {
	ROW("Span", conf_span, span, NULL),
	ROW("Number", conf_number, number, &range),
	ROW("Boolean", conf_boolean, boolean, NULL),
	ROW("Choice", conf_choice, choice, choices),
	ROW("Text", conf_string, text, NULL),
	ROW("Words", conf_strings, words, NULL),
};

static void note(const char *file, unsigned line, const char *message, void *userdata)
{
	const char *slash = strrchr(file, '/');
	strbuf_addf(userdata, "%s:%u: %s\n", slash ? slash + 1 : file, line, message);
}

static int read_text(const char *text, Target *target, StrBuf *complaints)
{
	fixture_file("vigil.conf", text);
	return conf_read_file(
		fixture_at("vigil.conf"), rows, ELEMENTSOF(rows), target, note, complaints);
}

static void every_type_is_read(void **state)
{
	_cleanup_(strbuf_done) StrBuf complaints = {};
	Target target = {};

	(void)state;
	assert_int_equal(
		read_text(
			"# comment\n[S]\nSpan = 5min\nNumber=7\nBoolean=on\n; another\nChoice=two\n"
			"Text=a b = c\nWords=x  y z\n",
			&target, &complaints),
		1);
	assert_string_equal(strbuf_text(&complaints), "");
	assert_int_equal(target.span, 5 * USEC_PER_MINUTE);
	assert_int_equal(target.number, 7);
	assert_true(target.boolean);
	assert_int_equal(target.choice, 1);
	assert_string_equal(target.text, "a b = c");
	assert_string_equal(target.words[0], "x");
	assert_string_equal(target.words[2], "z");
	assert_null(target.words[3]);
	/* what is read again replaces; an empty value empties */
	assert_int_equal(read_text("[S]\nText=new\nWords=\n", &target, &complaints), 1);
	assert_string_equal(target.text, "new");
	assert_null(target.words[0]);
	assert_int_equal(target.number, 7);
	conf_done(rows, ELEMENTSOF(rows), &target);
	assert_null(target.text);
}

static void what_is_wrong_is_told_and_passed_over(void **state)
{
	static const struct {
		const char *text, *complaint;
	} bad[] = {
		{"[S]\nNumber=0\n",
			"vigil.conf:2: Number=0: expected a number from 1 to 100; the default the default's stays.\n"},
		{"[S]\nNumber=101\n", "vigil.conf:2: Number=101: expected a number from 1 to 100"},
		{"[S]\nNumber=x\n", "vigil.conf:2: Number=x: expected a number"},
		{"[S]\n\nSpan=soon\n",
			"vigil.conf:3: Span=soon: expected a span of time like 10min"},
		{"[S]\nBoolean=maybe\n", "vigil.conf:2: Boolean=maybe: expected yes or no"},
		{"[S]\nChoice=three\n",
			"vigil.conf:2: Choice=three: expected one of the listed words"},
		{"[S]\nNumbr=5\n", "vigil.conf:2: [S] Numbr: no such setting; ignored."},
		{"[T]\nNumber=5\n", "vigil.conf:2: [T] Number: no such setting; ignored."},
		{"Number=5\n", "vigil.conf:1: "},
		{"[S]\nnonsense\n", "vigil.conf:2: neither a [Section] nor Key=Value; ignored."},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		_cleanup_(strbuf_done) StrBuf complaints = {}, text = {};
		Target target = {.number = 50, .span = 9, .choice = 1};
		/* and what comes after is still read */
		strbuf_addf(&text, "%s[S]\nText=after\n", bad[i].text);
		assert_int_equal(read_text(strbuf_text(&text), &target, &complaints), 1);
		assert_non_null(strstr(strbuf_text(&complaints), bad[i].complaint));
		assert_int_equal(target.number, 50);
		assert_int_equal(target.span, 9);
		assert_int_equal(target.choice, 1);
		assert_string_equal(target.text, "after");
		conf_done(rows, ELEMENTSOF(rows), &target);
	}
}

static void long_lines_do_not_become_two(void **state)
{
	_cleanup_(strbuf_done) StrBuf complaints = {}, text = {};
	Target target = {.number = 50};

	(void)state;
	strbuf_add(&text, "[S]\nText=");
	for (int i = 0; i < 5000; i++)
		strbuf_add_char(&text, i % 100 ? 'x' : ' ');
	strbuf_add(&text, "Number=5\nBoolean=yes\n");
	assert_int_equal(read_text(strbuf_text(&text), &target, &complaints), 1);
	assert_string_equal(
		strbuf_text(&complaints), "vigil.conf:2: the line is too long; ignored.\n");
	assert_int_equal(target.number, 50);
	assert_true(target.boolean);
	conf_done(rows, ELEMENTSOF(rows), &target);

	/* a NUL hides nothing, and the lines are counted right behind it */
	_cleanup_(closep) int fd = open(fixture_at("vigil.conf"), O_WRONLY | O_TRUNC | O_CLOEXEC);
	static const char nul[] = "[S]\nNumber=5\0Number=6\nNumber=x\n";
	assert_int_equal(write_all(fd, nul, sizeof nul - 1), 0);
	strbuf_done(&complaints);
	complaints = (StrBuf){};
	assert_int_equal(conf_read_file(fixture_at("vigil.conf"), rows, ELEMENTSOF(rows), &target,
				 note, &complaints),
		1);
	assert_non_null(strstr(strbuf_text(&complaints), "vigil.conf:2: Number=5?Number=6"));
	assert_non_null(strstr(strbuf_text(&complaints), "vigil.conf:3: Number=x"));
	assert_int_equal(target.number, 50);
	conf_done(rows, ELEMENTSOF(rows), &target);
}

static void files_that_are_none(void **state)
{
	_cleanup_(strbuf_done) StrBuf complaints = {};
	Target target = {};

	(void)state;
	assert_int_equal(conf_read_file(fixture_at("missing"), rows, ELEMENTSOF(rows), &target,
				 note, &complaints),
		0);
	assert_int_equal(mkfifo(fixture_at("fifo"), 0600), 0);
	assert_int_equal(conf_read_file(fixture_at("fifo"), rows, ELEMENTSOF(rows), &target, note,
				 &complaints),
		-EINVAL);
	assert_int_equal(
		conf_read_file(fixture_path, rows, ELEMENTSOF(rows), &target, note, &complaints),
		-EINVAL);
}

static void later_directories_and_dropins_win(void **state)
{
	_cleanup_(strbuf_done) StrBuf complaints = {};
	char low[128], high[128];
	Target target = {};

	(void)state;
	(void)snprintf(low, sizeof low, "%s/low", fixture_path);
	(void)snprintf(high, sizeof high, "%s/high", fixture_path);
	const char *const dirs[] = {low, "/nonexistent", high, NULL};
	fixture_file("low/vigil.conf", "[S]\nNumber=1\nSpan=1s\nText=low\n");
	fixture_file("high/vigil.conf", "[S]\nNumber=2\n");
	fixture_file("low/vigil.conf.d/10-a.conf", "[S]\nNumber=3\n");
	fixture_file("low/vigil.conf.d/20-same.conf", "[S]\nNumber=4\nSpan=9s\n");
	fixture_file("high/vigil.conf.d/20-same.conf", "[S]\nNumber=5\n");
	fixture_file("high/vigil.conf.d/.hidden.conf", "[S]\nNumber=6\n");
	fixture_file("high/vigil.conf.d/30-x.conf~", "[S]\nNumber=7\n");
	fixture_file("high/vigil.conf.d/15-bad.conf", "[S]\nNumber=bad\n");
	assert_int_equal(
		conf_read_all(dirs, rows, ELEMENTSOF(rows), &target, note, &complaints), 0);
	assert_int_equal(target.number, 5);
	assert_int_equal(target.span, USEC_PER_SEC); /* the replaced drop-in counts for nothing */
	assert_string_equal(target.text, "low");
	assert_non_null(strstr(strbuf_text(&complaints), "15-bad.conf:2: Number=bad"));
	conf_done(rows, ELEMENTSOF(rows), &target);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_type_is_read),
		TEST(what_is_wrong_is_told_and_passed_over),
		TEST(long_lines_do_not_become_two),
		TEST(files_that_are_none),
		TEST(later_directories_and_dropins_win),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
