/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/trace-quality.h: how many stars, and what to install for more. Frames are written as a
 * word of letters, innermost first: l a line, n a name, e a name out of the exported ones, - none;
 * x abort(), b what starts the program, j a jump to null. */
#include "coredump/trace-quality.h"

#include "tests/unit/test.h"
#include "tests/unit/trace-sample.h"

enum { WITH_DEBUG, WITH_TABLE, WITH_EXPORTED, C_LIBRARY };

static char paths[][32] = {
	"/usr/bin/a", "/usr/lib/libt.so.1", "/usr/lib/libe.so.1", "/usr/lib/libc.so.6"};
static char own[] = "own", ending[] = "abort", start[] = "main", file[] = "a.c";

typedef struct Made {
	Trace trace;
	TraceThread thread;
	TraceFrame frames[32];
	TraceModule modules[4];
} Made;

static void make(Made *made, const char *letters)
{
	static const TraceSymbols symbols[] = {
		SYMBOLS_DEBUG, SYMBOLS_TABLE, SYMBOLS_EXPORTED, SYMBOLS_EXPORTED};
	TraceFrame *frame = made->frames;

	memset(made, 0, sizeof *made);
	for (size_t i = 0; i < ELEMENTSOF(paths); i++)
		made->modules[i] = (TraceModule){.path = paths[i],
			.state = MODULE_PRESENT,
			.symbols = symbols[i],
			.build_id = "00ff"};
	for (const char *p = letters; *p; p++, frame++) {
		frame->pc = 0x1000;
		frame->module = *p == 'l'   ? WITH_DEBUG
				: *p == 'x' ? C_LIBRARY
				: *p == 'e' ? WITH_EXPORTED
				: *p == 'j' ? -1
					    : WITH_TABLE;
		frame->pc = *p == 'j' ? 0 : 0x10000;
		frame->function = *p == 'x'	     ? ending
				  : *p == 'b'	     ? start
				  : strchr("-j", *p) ? NULL
						     : own;
		frame->file = *p == 'l' ? file : NULL;
		frame->line = *p == 'l' ? 7 : 0;
	}
	made->thread = (TraceThread){.crashed = true,
		.complete = true,
		.frames = made->frames,
		.n_frames = strlen(letters)};
	made->trace = (Trace){.threads = &made->thread,
		.n_threads = 1,
		.modules = made->modules,
		.n_modules = ELEMENTSOF(paths)};
}

