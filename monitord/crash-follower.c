/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three sources on the loop: the journal's fd says that something came, the slice reads it bit by
 * bit, the timer covers everything that does not announce itself. */
#include "monitord/crash-follower.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include <sys/epoll.h>

#define SLICE_USEC     (20 * USEC_PER_MSEC)   /* of reading; writing it comes on top */
#define POLL_USEC      (3 * USEC_PER_SEC)     /* without an inotify instance */
#define SEARCH_USEC    USEC_PER_MINUTE	      /* without a journal */
#define RECHECK_USEC   (10 * USEC_PER_MINUTE) /* a fresh handle, should the old one be deaf */
#define AGAIN_USEC     (250 * USEC_PER_MSEC)  /* after a wake-up, see .once_more */
#define RETRY_USEC     USEC_PER_SEC	      /* after a failure; doubled up to RETRY_MAX_USEC */
#define RETRY_MAX_USEC USEC_PER_MINUTE
/* Another process writes the index: a CLI that catches up, for a moment. The loop does not wait. */
#define BUSY_MSEC	 20
#define BUSY_RETRY_USEC	 (50 * USEC_PER_MSEC)
#define ACCURACY_DIVISOR 4 /* of a timer's delay, so that wake-ups can be put together */
/* Every line that anybody logs wakes a follower; in a storm it looks this often at most. */
#define WAKE_INTERVAL_USEC (100 * USEC_PER_MSEC)
#define WAKE_BURST	   5

struct CrashFollower {
	sd_event *event;
	CrashIndex *index;
	JournalPlace place; /* owned copies */
	char *source;
	bool first_told;
	void (*arrived)(const CaughtCrash *caught, bool late, void *userdata);
	void *userdata;
	usec_t began_realtime;

	CrashJournal *journal; /* NULL: none, or between two polls */
	CatchUp *catch_up;
	sd_event_source *io, *slice, *timer;
	usec_t fresh_monotonic; /* when the handle was opened */
	/* An entry is counted in the file before the lists that matches go by know it: who reads to
	 * the end in between sees none, and sd_journal_next(3) looks no more until another entry is
	 * counted. So each time it was woken it seeks, and looks, once more. */
	bool once_more;
	usec_t retry_usec;     /* the next delay after a failure; 0: there was none */
	usec_t busy_monotonic; /* since when the index is busy; 0: it is not */
	bool waiting;	       /* after a failure: the timer, not an entry, starts the next slice */
	CrashFollowerStatus status;
};

/* clang-format off */
static const struct { const char *name, *words; } modes[CRASH_FOLLOW_MODE_MAX] = {
	[CRASH_FOLLOWING] = {"following", "following the journal again"},
	[CRASH_POLLING_NO_INSTANCE] = {"no-inotify-instance", "no inotify instance is left to follow the journal with, "
		"so it is looked at every 3 s; 'vigil inotify' shows who holds them"},
	[CRASH_POLLING_NO_WATCH] = {"no-inotify-watch", "no inotify watch is left to follow the journal with, "
		"so it is looked at every 3 s; 'vigil inotify' shows who holds them"},
	[CRASH_POLLING_NO_DESCRIPTOR] = {"no-file-descriptor", "no file descriptor is left to follow the journal with, "
		"so it is looked at every 3 s; LimitNOFILE= of the unit is too low"},
	[CRASH_POLLING_NO_EVENTS] = {"no-events", "the journal cannot be followed, so it is looked at every 3 s"},
	[CRASH_NO_JOURNAL] = {"no-journal", "there is no journal, so no crash of systemd-coredump can be seen; "
		"it is looked for every minute"},
	[CRASH_JOURNAL_FAILED] = {"failed", "the journal cannot be read; it is tried again every minute"},
};
/* clang-format on */

const char *crash_follow_mode_to_string(CrashFollowMode mode)
{
	return modes[mode].name;
}

/* Said once for each change, not once a poll. */
static void set_mode(CrashFollower *follower, CrashFollowMode mode, int error)
{
	CrashFollowerStatus *status = &follower->status;
	bool first = status->mode_realtime == 0;

	status->journal_error = mode == CRASH_FOLLOWING ? 0 : error;
	if (status->mode == mode && !first)
		return;
	status->mode = mode;
	status->mode_realtime = now_usec(CLOCK_REALTIME);
	if (mode == CRASH_JOURNAL_FAILED)
		(void)log_warning_errno(error, "Crashes: %s: %m", modes[mode].words);
	else if (mode != CRASH_FOLLOWING)
		log_warning("Crashes: %s", modes[mode].words);
	else if (!first)
		log_notice("Crashes: %s", modes[mode].words);
}

