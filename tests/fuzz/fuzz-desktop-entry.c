/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Desktop entries: what is read has a name, is no longer than its text, and is found again. */
#include "tests/fuzz/fuzz.h"

#include "survey/desktop-entry.h"

FUZZ_PARTS("[Desktop Entry]\n", "[Desktop Action x]\n",
	"Name=", "Name[de]=", "Name[de_DE@x]=", "Icon=", "Exec=", "TryExec=", "Hidden=true\n",
	"Categories=", "TerminalEmulator;", "env ", "A=b ", "\"", "\\s", "\\n", "\\\\", "\\", "%U",
	"%%", "%", "flatpak run ", "\n", "\n", "=", "[", "]", "#", " ", "/usr/bin/x", "sh -c ");

static void check_part(const char *part, size_t size)
{
	fuzz_check(
		!part || strlen(part) <= size, "what is read is no longer than what was written");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const locales[] = {NULL, "C", "de", "de_DE.UTF-8@x", "@", "_._@", ""};
	DesktopEntry entry = {};

	if (size < 2)
		return 0;
	_cleanup_(freep) char *text = fuzz_text(data + 2, size - 2);
	int r = desktop_entry_parse(text, locales[data[0] % ELEMENTSOF(locales)], &entry);
	fuzz_check(r == 0 || r == -EINVAL, "an answer");
	if (r < 0)
		return 0;
	fuzz_check(entry.name && *entry.name, "an entry has a name");
	check_part(entry.name, size);
	check_part(entry.icon, size);
	check_part(entry.program, size);
	check_part(entry.try_program, size);
	(void)desktop_entry_can_run(&entry, "/nonexistent:/bin");
	desktop_entry_done(&entry);
	return 0;
}

FUZZ_MAIN
