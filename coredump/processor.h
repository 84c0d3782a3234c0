/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The two ways of vigil-coredump-processor: one crash of one systemd-coredump@.service, or
 * (--follow) all crashes of the long-running systemd-coredumpd.service of systemd 262 and later.
 * Each entry is of exactly one of the two units, so no crash is delivered twice. */
#include "coredump/deliver.h"
#include "coredump/journal.h"

#define PROCESSOR_DAEMON_UNIT "systemd-coredumpd.service"
/* systemd-coredump@.service is ended after five minutes; its entry comes last. */
#define PROCESSOR_WAIT_USEC	(5 * USEC_PER_MINUTE + 15 * USEC_PER_SEC)
#define PROCESSOR_DELIVERY_USEC (10 * USEC_PER_SEC)
/* The entry may stand there before its processor has started; one of the same name that is older is
 * of another boot. (Boot ids do not tell: a container's is not seen under a private /proc.) */
#define PROCESSOR_LOOK_BACK_USEC (6 * USEC_PER_MINUTE)
/* What was logged while a follower without a cursor was being started. */
#define PROCESSOR_START_USEC (30 * USEC_PER_SEC)
/* Where no inotify instance is left for the journal: how often it is opened anew. */
#define PROCESSOR_POLL_USEC (USEC_PER_SEC / 2)
/* An entry that came without a unit (trust-core.h) is not found here. Once
 * systemd-coredump@.service has ended, which its control group tells, no more than this is waited.
 */
#define PROCESSOR_AFTERWARDS_USEC (3 * USEC_PER_SEC)
/* It is started together with this program; whose group is not there by now has ended already. */
#define PROCESSOR_TOGETHER_USEC (5 * USEC_PER_SEC)
/* After each wake-up it seeks, and looks, once more: an entry is counted in the file before the
 * lists that matches go by know it, and who reads to the end in between sees none until another is
 * counted. */
#define PROCESSOR_AGAIN_USEC	 (250 * USEC_PER_MSEC)
#define PROCESSOR_RECIPIENTS_MAX 64   /* users with crashes waiting at the same time */
#define PROCESSOR_SENDERS_MAX	 16   /* processes that deliver at the same time, one a user */
#define PROCESSOR_QUEUE_MAX	 1024 /* crashes of one user; more are left to the catch-up */

typedef struct ProcessorSetup {
	JournalPlace place; /* empty: this machine's */
	DeliverRoots roots;
	usec_t wait_usec, delivery_usec;
	int state_fd;	       /* where the follower keeps its cursor; -EBADF: nowhere */
	usec_t since_realtime; /* what was logged before is not looked at */
} ProcessorSetup;

/* "0-61-0", "0-1-79_28092-0": what systemd may use as an instance's name, and nothing else. */
bool processor_instance_valid(const char *instance);
/* Whether the crash was logged by that unit and is genuine. An entry so full that its
 * _SYSTEMD_UNIT was not kept passes: the caller matches it in the journal, too. Pure. */
bool processor_is_of_unit(const Crash *crash, const char *unit);

/* Waits for the entry of systemd-coredump@INSTANCE.service and delivers it. Every way it can end is
 * one log line; 0, or -errno: the journal cannot be read at all. */
int processor_run_instance(const ProcessorSetup *setup, const char *instance);
/* Follows until SIGTERM. 0 or -errno (logged). */
int processor_follow(const ProcessorSetup *setup);

/* For both: a journal of this unit's entries alone. *ret_polled: it hears of nothing by itself,
 * because inotify is used up; it is to be opened anew from time to time. 0 or -errno. */
int processor_open_journal(
	const ProcessorSetup *setup, const char *unit, CrashJournal **ret, bool *ret_polled);
