/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash-follow INDEX [DIRECTORY]: the daemon's follower alone, on the machine's journal or that of
 * a directory. One line for each thing that happens: "mode NAME", "caught-up SEEN", "arrived HASH
 * PID late|live told|untold genuine|unverified new|merged", "error index ERRNO". A line on stdin is
 * answered by "tick WALL CPU": the longest in ms that the loop was held up since the last one, and
 * the longest that it worked without a pause; "r…" lets it look at once. Ends with its stdin. */
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "monitord/crash-follower.h"

typedef struct Run {
	CrashFollower *follower;
	CrashFollowMode mode;
	bool caught_up;
	int index_error;
	usec_t last, longest, last_cpu, longest_cpu;
} Run;

static void arrived(const CaughtCrash *caught, bool late, void *userdata)
{
	const Crash *crash = caught->crash;

	(void)userdata;
	printf("arrived %s %d %s %s %s %s\n", crash->hash, crash->pid, late ? "late" : "live",
		caught->told ? "told" : "untold",
		crash->trust == CRASH_GENUINE ? "genuine" : "unverified",
		caught->added == INDEX_NEW ? "new" : "merged");
}

static void show(Run *run)
{
	const CrashFollowerStatus *status = crash_follower_status(run->follower);

	if (status->mode != run->mode)
		printf("mode %s\n", crash_follow_mode_to_string(status->mode));
	if (status->caught_up && !run->caught_up)
		printf("caught-up %llu\n", (unsigned long long)status->count.seen);
	if (status->index_error != run->index_error)
		printf("error index %d\n", -status->index_error);
	run->mode = status->mode;
	run->caught_up = status->caught_up;
	run->index_error = status->index_error;
	(void)fflush(stdout);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	Run *run = userdata;
	char buf[64];
	ssize_t n = read(fd, buf, sizeof buf);

	(void)events;
	if (n <= 0)
		return sd_event_exit(sd_event_source_get_event(source), 0);
	if (buf[0] == 'r')
		crash_follower_refresh(run->follower);
	printf("tick %llu %llu\n", (unsigned long long)(run->longest / 1000),
		(unsigned long long)(run->longest_cpu / 1000));
	run->longest = run->longest_cpu = 0;
	return 0;
}

/* How late a timer of 10 ms comes tells how long the loop was held up. */
static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	Run *run = userdata;
	usec_t now = now_usec(CLOCK_MONOTONIC), cpu = now_usec(CLOCK_THREAD_CPUTIME_ID);

	(void)usec;
	run->longest = MAX_OF(run->longest, now - run->last);
	run->longest_cpu = MAX_OF(run->longest_cpu, cpu - run->last_cpu);
	run->last = now;
	run->last_cpu = cpu;
	(void)sd_event_source_set_time_relative(source, 10 * USEC_PER_MSEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int main(int argc, char **argv)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(index_closep) CrashIndex *index = NULL;
	JournalPlace place = {.directory = argc > 2 ? argv[2] : NULL};
	Run run = {.mode = CRASH_FOLLOW_MODE_MAX, .last = now_usec(CLOCK_MONOTONIC)};
	int r;

	log_setup("crash-follow", LOG_INFO);
	if (argc < 2)
		return 2;
	r = sd_event_new(&event);
	if (r >= 0)
		r = index_open(argv[1], INDEX_READ_WRITE, &index, NULL);
	if (r >= 0)
		r = sd_event_add_io(event, NULL, STDIN_FILENO, 1, on_input, &run);
	if (r >= 0)
		r = sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 0, 1, on_tick, &run);
	if (r >= 0)
		r = crash_follower_new(
			event, index, &place, "journal", true, arrived, &run, &run.follower);
	while (r >= 0 && sd_event_get_state(event) != SD_EVENT_FINISHED) {
		show(&run);
		r = sd_event_run(event, UINT64_MAX);
	}
	crash_follower_free(run.follower);
	if (r < 0)
		(void)log_error_errno(r, "crash-follow failed: %m");
	return r < 0;
}
