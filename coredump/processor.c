/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One crash: wait for its entry, send it, end. Whatever goes wrong, the entry stays in the journal
 * and the user's catch-up finds it. */
#include "coredump/processor.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include <fcntl.h>
#include <poll.h>

#define INSTANCE_MAX	    200
#define ALARM_LATER_SECONDS 10 /* than the delivery's own deadline */

bool processor_instance_valid(const char *instance)
{
	static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\";
	size_t n = strlen(instance);

	return n > 0 && n <= INSTANCE_MAX && strspn(instance, allowed) == n && instance[0] != '-' &&
	       instance[0] != '.';
}

bool processor_is_of_unit(const Crash *crash, const char *unit)
{
	const char *logged_by = json_string_value(json_object_get(crash->fields, "_SYSTEMD_UNIT"));

	return crash->trust == CRASH_GENUINE && (!logged_by || streq(logged_by, unit));
}

static void deliver_and_tell(const ProcessorSetup *setup, const Crash *crash)
{
	bool with_drkonqi = !deliver_drkonqi_serves_itself(setup->roots.root_fd);
	usec_t deadline = now_usec(CLOCK_MONOTONIC) + setup->delivery_usec;
	/* Should a filesystem of the user's hold it up all the same: not for ever. */
	(void)alarm((unsigned)(setup->delivery_usec / USEC_PER_SEC) + ALARM_LATER_SECONDS);
	int r = deliver_crash(&setup->roots, crash, with_drkonqi, deadline);
	(void)alarm(0);

	switch (r) {
	case DELIVER_VIGIL:
	case DELIVER_DRKONQI:
		log_info("Crash of pid %d delivered to uid %u%s", crash->pid, crash->uid,
			r == DELIVER_DRKONQI ? "'s DrKonqi" : "");
		break;
	case DELIVER_NOBODY:
		log_info("Crash of pid %d: nobody listens for uid %u, it stays in the journal",
			crash->pid, crash->uid);
		break;
	default:
		(void)log_warning_errno(r,
			"Crash of pid %d cannot be delivered to uid %u, it is left to the catch-up: %m",
			crash->pid, crash->uid);
	}
}

/* ---- waiting --------------------------------------------------------------------------------- */

typedef struct Wait {
	const ProcessorSetup *setup;
	CrashJournal *journal;
	bool polled;	/* no inotify instance was left */
	bool once_more; /* see PROCESSOR_AGAIN_USEC */
	char unit[INSTANCE_MAX + 32];
	usec_t begin_monotonic, deadline_monotonic;
	bool unit_seen;	 /* its control group was there */
	bool unit_ended; /* and is no more */
} Wait;

typedef enum UnitState {
	UNIT_UNKNOWN, /* no control group can be seen from here */
	UNIT_GONE,
	UNIT_THERE,
} UnitState;

