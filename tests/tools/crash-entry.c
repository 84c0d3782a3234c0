/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash-entry DIRECTORY CURSOR [CORE]: the JSON of the entry at the cursor; the core that it holds
 * goes to the file CORE. */
#include "common/log.h"
#include "coredump/journal.h"
#include <fcntl.h>

static int write_core(CrashJournal *journal, const char *cursor, const char *path)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : crash_journal_write_core(journal, cursor, fd);
}

int main(int argc, char **argv)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	int r;

	log_setup("crash-entry", LOG_INFO);
	if (argc < 3)
		return 2;
	r = crash_journal_open(&(JournalPlace){.directory = argv[1]}, false, &journal);
	if (r >= 0)
		r = crash_journal_get(journal, argv[2], &crash);
	if (r >= 0 && argc > 3)
		r = write_core(journal, argv[2], argv[3]);
	if (r < 0)
		return log_error_errno(r, "crash-entry failed: %m") < 0;
	json_t *object = crash_to_json(&crash, true);
	r = json_dumpf(object, stdout, 0);
	json_decref(object);
	return r < 0;
}
