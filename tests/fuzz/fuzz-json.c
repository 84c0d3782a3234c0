/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON from others, and JSON out of anything: DrKonqi's metadata file of a crash is read within
 * KCrash's bounds or not at all, whatever stands in it; a package's description and a text of any
 * bytes come out of a crash's own JSON as valid JSON that reads back the same. */
#include "tests/fuzz/fuzz.h"

#include "coredump/drkonqi.h"
#include "coredump/kcrash.h"
#include "coredump/record.h"
#include <unistd.h>

FUZZ_PARTS("{\"version\":2,\"kcrash\":{\"exe\":\"/usr/bin/kate\"}}", "{", "}", "[", "]",
	"\"kcrash\":", "\"kcrash-tags\":", "\"kcrash-extra-data\":", "\"kcrash-gpu\":", "\"", ":",
	",", "true", "false", "null", "-1", "1e400", "0.5", "\\u0000", "\\ud800", "\\n", "\\\"",
	"\"signal\":\"11\"", "\"name\":\"gtk\"", "\"/bin/a\":{\"type\":\"deb\"}", "\xc3\xa4",
	"\xed\xa0\x80", "\xef\xbf\xbe", "\xff", "\n", " ", "[[[[[[[[[[[[[[[[");

static void check_groups(json_t *kcrash)
{
	const char *name, *key;
	json_t *group, *value;

	fuzz_check(json_object_size(kcrash) > 0, "read, and nothing in it");
	json_object_foreach (kcrash, name, group) {
		if (streq(name, "complete"))
			continue;
		fuzz_check(startswith(name, "KCrash"), "a group of another name");
		fuzz_check(json_object_size(group) <= KCRASH_KEYS_MAX, "too many keys");
		json_object_foreach (group, key, value)
			fuzz_check(json_is_string(value), "a value that is no text");
	}
}

static void check_metadata(const uint8_t *data, size_t size)
{
	static const Crash crash = {.pid = 7,
		.exe = (char *)"/usr/bin/kate",
		.boot_id = "0123456789abcdef0123456789abcdef",
		.when_realtime = 1700000000000000};
	int root = fuzz_directory();
	_cleanup_(json_decrefp) json_t *kcrash = NULL;

	(void)mkdirat(root, "drkonqi", 0755);
	(void)mkdirat(root, "drkonqi/crashes", 0755);
	fuzz_write(root,
		"drkonqi/crashes/kate.0123456789abcdef0123456789abcdef.7.1700000000000000.ini",
		data, size);
	int r = drkonqi_read(root, &crash, getuid(), &kcrash);
	fuzz_check(r == 0 || r == 1, "an answer");
	fuzz_check(r == (kcrash != NULL), "what is told and what is given");
	if (r)
		check_groups(kcrash);
}

static void check_round_trip(const uint8_t *data, size_t size)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;

	(void)crash_take_field(&crash, "COREDUMP_PACKAGE_JSON", 21, (const char *)data, size);
	(void)crash_take_field(&crash, "SOMETHING", 9, (const char *)data, size);
	(void)crash_take_field(&crash, "MESSAGE", 7, (const char *)data, size);
	_cleanup_(json_decrefp) json_t *object = crash_to_json(&crash, true);
	_cleanup_(freep) char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	fuzz_check(text != NULL, "JSON");
	_cleanup_(json_decrefp) json_t *again = json_loads(text, JSON_ALLOW_NUL, NULL);
	fuzz_check(json_equal(object, again), "the round trip");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	check_metadata(data + 2, size - 2);
	check_round_trip(data + 2, size - 2);
	return 0;
}

FUZZ_MAIN
