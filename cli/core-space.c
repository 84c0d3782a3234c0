/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/core-space.h"

#include "common/i18n.h"
#include "common/text.h"
#include "coredump/core-file.h"
#include <sys/statvfs.h>

int core_space_check(const Cli *cli, int core, int out, const char *out_name, const char *hint)
{
	char need[32], have[32];
	_cleanup_(freep) char *question = NULL;
	struct statvfs fs;
	uint64_t size;
	bool exact;

	if (core_uncompressed_size(core, &size, &exact) < 0 || fstatvfs(out, &fs) < 0)
		return EXIT_DONE;
	uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (size <= free_bytes || cli->options.yes)
		return EXIT_DONE;
	(void)format_bytes(size, need);
	(void)format_bytes(free_bytes, have);
	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO) &&
		asprintf(&question,
			_("The core is %s long, and %s are free at '%s'; empty parts of it take no space. Try?"),
			need, have, out_name) >= 0)
		return cli_confirm(cli, question) ? EXIT_DONE : EXIT_FAILED;
	return cli_fail(EXIT_FAILED,
		_("The core is %s long, and only %s are free at '%s': %s, or try with --yes (empty parts of it take no space)."),
		need, have, out_name, hint);
}
