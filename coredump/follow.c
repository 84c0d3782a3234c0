/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-coredump-processor --follow: reads the journal and never waits for a user. What a user is
 * to get is kept as cursors, in a queue of their own; one child at a time empties a user's queue.
 * A child may be stuck in a user's filesystem or socket; it has an alarm, and nobody else waits for
 * it. Everything is bounded; what falls over a bound is left to that user's catch-up, and said. */
#include "coredump/processor.h"

#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#define CURSOR_FILE	"cursor"
#define CURSOR_MAX	1024
#define SLICE_ENTRIES	32
#define BATCH_USEC	(60 * USEC_PER_SEC) /* what one child may take, whatever it does */
#define REOPEN_USEC	(2 * USEC_PER_SEC)
#define TELL_AGAIN_USEC USEC_PER_MINUTE /* one line a user and minute about what failed */

typedef struct Recipient {
	bool used;
	uid_t uid;
	char *queue[PROCESSOR_QUEUE_MAX]; /* cursors, owned */
	size_t n_queued, n_sending;
	uint64_t lost;	 /* not delivered since it was last told */
	const char *why; /* the last time; static */
	usec_t told_monotonic;
	sd_event_source *child; /* NULL: none is under way */
} Recipient;

typedef struct Follower {
	const ProcessorSetup *setup;
	sd_event *event;
	CrashJournal *journal;
	sd_event_source *journal_source, *timer, *drain;
	char *cursor; /* of the newest entry that was looked at */
	/* Of the newest entry; if it is gone, those logged after it are new. Before the first one:
	 * where to begin. */
	usec_t read_until_realtime;
	bool news;	/* the cursor has moved since it was kept */
	bool by_time;	/* what was logged until then is passed over */
	bool once_more; /* see PROCESSOR_AGAIN_USEC */
	Recipient recipients[PROCESSOR_RECIPIENTS_MAX];
	unsigned n_senders;
	int told_error;	      /* of the journal, that was told last */
	uint64_t turned_away; /* for want of a free recipient */
} Follower;

/* ---- the child ------------------------------------------------------------------------------- */

#define NOBODY_LISTENS 255 /* exit status of a child; else an errno, 0: all delivered */

/* In a process of its own, with a journal of its own: sd-journal's handles do not survive a fork.
 */
static int deliver_batch(const ProcessorSetup *setup, const Recipient *recipient, size_t n)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	int r;

	r = crash_journal_open(&setup->place, false, &journal);
	if (r < 0)
		return -r;
	for (size_t i = 0; i < n; i++) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		r = crash_journal_get(journal, recipient->queue[i], &crash);
		if (r < 0 || crash.uid != recipient->uid)
			continue; /* vacuumed meanwhile */
		r = deliver_crash(&setup->roots, &crash, true,
			now_usec(CLOCK_MONOTONIC) + setup->delivery_usec);
		if (r <= 0)
			return r < 0 ? -r : NOBODY_LISTENS;
	}
	return 0;
}

