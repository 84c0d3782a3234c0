/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Root hands a crash to the user whose it is, through a socket in a directory that this user owns.
 * How that is safe is told at the head of deliver.c. */
#include "coredump/record.h"

typedef struct DeliverRoots {
	const char *run; /* "/run/user"; need not be there yet */
	int root_fd;	 /* "/", to see whether DrKonqi serves itself */
} DeliverRoots;

typedef enum DeliverTo {
	DELIVER_NOBODY, /* no runtime directory, or nobody listens in it: not an error */
	DELIVER_VIGIL,
	DELIVER_DRKONQI,
} DeliverTo;

/* Whether systemd-coredump@.service pulls in DrKonqi's own processor, which then serves DrKonqi's
 * socket: a second delivery would show each crash twice. */
bool deliver_drkonqi_serves_itself(int root_fd);

/* Sends the crash to Vigil's socket of crash->uid, or to DrKonqi's where Vigil's is absent and
 * with_drkonqi is set. Waits at most until the deadline (CLOCK_MONOTONIC), but looking at the
 * user's directory may block where a filesystem of theirs is mounted over it: the caller arms an
 * alarm(2) too. DeliverTo, or -errno: -EPERM (what stands there is not that user's socket), -ELOOP
 * and -EXDEV (reached over a symlink or another mount), -ETIME, -EPIPE, -ECONNRESET. The
 * process is not dumpable afterwards (prctl(2)). Not thread-safe. */
int deliver_crash(const DeliverRoots *roots, const Crash *crash, bool with_drkonqi,
	usec_t deadline_monotonic);
