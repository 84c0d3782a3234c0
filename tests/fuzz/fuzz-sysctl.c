/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl.d files of anybody: the settings come in order, each with its line, and one wins. */
#include "tests/fuzz/fuzz.h"

#include "survey/sysctl.h"

FUZZ_PARTS("fs.inotify.max_user_watches", "fs/inotify/max_user_watches", "fs.inotify.*",
	"fs.*.max_*", "*", "?", "[a-z]", "-", "=", " = ", "5", "99999999999999999999", "#", ";",
	"\n", "\n", " ", "\t", "\\", "fs", ".", "/", "inotify", "[", "]");

#define KEY "fs.inotify.max_user_watches"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int root = fuzz_directory();
	SysctlSetting *settings = NULL;
	size_t n = 0, winners = 0;

	if (size < 2)
		return 0;
	(void)mkdirat(root, "etc", 0755);
	(void)mkdirat(root, "etc/sysctl.d", 0755);
	size_t first = (size - 2) * data[0] / 256;
	fuzz_write(root, "etc/sysctl.d/10-a.conf", data + 2, first);
	fuzz_write(root, "etc/sysctl.d/20-b.conf", data + 2 + first, size - 2 - first);
	fuzz_check(sysctl_find(root, KEY, &settings, &n) == 0, "an answer");
	for (size_t i = 0; i < n; i++) {
		fuzz_check(settings[i].line >= 1 && settings[i].path && settings[i].value,
			"a setting");
		fuzz_check(!strchr(settings[i].value, '\n'), "a value is one line");
		fuzz_check(
			i == 0 || strcmp(settings[i - 1].path, settings[i].path) <= 0, "the order");
		winners += settings[i].wins;
	}
	fuzz_check(n == 0 || (winners == 1 && settings[n - 1].wins), "the last one wins");
	sysctl_settings_free(settings, n);
	_cleanup_(freep) char *text = fuzz_text(data + 2, size - 2);
	(void)sysctl_key_matches(text, KEY);
	return 0;
}

FUZZ_MAIN