/* Mask and dispositions as a program starts with them: the alarm must be able to end it. */
static void reset_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)signal(SIGALRM, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static pid_t start_batch(const Follower *follower, const Recipient *recipient)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid < 0 ? -errno : pid;
	reset_signals();
	(void)alarm((unsigned)(BATCH_USEC / USEC_PER_SEC));
	_exit(deliver_batch(follower->setup, recipient, recipient->n_queued));
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void drop_first(Recipient *recipient, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(recipient->queue[i]);
	memmove(recipient->queue, recipient->queue + n,
		(recipient->n_queued - n) * sizeof recipient->queue[0]);
	recipient->n_queued -= n;
}

/* At most one line a user and minute; last: there will be no other occasion. */
static void tell_losses(Recipient *recipient, bool last)
{
	usec_t now = now_usec(CLOCK_MONOTONIC);

	if (recipient->lost == 0 || (!last && recipient->told_monotonic != 0 &&
					    now - recipient->told_monotonic < TELL_AGAIN_USEC))
		return;
	log_info("Up to %llu crashes of uid %u were not delivered and are left to the catch-up: %s",
		(unsigned long long)recipient->lost, recipient->uid,
		recipient->why ? recipient->why : "unknown");
	recipient->lost = 0;
	recipient->told_monotonic = now;
}

static void start_senders(Follower *follower);

static int on_batch_done(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	Follower *follower = userdata;

	for (size_t i = 0; i < PROCESSOR_RECIPIENTS_MAX; i++) {
		Recipient *recipient = &follower->recipients[i];
		if (recipient->child != source)
			continue;
		/* What is not an exit is the alarm. */
		int status = info->si_code == CLD_EXITED ? info->si_status : ETIME;
		if (status != 0) {
			recipient->lost += recipient->n_sending;
			recipient->why = status == NOBODY_LISTENS ? "nobody listens"
								  : strerrordesc_np(status);
		}
		drop_first(recipient, recipient->n_sending);
		recipient->n_sending = 0;
		recipient->child = sd_event_source_unref(recipient->child);
		follower->n_senders--;
		tell_losses(recipient, false);
	}
	start_senders(follower);
	return 0;
}

static void start_sender(Follower *follower, Recipient *recipient)
{
	pid_t pid = start_batch(follower, recipient);
	int r = (int)pid;

	if (pid > 0)
		r = sd_event_add_child(
			follower->event, &recipient->child, pid, WEXITED, on_batch_done, follower);
	if (r < 0) {
		(void)log_warning_errno(r, "Cannot start a delivery to uid %u: %m", recipient->uid);
		if (pid > 0) /* nobody would hear of its end */
			(void)kill(pid, SIGKILL);
		recipient->lost += recipient->n_queued;
		recipient->why = "memory or processes are short";
		drop_first(recipient, recipient->n_queued);
		return;
	}
	recipient->n_sending = recipient->n_queued;
	follower->n_senders++;
}

static void start_senders(Follower *follower)
{
	for (size_t i = 0; i < PROCESSOR_RECIPIENTS_MAX; i++) {
		Recipient *recipient = &follower->recipients[i];
		if (follower->n_senders >= PROCESSOR_SENDERS_MAX)
			return;
		if (recipient->used && recipient->n_queued > 0 && !recipient->child)
			start_sender(follower, recipient);
	}
}

/* The user's place; an idle one of another user makes room. NULL: all are busy. */
static Recipient *find_recipient(Follower *follower, uid_t uid)
{
	Recipient *idle = NULL;

	for (size_t i = 0; i < PROCESSOR_RECIPIENTS_MAX; i++) {
		Recipient *recipient = &follower->recipients[i];
		if (recipient->used && recipient->uid == uid)
			return recipient;
		if (!recipient->used || (recipient->n_queued == 0 && (!idle || idle->used)))
			idle = recipient;
	}
	if (idle) {
		tell_losses(idle, true);
		*idle = (Recipient){.used = true, .uid = uid};
	}
	return idle;
}

static void enqueue(Follower *follower, const Crash *crash)
{
	Recipient *recipient;

	if (crash->uid == CRASH_UID_UNKNOWN || !crash->cursor)
		return;
	recipient = find_recipient(follower, crash->uid);
	if (!recipient) {
		if (follower->turned_away++ % 1024 == 0)
			log_warning(
				"Too many users have crashes at once: those of uid %u are left to the catch-up",
				crash->uid);
		return;
	}
	char *cursor = recipient->n_queued < PROCESSOR_QUEUE_MAX ? strdup(crash->cursor) : NULL;
	if (cursor) {
		recipient->queue[recipient->n_queued++] = cursor;
		return;
	}
	recipient->lost++;
	recipient->why = "they come too fast";
}

/* ---- the journal ----------------------------------------------------------------------------- */

static void keep_cursor(Follower *follower)
{
	int r;

	if (follower->setup->state_fd < 0 || !follower->news)
		return;
	follower->news = false;
	r = write_file_atomic(follower->setup->state_fd, CURSOR_FILE, 0600, follower->cursor,
		strlen(follower->cursor));
	if (r < 0)
		(void)log_warning_errno(r, "Cannot keep how far the journal was read: %m");
}

static int poll_later(Follower *follower, usec_t span)
{
	(void)sd_event_source_set_time_relative(follower->timer, span);
	return sd_event_source_set_enabled(follower->timer, SD_EVENT_ONESHOT);
}

/* Of no more use, or never opened: it is opened anew a little later. */
static void give_up_journal(Follower *follower, int error)
{
	if (error != follower->told_error)
		log_notice("%s; the journal is opened anew every 2 s",
			error == -EMFILE ? "inotify is used up" : strerror(-error));
	follower->told_error = error;
	keep_cursor(follower);
	follower->journal_source = sd_event_source_disable_unref(follower->journal_source);
	follower->journal = crash_journal_close(follower->journal);
	(void)poll_later(follower, REOPEN_USEC);
}

static int look_at_next(Follower *follower)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;
	int r;

	r = crash_journal_next(follower->journal, &crash);
	if (r <= 0)
		return r == -EAGAIN ? 1 : r;
	usec_t when = crash_journal_realtime(follower->journal);
	if (follower->by_time && when <= follower->read_until_realtime)
		return 1;
	follower->by_time = false;
	follower->read_until_realtime = when;
	if (crash.cursor) {
		free(follower->cursor);
		follower->cursor = strdup(crash.cursor);
		follower->news = follower->cursor != NULL;
	}
	if (processor_is_of_unit(&crash, PROCESSOR_DAEMON_UNIT))
		enqueue(follower, &crash);
	return 1;
}