/* Where systemd mounts the hierarchy that it keeps its units in, by its age. */
static UnitState look_for_unit(const Wait *wait)
{
	static const char *const slices[] = {"sys/fs/cgroup/system.slice",
		"sys/fs/cgroup/unified/system.slice", "sys/fs/cgroup/systemd/system.slice"};
	int root_fd = wait->setup->roots.root_fd;
	UnitState state = UNIT_UNKNOWN;
	char path[INSTANCE_MAX + 160];

	for (size_t i = 0; i < ELEMENTSOF(slices); i++) {
		(void)snprintf(path, sizeof path, "%s/system-systemd\\x2dcoredump.slice/%s",
			slices[i], wait->unit);
		if (faccessat(root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return UNIT_THERE;
		if (faccessat(root_fd, slices[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			state = UNIT_GONE;
	}
	return state;
}

/* systemd's line about the unit's end is one of those that wake us. */
static void look_after_unit(Wait *wait)
{
	UnitState state = wait->unit_ended ? UNIT_UNKNOWN : look_for_unit(wait);
	usec_t now = now_usec(CLOCK_MONOTONIC);

	wait->unit_seen = wait->unit_seen || state == UNIT_THERE;
	if (state != UNIT_GONE ||
		(!wait->unit_seen && now < wait->begin_monotonic + PROCESSOR_TOGETHER_USEC))
		return;
	wait->unit_ended = true;
	wait->deadline_monotonic =
		MIN_OF(wait->deadline_monotonic, now + PROCESSOR_AFTERWARDS_USEC);
}

int processor_open_journal(
	const ProcessorSetup *setup, const char *unit, CrashJournal **ret, bool *ret_polled)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	int r;

	r = crash_journal_open(&setup->place, true, &journal);
	bool polled = r == -EMFILE || r == -ENOSPC;
	if (polled)
		r = crash_journal_open(&setup->place, false, &journal);
	if (r >= 0)
		r = crash_journal_only_unit(journal, unit);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(journal);
	*ret_polled = polled;
	return 0;
}

static int open_journal(Wait *wait)
{
	int r;

	wait->journal = crash_journal_close(wait->journal);
	r = processor_open_journal(wait->setup, wait->unit, &wait->journal, &wait->polled);
	if (r < 0)
		return r;
	wait->once_more = true;
	return crash_journal_seek(wait->journal, NULL, wait->setup->since_realtime);
}

/* 1: found and dealt with; 0: not there yet. */
static int look(Wait *wait)
{
	for (;;) {
		_cleanup_(crash_donep) Crash crash = CRASH_INIT;
		int r = crash_journal_next(wait->journal, &crash);

		if (r == -EAGAIN)
			continue;
		if (r <= 0)
			return r;
		if (crash_journal_realtime(wait->journal) < wait->setup->since_realtime ||
			!processor_is_of_unit(&crash, wait->unit))
			continue;
		deliver_and_tell(wait->setup, &crash);
		return 1;
	}
}

/* Until the journal may have changed, at most until the deadline. */
static int pause_for_news(Wait *wait)
{
	struct pollfd pollfd = {.fd = -1};
	usec_t now = now_usec(CLOCK_MONOTONIC), until = wait->deadline_monotonic;
	int r;

	if (!wait->unit_seen && !wait->unit_ended &&
		now < wait->begin_monotonic + PROCESSOR_TOGETHER_USEC)
		until = MIN_OF(until, wait->begin_monotonic + PROCESSOR_TOGETHER_USEC);
	if (wait->polled) {
		until = MIN_OF(until, now + PROCESSOR_POLL_USEC);
	} else {
		pollfd.fd = crash_journal_fd(wait->journal);
		pollfd.events = (short)crash_journal_events(wait->journal);
		until = MIN_OF(until, crash_journal_timeout(wait->journal));
		if (wait->once_more)
			until = MIN_OF(until, now + PROCESSOR_AGAIN_USEC);
	}
	usec_t left = until > now ? until - now : 0;
	const struct timespec span = {.tv_sec = (time_t)(left / USEC_PER_SEC),
		.tv_nsec = (long)(left % USEC_PER_SEC) * 1000};
	int woken = ppoll(&pollfd, 1, &span, NULL);
	if (woken < 0 && errno != EINTR)
		return -errno;
	if (wait->polled)
		return open_journal(wait);
	bool again = wait->once_more && woken == 0;
	wait->once_more = woken != 0 || (wait->once_more && !again);
	r = crash_journal_process(wait->journal);
	/* Files came or went: the few minutes looked at are simply read again. */
	return r == 2 || (r >= 0 && again)
		       ? crash_journal_seek(wait->journal, NULL, wait->setup->since_realtime)
		       : r;
}

static int wait_for_entry(Wait *wait)
{
	int r;

	r = open_journal(wait);
	while (r >= 0) {
		r = look(wait);
		if (r > 0 || now_usec(CLOCK_MONOTONIC) >= wait->deadline_monotonic)
			return r;
		look_after_unit(wait);
		if (r == 0)
			r = pause_for_news(wait);
		if (r < 0) { /* the journal went away under us (-ENOENT, -EIDRM): once more, anew */
			log_debug("Reading the journal anew: %s", strerror(-r));
			(void)usleep(PROCESSOR_POLL_USEC);
			r = open_journal(wait);
		}
	}
	return r;
}

int processor_run_instance(const ProcessorSetup *setup, const char *instance)
{
	usec_t now = now_usec(CLOCK_MONOTONIC);
	Wait wait = {.setup = setup,
		.begin_monotonic = now,
		.deadline_monotonic = now + setup->wait_usec};

	(void)snprintf(wait.unit, sizeof wait.unit, "systemd-coredump@%s.service", instance);
	int r = wait_for_entry(&wait);
	(void)crash_journal_close(wait.journal);
	if (r < 0)
		return log_error_errno(r, "Cannot read the journal for '%s': %m", wait.unit);
	if (r == 0)
		log_notice("'%s' left no entry in time; what comes is left to the catch-up",
			wait.unit);
	return 0;
}
