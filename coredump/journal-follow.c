/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hearing of new entries, and noticing when sd-journal would not: it goes on without a word when a
 * watch is refused, or when there was no descriptor for a file. */
#include "coredump/journal-internals.h"

#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

/* Where so many are left after opening, none was short while it lasted: sd-journal gives back the
 * folders that it held open meanwhile, and other threads may have given back theirs. */
#define DESCRIPTORS_SPARE 16
#define FDINFO_MAX	  ((size_t)1024 * 1024) /* one line a watch; a journal has a handful */

int journal_check_descriptors(void)
{
	int fds[DESCRIPTORS_SPARE], n = 0, error = 0;

	while (n < DESCRIPTORS_SPARE && error == 0) {
		fds[n] = open("/", O_PATH | O_CLOEXEC);
		if (fds[n] < 0)
			error = errno;
		else
			n++;
	}
	while (n > 0)
		(void)safe_close(fds[--n]);
	return error == EMFILE ? -ENFILE : -error;
}

/* proc_pid_fdinfo(5): "inotify wd:1 ino:41 sdev:2a mask:…", in hex. The device is not compared:
 * on btrfs and overlayfs it is another than stat(2) tells. */
static bool is_watched(const char *fdinfo, ino_t inode)
{
	char wanted[48];

	(void)snprintf(wanted, sizeof wanted, " ino:%jx ", (uintmax_t)inode);
	for (const char *line = fdinfo; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *end = strchrnul(line, '\n');
		const char *found = startswith(line, "inotify wd:") ? strstr(line, wanted) : NULL;
		if (found && found < end)
			return true;
	}
	return false;
}

int journal_check_watches(const CrashJournal *journal)
{
	_cleanup_(freep) char *fdinfo = NULL;
	char path[64];
	struct stat st;
	ssize_t n;

	(void)snprintf(
		path, sizeof path, "/proc/self/fdinfo/%d", sd_journal_get_fd(journal->journal));
	n = read_file_at(AT_FDCWD, path, FDINFO_MAX, &fdinfo);
	if (n < 0)
		return 0; /* no /proc to ask */
	for (size_t i = 0; i < ELEMENTSOF(journal->folders); i++)
		if (journal->folders[i] && access(journal->folders[i], R_OK | X_OK) == 0 &&
			stat(journal->folders[i], &st) == 0 && !is_watched(fdinfo, st.st_ino))
			return -ENOSPC;
	/* Files have the folder that they are in watched, whichever that is. */
	return startswith(fdinfo, "inotify wd:") || strstr(fdinfo, "\ninotify wd:") ? 0 : -ENOSPC;
}

int crash_journal_fd(CrashJournal *journal)
{
	return journal->follow ? sd_journal_get_fd(journal->journal) : -EBADF;
}

int crash_journal_events(CrashJournal *journal)
{
	return sd_journal_get_events(journal->journal);
}

usec_t crash_journal_timeout(CrashJournal *journal)
{
	uint64_t timeout;

	return sd_journal_get_timeout(journal->journal, &timeout) < 0 ? USEC_INFINITY : timeout;
}

int crash_journal_process(CrashJournal *journal)
{
	int r = sd_journal_process(journal->journal), checked;

	if (r != SD_JOURNAL_INVALIDATE)
		return r < 0 ? r : r == SD_JOURNAL_APPEND;
	checked = journal_check_descriptors();
	if (checked >= 0)
		checked = journal_check_watches(journal);
	return checked < 0 ? checked : 2;
}