/* All is read: wait for more. */
static void at_end(Follower *follower)
{
	usec_t now = now_usec(CLOCK_MONOTONIC), next;

	keep_cursor(follower);
	if (!follower->journal_source) { /* nothing of inotify was left: polled */
		give_up_journal(follower, -EMFILE);
		return;
	}
	next = crash_journal_timeout(follower->journal);
	if (follower->once_more)
		next = MIN_OF(next, now + PROCESSOR_AGAIN_USEC);
	if (next != USEC_INFINITY)
		(void)poll_later(follower, next > now ? next - now : 0);
}

/* A slice; what is left over comes with the next turn of the loop. */
static int on_drain(sd_event_source *source, void *userdata)
{
	Follower *follower = userdata;
	int r = 1;

	if (!follower->journal)
		return 0;
	for (int n = 0; n < SLICE_ENTRIES && r > 0; n++)
		r = look_at_next(follower);
	start_senders(follower);
	if (r < 0)
		give_up_journal(follower, r);
	if (r > 0)
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	if (r == 0)
		at_end(follower);
	return 0;
}

static int seek_on(Follower *follower)
{
	int r = crash_journal_seek(
		follower->journal, follower->cursor, follower->read_until_realtime);

	follower->by_time = r == 0;
	return r;
}

static int process_journal(Follower *follower)
{
	int r = crash_journal_process(follower->journal);

	if (r == 2)
		r = seek_on(follower);
	if (r < 0) {
		give_up_journal(follower, r);
		return 0;
	}
	return sd_event_source_set_enabled(follower->drain, SD_EVENT_ONESHOT);
}

static int on_journal(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	((Follower *)userdata)->once_more = true;
	return process_journal(userdata);
}

static int open_journal(Follower *follower)
{
	bool polled;
	int r;

	r = processor_open_journal(
		follower->setup, PROCESSOR_DAEMON_UNIT, &follower->journal, &polled);
	if (r >= 0 && !polled)
		r = sd_event_add_io(follower->event, &follower->journal_source,
			crash_journal_fd(follower->journal),
			(uint32_t)crash_journal_events(follower->journal), on_journal, follower);
	if (r >= 0)
		r = seek_on(follower);
	return r < 0 ? r : sd_event_source_set_enabled(follower->drain, SD_EVENT_ONESHOT);
}

/* Opens the journal where there is none; else looks whether sd-journal wants to be called. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	Follower *follower = userdata;
	int r;

	(void)source;
	(void)usec;
	if (follower->journal && follower->once_more) {
		follower->once_more = false;
		r = seek_on(follower);
		if (r < 0) {
			give_up_journal(follower, r);
			return 0;
		}
	}
	if (follower->journal)
		return process_journal(follower);
	follower->once_more = true;
	r = open_journal(follower);
	if (r < 0)
		give_up_journal(follower, r);
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void follower_done(Follower *follower)
{
	keep_cursor(follower);
	for (size_t i = 0; i < PROCESSOR_RECIPIENTS_MAX; i++) {
		tell_losses(&follower->recipients[i], true);
		drop_first(&follower->recipients[i], follower->recipients[i].n_queued);
		(void)sd_event_source_disable_unref(follower->recipients[i].child);
	}
	(void)sd_event_source_disable_unref(follower->journal_source);
	(void)sd_event_source_disable_unref(follower->timer);
	(void)sd_event_source_disable_unref(follower->drain);
	(void)crash_journal_close(follower->journal);
	free(follower->cursor);
	(void)sd_event_unref(follower->event);
	free(follower);
}
DEFINE_CLEANUP(Follower *, follower_done)

static int prepare_loop(Follower *follower)
{
	sigset_t signals;
	int r;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	r = sd_event_new(&follower->event);
	if (r >= 0)
		r = sd_event_add_signal(follower->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(follower->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_defer(follower->event, &follower->drain, on_drain, follower);
	if (r >= 0)
		r = sd_event_source_set_enabled(follower->drain, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time_relative(follower->event, &follower->timer, CLOCK_MONOTONIC,
			0, REOPEN_USEC / 10, on_timer, follower);
	return r;
}

int processor_follow(const ProcessorSetup *setup)
{
	_cleanup_(follower_donep) Follower *follower = calloc(1, sizeof *follower);
	int r;

	if (!follower)
		return log_error_errno(ENOMEM, "Cannot follow the journal: %m");
	follower->setup = setup;
	follower->read_until_realtime = setup->since_realtime;
	if (setup->state_fd >= 0)
		(void)read_file_at(setup->state_fd, CURSOR_FILE, CURSOR_MAX, &follower->cursor);
	r = prepare_loop(follower);
	if (r >= 0)
		r = sd_event_loop(follower->event);
	return r < 0 ? log_error_errno(r, "Cannot follow the journal: %m") : 0;
}
