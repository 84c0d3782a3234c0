/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash-catch-up INDEX PLACE [STEP N]: catches up with the journals of a directory, of another
 * root, or of a pattern of files, to the end; with STEP and N it kills itself when it passes that
 * step of CatchUpStep for the Nth time. Prints every crash it is told of as "added HASH PID TRUST",
 * and at the end "done SEEN ADDED UNVERIFIED memory FIRST LAST MOST", private memory in KiB. */
#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/catch-up.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

typedef struct Kill {
	uint64_t step, left;
} Kill;

static uint64_t anonymous_kib, most_kib;

static uint64_t memory_kib(void)
{
	_cleanup_(freep) char *text = NULL;
	const char *at;

	if (read_file_at(AT_FDCWD, "/proc/self/status", 8192, &text) < 0 ||
		!(at = strstr(text, "RssAnon:")))
		return 0;
	return strtoull(at + strlen("RssAnon:"), NULL, 10);
}

static void on_step(CatchUpStep step, void *userdata)
{
	Kill *at = userdata;

	if (at->left > 0 && step == at->step && --at->left == 0)
		(void)kill(getpid(), SIGKILL);
	most_kib = MAX_OF(most_kib, memory_kib());
}

static void added(const CaughtCrash *caught, void *userdata)
{
	const Crash *crash = caught->crash;

	(void)userdata;
	printf("added %s %d %s\n", crash->hash, crash->pid,
		crash->trust == CRASH_GENUINE ? "genuine" : "unverified");
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(catch_up_freep) CatchUp *catch_up = NULL;
	_cleanup_(index_closep) CrashIndex *index = NULL;
	const char *files[] = {argc > 2 ? argv[2] : NULL, NULL};
	_cleanup_(freep) char *journals = NULL;
	JournalPlace place = {.cores = getenv("VIGIL_TEST_CORES")}; /* see trust-core.h */
	CatchUpCount count = {};
	Kill at = {};
	struct stat st;
	int r;

	log_setup("crash-catch-up", LOG_INFO);
	if (argc < 3 || (argc > 4 && (parse_u64(argv[3], CATCH_UP_STEP_MAX, &at.step) < 0 ||
					     parse_u64(argv[4], UINT64_MAX, &at.left) < 0)))
		return 2;
	if (asprintf(&journals, "%s/var/log/journal", argv[2]) < 0)
		return 1;
	if (access(journals, F_OK) == 0)
		place.root = argv[2];
	else if (stat(argv[2], &st) == 0 && S_ISDIR(st.st_mode))
		place.directory = argv[2];
	else
		place.files = files;
	anonymous_kib = memory_kib();
	r = index_open(argv[1], INDEX_READ_WRITE, &index, NULL);
	if (r >= 0)
		r = crash_journal_open(&place, false, &journal);
	if (r >= 0)
		r = catch_up_new(index, journal, "journal", true, &catch_up);
	if (r >= 0) {
		catch_up_set_hook(catch_up, on_step, &at);
		while ((r = catch_up_step(catch_up, USEC_INFINITY, added, NULL, &count)) > 0)
			;
	}
	if (r < 0)
		return log_error_errno(r, "crash-catch-up failed: %m") < 0;
	printf("done %llu %llu %llu memory %llu %llu %llu\n", (unsigned long long)count.seen,
		(unsigned long long)count.added, (unsigned long long)count.unverified,
		(unsigned long long)anonymous_kib, (unsigned long long)memory_kib(),
		(unsigned long long)most_kib);
	return 0;
}