static void wake_in(CrashFollower *follower, usec_t delay)
{
	(void)sd_event_source_set_time_accuracy(follower->timer, delay / ACCURACY_DIVISOR + 1);
	(void)sd_event_source_set_time_relative(follower->timer, delay);
	(void)sd_event_source_set_enabled(follower->timer, SD_EVENT_ONESHOT);
}

static void start_slices(CrashFollower *follower)
{
	follower->waiting = false;
	(void)sd_event_source_set_enabled(follower->slice, SD_EVENT_ON);
}

static void stop_slices(CrashFollower *follower)
{
	(void)sd_event_source_set_enabled(follower->slice, SD_EVENT_OFF);
}

static void close_journal(CrashFollower *follower)
{
	stop_slices(follower);
	follower->io = sd_event_source_disable_unref(follower->io);
	follower->catch_up = catch_up_free(follower->catch_up);
	follower->journal = crash_journal_close(follower->journal);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int on_journal(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int add_io(CrashFollower *follower, CrashJournal *journal, sd_event_source **ret)
{
	int r = sd_event_add_io(follower->event, ret, crash_journal_fd(journal),
		(uint32_t)crash_journal_events(journal), on_journal, follower);

	if (r < 0)
		return r;
	(void)sd_event_source_set_description(*ret, "crash-journal");
	(void)sd_event_source_set_ratelimit(*ret, WAKE_INTERVAL_USEC, WAKE_BURST);
	return 0;
}

/* Puts an open journal in the place of the one before, which is let go only now. */
static int take_over(CrashFollower *follower, CrashJournal *opened, bool follow)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = opened;
	_cleanup_(catch_up_freep) CatchUp *catch_up = NULL;
	sd_event_source *io = NULL;
	int r;

	r = catch_up_new(
		follower->index, journal, follower->source, follower->first_told, &catch_up);
	if (r >= 0 && follow)
		r = add_io(follower, journal, &io);
	if (r < 0)
		return r;
	close_journal(follower);
	follower->journal = TAKE_PTR(journal);
	follower->catch_up = TAKE_PTR(catch_up);
	follower->io = io;
	follower->fresh_monotonic = now_usec(CLOCK_MONOTONIC);
	return 0;
}

static CrashFollowMode mode_of(int error)
{
	switch (error) {
	case -EMFILE:
		return CRASH_POLLING_NO_INSTANCE;
	case -ENOSPC:
		return CRASH_POLLING_NO_WATCH;
	case -ENFILE:
		return CRASH_POLLING_NO_DESCRIPTOR;
	case -EMEDIUMTYPE: /* sd_journal_get_fd(3) */
		return CRASH_POLLING_NO_EVENTS;
	case -ENOENT:
		return CRASH_NO_JOURNAL;
	default:
		return CRASH_JOURNAL_FAILED;
	}
}

static bool is_polling(CrashFollowMode mode)
{
	return mode >= CRASH_POLLING_NO_INSTANCE && mode <= CRASH_POLLING_NO_EVENTS;
}

/* Opens the journal in the best way that is to be had. Gives the mode; *ret_error is why it is no
 * better. */
static CrashFollowMode open_journal(CrashFollower *follower, int *ret_error)
{
	CrashJournal *journal = NULL;
	int r;

	r = crash_journal_open(&follower->place, true, &journal);
	*ret_error = r;
	if (r >= 0)
		r = take_over(follower, journal, true);
	if (r >= 0)
		return CRASH_FOLLOWING;
	if (*ret_error >= 0)
		*ret_error = r;
	CrashFollowMode mode = mode_of(*ret_error);
	if (!is_polling(mode))
		return mode;
	r = crash_journal_open(&follower->place, false, &journal);
	if (r >= 0)
		r = take_over(follower, journal, false);
	if (r >= 0)
		return mode;
	*ret_error = r;
	return mode_of(r);
}

/* Opens what is not open, and reads what came. */
static void look(CrashFollower *follower)
{
	int error;

	if (!follower->journal) {
		CrashFollowMode mode = open_journal(follower, &error);
		set_mode(follower, mode, error);
	}
	if (follower->journal)
		start_slices(follower);
	else
		wake_in(follower, is_polling(follower->status.mode) ? POLL_USEC : SEARCH_USEC);
}

/* Whatever made the handle deaf, a new one hears. The old one is kept where there is none. */
static void renew(CrashFollower *follower)
{
	CrashJournal *journal = NULL;
	int r = crash_journal_open(&follower->place, true, &journal);

	if (r >= 0)
		r = take_over(follower, journal, true);
	if (r < 0) {
		(void)log_debug_errno(r, "The journal is not opened anew, ignoring: %m");
		follower->fresh_monotonic = now_usec(CLOCK_MONOTONIC);
		if (follower->catch_up)
			catch_up_seek_again(follower->catch_up);
	}
}

/* ---- reading --------------------------------------------------------------------------------- */

static void on_added(const CaughtCrash *caught, void *userdata)
{
	CrashFollower *follower = userdata;
	bool late =
		!follower->status.caught_up && caught->entry_realtime < follower->began_realtime;

	index_set_busy_msec(follower->index, INDEX_BUSY_MSEC); /* what arrived does is its own */
	follower->arrived(caught, late, follower->userdata);
	index_set_busy_msec(follower->index, BUSY_MSEC);
}

static void wait_for_more(CrashFollower *follower)
{
	usec_t now = now_usec(CLOCK_MONOTONIC), timeout;

	if (follower->status.mode != CRASH_FOLLOWING) {
		close_journal(follower); /* and with it whatever was deleted meanwhile */
		wake_in(follower, POLL_USEC);
		return;
	}
	timeout = crash_journal_timeout(follower->journal);
	timeout = MIN_OF(timeout, follower->fresh_monotonic + RECHECK_USEC);
	if (follower->once_more)
		timeout = MIN_OF(timeout, now + AGAIN_USEC);
	wake_in(follower, timeout > now ? timeout - now : 0);
}

static void retry_later(CrashFollower *follower)
{
	usec_t delay = follower->retry_usec ? follower->retry_usec : RETRY_USEC;

	follower->retry_usec = MIN_OF(2 * delay, RETRY_MAX_USEC);
	wake_in(follower, delay);
}

/* Busy for longer than a catch-up of the CLI could be. */
static bool is_busy_for_long(CrashFollower *follower)
{
	usec_t now = now_usec(CLOCK_MONOTONIC);

	if (follower->busy_monotonic == 0)
		follower->busy_monotonic = now;
	return now - follower->busy_monotonic > INDEX_BUSY_MSEC * USEC_PER_MSEC;
}

/* The entries stay where they are, in the journal; the cursor has not moved. */
static void on_index_failure(CrashFollower *follower, int error)
{
	stop_slices(follower);
	follower->waiting = true;
	if (error == -EBUSY && !is_busy_for_long(follower)) {
		wake_in(follower, BUSY_RETRY_USEC);
		return;
	}
	if (follower->status.index_error == 0)
		(void)log_warning_errno(error,
			"Crashes cannot be written to the index; they wait in the journal and it "
			"is tried again: %m");
	follower->status.index_error = error;
	retry_later(follower);
}

static void on_journal_failure(CrashFollower *follower, int error)
{
	CrashFollowMode mode = mode_of(error);

	(void)log_debug_errno(error, "The journal is opened anew: %m");
	follower->status.journal_error = error;
	close_journal(follower);
	if (is_polling(mode)) /* look() says so if it stays that way */
		wake_in(follower, 0);
	else
		retry_later(follower);
}

static void on_success(CrashFollower *follower)
{
	if (follower->status.index_error != 0)
		log_notice("Crashes are written to the index again");
	follower->status.index_error = 0;
	follower->retry_usec = 0;
	follower->busy_monotonic = 0;
}

static int on_slice(sd_event_source *source, void *userdata)
{
	CrashFollower *follower = userdata;
	int r;

	(void)source;
	index_set_busy_msec(follower->index, BUSY_MSEC);
	r = catch_up_step(
		follower->catch_up, SLICE_USEC, on_added, follower, &follower->status.count);
	index_set_busy_msec(follower->index, INDEX_BUSY_MSEC);
	if (r < 0) {
		if (catch_up_index_failed(follower->catch_up))
			on_index_failure(follower, r);
		else
			on_journal_failure(follower, r);
		return 0;
	}
	on_success(follower);
	if (r == 0) {
		stop_slices(follower);
		follower->status.caught_up = true;
		wait_for_more(follower);
	}
	return 0;
}

static int on_journal(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	CrashFollower *follower = userdata;
	int r;

	(void)source;
	(void)fd;
	(void)events;
	r = crash_journal_process(follower->journal);
	if (r < 0) {
		on_journal_failure(follower, r);
		return 0;
	}
	if (r == 2)
		catch_up_seek_again(follower->catch_up);
	follower->once_more = follower->once_more || r > 0;
	if (r > 0 && !follower->waiting)
		start_slices(follower);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	CrashFollower *follower = userdata;

	(void)source;
	(void)usec;
	if (follower->journal && follower->io) {
		if (now_usec(CLOCK_MONOTONIC) >= follower->fresh_monotonic + RECHECK_USEC)
			renew(follower);
		else
			(void)on_journal(NULL, -EBADF, 0, follower);
	}
	if (follower->once_more && follower->catch_up) {
		follower->once_more = false;
		catch_up_seek_again(follower->catch_up);
	}
	look(follower);
	return 0;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void free_place(JournalPlace *place)
{
	for (size_t i = 0; place->files && place->files[i]; i++)
		free((char *)place->files[i]);
	free((void *)place->files);
	free((char *)place->directory);
	free((char *)place->root);
}

static int copy_place(const JournalPlace *place, JournalPlace *ret)
{
	size_t n = 0;

	if ((place->directory && !(ret->directory = strdup(place->directory))) ||
		(place->root && !(ret->root = strdup(place->root))))
		return -ENOMEM;
	if (!place->files)
		return 0;
	while (place->files[n])
		n++;
	const char **files = calloc(n + 1, sizeof *files);
	ret->files = files;
	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!(files[i] = strdup(place->files[i])))
			return -ENOMEM;
	return 0;
}

static int add_sources(CrashFollower *follower)
{
	int r;

	r = sd_event_add_defer(follower->event, &follower->slice, on_slice, follower);
	if (r >= 0) /* whatever else there is to do comes first */
		r = sd_event_source_set_priority(follower->slice, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0)
		r = sd_event_add_time_relative(follower->event, &follower->timer, CLOCK_MONOTONIC,
			USEC_PER_MINUTE, 0, on_timer, follower);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(follower->slice, "crash-slice");
	(void)sd_event_source_set_description(follower->timer, "crash-look");
	stop_slices(follower);
	return 0;
}

int crash_follower_new(sd_event *event, CrashIndex *index, const JournalPlace *place,
	const char *source, bool first_told,
	void (*arrived)(const CaughtCrash *caught, bool late, void *userdata), void *userdata,
	CrashFollower **ret)
{
	_cleanup_(crash_follower_freep) CrashFollower *follower = calloc(1, sizeof *follower);
	int r;

	if (!follower)
		return -ENOMEM;
	follower->event = sd_event_ref(event);
	follower->index = index;
	follower->first_told = first_told;
	follower->arrived = arrived;
	follower->userdata = userdata;
	follower->began_realtime = now_usec(CLOCK_REALTIME);
	follower->source = strdup(source);
	if (!follower->source)
		return -ENOMEM;
	r = copy_place(place, &follower->place);
	if (r >= 0)
		r = add_sources(follower);
	if (r < 0)
		return r;
	look(follower);
	*ret = TAKE_PTR(follower);
	return 0;
}

CrashFollower *crash_follower_free(CrashFollower *follower)
{
	if (!follower)
		return NULL;
	if (follower->slice)
		close_journal(follower);
	sd_event_source_disable_unref(follower->slice);
	sd_event_source_disable_unref(follower->timer);
	free_place(&follower->place);
	free(follower->source);
	sd_event_unref(follower->event);
	free(follower);
	return NULL;
}

void crash_follower_refresh(CrashFollower *follower)
{
	look(follower);
}

const CrashFollowerStatus *crash_follower_status(const CrashFollower *follower)
{
	return &follower->status;
}
