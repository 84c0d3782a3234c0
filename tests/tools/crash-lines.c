/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash-lines DIRECTORY: for each crash in the journals there, its last lines as JSON on a line. */
#include "common/log.h"
#include "coredump/last-lines.h"

static int print(const char *directory, const Crash *crash)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(json_decrefp) json_t *lines = NULL;
	int r;

	r = crash_journal_open(&(JournalPlace){.directory = directory}, false, &journal);
	if (r >= 0)
		r = last_lines_read(journal, crash, &lines);
	if (r >= 0)
		r = json_dumpf(lines, stdout, JSON_COMPACT) < 0 || putchar('\n') < 0 ? -EIO : 0;
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	int r;

	log_setup("crash-lines", LOG_INFO);
	if (argc != 2)
		return 2;
	r = crash_journal_open(&(JournalPlace){.directory = argv[1]}, false, &journal);
	if (r >= 0)
		r = crash_journal_seek(journal, NULL, 0);
	while (r >= 0 && (r = crash_journal_next(journal, &crash)) > 0)
		r = print(argv[1], &crash);
	return r < 0 && log_error_errno(r, "crash-lines failed: %m") < 0;
}