static void traces_are_rated(void **state)
{
	static const struct {
		const char *letters;
		TraceRating rating;
		size_t n_frames, n_named, n_lines;
	} rows[] = {
		{"lllb", RATING_USEFUL, 3, 3, 3},
		{"xxlllb", RATING_USEFUL, 3, 3, 3},
		{"jlllb", RATING_USEFUL, 3, 3, 3},
		{"llnnb", RATING_PROBABLY_USEFUL, 4, 4, 2},
		{"lllllll-----", RATING_PROBABLY_USEFUL, 12, 7, 7},
		{"nnnb", RATING_MAY_HELP, 3, 3, 0},
		{"eeeb", RATING_MAY_HELP, 3, 3, 0},
		{"-llllllllb", RATING_MAY_HELP, 9, 8, 8},
		{"n-----", RATING_USELESS, 6, 1, 0},
		{"---b", RATING_USELESS, 3, 0, 0},
		{"xx", RATING_MAY_HELP, 2, 2, 0},
		{"", RATING_USELESS, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		TraceQuality quality;
		static Made made;
		make(&made, rows[i].letters);
		trace_quality(&made.trace, &quality);
		if (quality.rating != rows[i].rating || quality.n_frames != rows[i].n_frames ||
			quality.n_named != rows[i].n_named || quality.n_lines != rows[i].n_lines)
			fail_msg("%s: %s, %zu %zu %zu", rows[i].letters,
				trace_rating_to_string(quality.rating), quality.n_frames,
				quality.n_named, quality.n_lines);
	}
}

static void what_broke_off_is_worth_less(void **state)
{
	static Made made;
	TraceQuality quality;

	(void)state;
	make(&made, "ll");
	made.thread.complete = false;
	trace_quality(&made.trace, &quality);
	assert_int_equal(quality.rating, RATING_PROBABLY_USEFUL);
}

static void ratings_have_words(void **state)
{
	(void)state;
	assert_string_equal(trace_rating_to_string(RATING_USELESS), "useless");
	assert_string_equal(trace_rating_to_string(RATING_USEFUL), "useful");
	assert_null(trace_rating_to_string(RATING_MAX));
	assert_string_equal(trace_rating_words(RATING_MAY_HELP), "may help");
	assert_null(trace_rating_words(RATING_MAX));
}

/* ---- advice ---------------------------------------------------------------------------------- */

static char libt[] = "libt1", libe[] = "libe2:amd64";

static void distributions_have_their_commands(void **state)
{
	static const struct {
		const char *os_release, *command;
		bool note;
	} rows[] = {
		{"NAME=x\nID=debian\n", "sudo apt install libt1-dbgsym libe2-dbgsym", true},
		{"ID_LIKE=debian\nID=ubuntu\n", "sudo apt install libt1-dbgsym libe2-dbgsym", true},
		{"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
			"sudo apt install libt1-dbgsym libe2-dbgsym", true},
		{"ID='raspbian'\nID_LIKE='debian'", "sudo apt install libt1-dbgsym libe2-dbgsym",
			true},
		{"ID=fedora", "sudo dnf debuginfo-install libt1 libe2", false},
		{"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
			"sudo dnf debuginfo-install libt1 libe2", false},
		{"ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"",
			"sudo zypper --plus-content debug install libt1-debuginfo libe2-debuginfo",
			false},
		{"ID=arch\n", NULL, false},
		{"ID=debianish\n", NULL, false},
		{"ID=\n", NULL, false},
		{"", NULL, false},
		{NULL, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(trace_advice_donep) TraceAdvice advice;
		static Made made;
		make(&made, "xn-elb");
		made.modules[WITH_TABLE].package = libt;
		made.modules[WITH_EXPORTED].package = libe;
		assert_int_equal(trace_advice(&made.trace, rows[i].os_release, &advice), 0);
		if (rows[i].command)
			assert_string_equal(advice.command, rows[i].command);
		else
			assert_null(advice.command);
		assert_int_equal(advice.note != NULL, rows[i].note);
		assert_string_equal(advice.modules[0], "libt.so.1");
		assert_string_equal(advice.modules[1], "libe.so.1");
		assert_null(advice.modules[2]);
		assert_null(advice.unowned);
		assert_true(advice.debuginfod);
	}
}

/* What is pasted into a shell has no characters that a shell knows. */
static void packages_are_not_believed(void **state)
{
	static char bad[][24] = {"a b", "a;b", "$(a)", "-a", "../a", "a\n", "", "ä", "a'"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		_cleanup_(trace_advice_donep) TraceAdvice advice;
		static Made made;
		make(&made, "nnn");
		made.modules[WITH_TABLE].package = bad[i];
		assert_int_equal(trace_advice(&made.trace, "ID=debian", &advice), 0);
		assert_null(advice.command);
		assert_non_null(advice.modules);
	}
}

static void own_builds_and_replaced_files(void **state)
{
	_cleanup_(trace_advice_donep) TraceAdvice advice, replaced, fine, nothing;
	static Made made;

	(void)state;
	make(&made, "nnn");
	made.modules[WITH_TABLE].build_id[0] = '\0';
	assert_int_equal(trace_advice(&made.trace, "ID=debian", &advice), 0);
	assert_null(advice.command);
	assert_string_equal(advice.unowned[0], "libt.so.1");
	assert_false(advice.debuginfod);
	make(&made, "nnn");
	made.modules[WITH_TABLE].package = libt;
	made.modules[WITH_TABLE].state = MODULE_REPLACED;
	assert_int_equal(trace_advice(&made.trace, "ID=debian", &replaced), 0);
	assert_null(replaced.command);
	assert_true(replaced.debuginfod);
	make(&made, "xlllb");
	assert_int_equal(trace_advice(&made.trace, "ID=debian", &fine), 0);
	assert_null(fine.modules);
	assert_int_equal(trace_advice(&(Trace){}, "ID=debian", &nothing), 0);
	assert_null(nothing.modules);
}

static void the_c_library_has_a_package_of_its_own_name(void **state)
{
	static char libc6[] = "libc6:amd64";
	_cleanup_(trace_advice_donep) TraceAdvice advice;
	static Made made;

	(void)state;
	make(&made, "nnn");
	made.modules[WITH_TABLE].package = libc6;
	assert_int_equal(trace_advice(&made.trace, "ID=debian", &advice), 0);
	assert_string_equal(advice.command, "sudo apt install libc6-dbg");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traces_are_rated),
		cmocka_unit_test(what_broke_off_is_worth_less),
		cmocka_unit_test(ratings_have_words),
		cmocka_unit_test(distributions_have_their_commands),
		cmocka_unit_test(packages_are_not_believed),
		cmocka_unit_test(own_builds_and_replaced_files),
		cmocka_unit_test(the_c_library_has_a_package_of_its_own_name),
	};

	return cmocka_run_group_tests_name("trace-quality", tests, NULL, NULL);
}
