/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KCrash metadata from anywhere: whatever the text, the parser gives bounded, valid JSON or says
 * why not, and what it gives makes arguments and files for DrKonqi that hold to their rules. With a
 * fuzzer: clang -fsanitize=fuzzer -DVIGIL_LIBFUZZER. Without: fuzz-kcrash [SECONDS [SEED]] makes up
 * its own input and prints the seed; fuzz-kcrash FILE … runs the files of a corpus. */
#include "common/words.h"
#include "coredump/drkonqi.h"
#include "coredump/kcrash.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX 4096

static void check_groups(json_t *kcrash)
{
	const char *name, *key;
	json_t *group, *value;

	json_object_foreach (kcrash, name, group) {
		if (!json_is_object(group))
			continue;
		fuzz_check(json_object_size(group) <= KCRASH_KEYS_MAX, "too many keys");
		json_object_foreach (group, key, value) {
			fuzz_check(json_is_string(value), "a value that is no text");
			fuzz_check(key[0] && !strpbrk(key, "=[] \n"), "a key that is none");
		}
	}
}

static void check_arguments(const json_t *kcrash)
{
	char **words = drkonqi_arguments("drkonqi", kcrash);

	fuzz_check(words != NULL, "no arguments");
	for (size_t i = 1; words[i]; i++) {
		fuzz_check(strlen(words[i]) < 64 * 1024, "an argument that exec refuses");
		fuzz_check(words[i][0] != '-' || startswith(words[i], "--"), "a value with a dash");
		const char *rest = startswith(words[i], "--platformpluginpath");
		fuzz_check(!rest || !strchr("=", *rest), "an option of Qt"); /* that very one */
	}
	words_free(words);
}

/* Every line is a group, a pair or empty: nothing of the values broke out. */
static void check_ini(const Crash *crash)
{
	_cleanup_(freep) char *text = drkonqi_ini(&(ReporterSetup){}, crash);

	fuzz_check(text != NULL, "no INI");
	for (char *line = text; *line; line += strcspn(line, "\n") + 1)
		fuzz_check(
			line[0] == '[' || line[0] == '\n' || memchr(line, '=', strcspn(line, "\n")),
			"a line that is none");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Crash crash = {
		.pid = 1, .exe = (char *)"/a/b", .kcrash = kcrash_parse((const char *)data, size)};

	if (!crash.kcrash) {
		fuzz_check(errno == EINVAL, "refused without a reason");
		return 0;
	}
	check_groups(crash.kcrash);
	check_arguments(crash.kcrash);
	check_ini(&crash);
	_cleanup_(freep) char *text = drkonqi_json(&(ReporterSetup){}, &crash);
	_cleanup_(json_decrefp) json_t *again = text ? json_loads(text, 0, NULL) : NULL;
	fuzz_check(again != NULL, "JSON that is none");
	json_decref(crash.kcrash);
	return 0;
}

#ifndef VIGIL_LIBFUZZER
static size_t make_up(uint8_t *data, size_t size, uint64_t *state)
{
	static const char *const parts[] = {"[KCrash]\n", "[KCrashTags]\n", "[KCrashComplete]\n",
		"[", "]", "\n", "\n", "=", "exe=/usr/bin/kate\n", "platformpluginpath=/tmp\n",
		"pid=", "signal=11\n", "appname=-style\n", "\\n", "\\x4", "\\x41", "\\", "true",
		" ", "\t", "\xc3\xa4", "\xff", "@", "\"", ";", "#", "restarted"};

	return fuzz_make_up(data, 0, size, parts, ELEMENTSOF(parts), 8, state);
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, make_up, TEXT_MAX);
}
#endif
