/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash-journal DIRECTORY INDEX: how fast the journals of a directory get into an index that is not
 * there yet. One JSON object: entries, seconds, entriesPerSecond, the seconds of a second catch-up
 * that opens the journal anew and finds nothing, as a poll of the daemon does. */
#include "common/clock.h"
#include "common/log.h"
#include "coredump/catch-up.h"

static int run(const JournalPlace *place, CrashIndex *index, CatchUpCount *count, double *ret)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(catch_up_freep) CatchUp *catch_up = NULL;
	usec_t begin = now_usec(CLOCK_MONOTONIC);
	int r;

	r = crash_journal_open(place, false, &journal);
	if (r >= 0)
		r = catch_up_new(index, journal, "journal", true, &catch_up);
	if (r < 0)
		return r;
	while ((r = catch_up_step(catch_up, USEC_INFINITY, NULL, NULL, count)) > 0)
		;
	*ret = (double)(now_usec(CLOCK_MONOTONIC) - begin) / USEC_PER_SEC;
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_(index_closep) CrashIndex *index = NULL;
	CatchUpCount count = {}, again = {};
	double seconds = 0, seconds_again = 0;
	int r;

	log_setup("crash-journal", LOG_INFO);
	if (argc != 3)
		return 2;
	JournalPlace place = {.directory = argv[1]};
	r = index_open(argv[2], INDEX_READ_WRITE, &index, NULL);
	if (r >= 0)
		r = run(&place, index, &count, &seconds);
	if (r >= 0)
		r = run(&place, index, &again, &seconds_again);
	if (r < 0)
		return log_error_errno(r, "crash-journal failed: %m") < 0;
	printf("{\"entries\": %llu, \"seconds\": %.4f, \"entriesPerSecond\": %.0f, "
	       "\"secondsAgain\": %.4f}\n",
		(unsigned long long)count.seen, seconds,
		seconds > 0 ? (double)count.seen / seconds : 0, seconds_again);
	return count.seen == 0 || again.seen != 0;
}
