/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-trace INDEX HASH SIGNATURE TITLE [incomplete]: writes to the index what `vigil crash bt
 * --refresh` does, without looking into a core. */
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/index.h"

int main(int argc, char **argv)
{
	_cleanup_(index_closep) CrashIndex *index = NULL;
	_cleanup_(crash_trace_donep) CrashTrace trace = {};
	int r;

	log_setup("set-trace", LOG_INFO);
	if (argc < 5)
		return 2;
	trace.trace = json_loads("{\"version\": 1, \"threads\": [], \"modules\": []}", 0, NULL);
	trace.complete = argc < 6;
	trace.analyzed_realtime = now_usec(CLOCK_REALTIME);
	r = index_open(argv[1], INDEX_READ_WRITE, &index, NULL);
	if (r >= 0)
		r = index_set_trace(index, argv[2], &trace, argv[3], argv[4]);
	return r < 0 ? log_error_errno(r, "set-trace failed: %m") < 0 : 0;
}
