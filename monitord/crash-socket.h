/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The daemon's listening end of the wire (coredump/wire.h): a crash for each connection. Peers are
 * root or the user, by SO_PEERCRED (taken when they connected); what root sends counts as genuine,
 * what the user's own processes send as unverified, and a crash of another uid is refused whoever
 * sends it. All is bounded: connections at once, bytes of an object, and the time from accept to
 * end of stream, however slowly it trickles. Never blocks. */
#include "coredump/record.h"
#include <systemd/sd-event.h>

#define CRASH_SOCKET_CONNECTIONS_MAX 16 /* more wait in the kernel's backlog */
#define CRASH_SOCKET_OWN_MAX	     8	/* of them the user's own, so that root gets through */
#define CRASH_SOCKET_DEADLINE_USEC   (10 * USEC_PER_SEC)
#define CRASH_SOCKET_BACKLOG	     128
#define CRASH_SOCKET_TELL_USEC	     (10 * USEC_PER_SEC) /* one line about refusals in so long */

typedef struct CrashSocket CrashSocket;

/* A listening socket for path ($XDG_RUNTIME_DIR/vigil/coredump): the one that a socket unit passed
 * (sd_listen_fds(3); the others are left alone), else bound here, its directory made (0700), itself
 * 0600; *ret_bound is then set, and whoever stops unlinks the path. fd; -EADDRINUSE: another
 * process listens there; -ENAMETOOLONG, -errno. */
int crash_socket_listen(const char *path, bool *ret_bound);

/* Serves the listening fd, which it takes over (also on failure). arrived is called for each crash;
 * the crash is emptied afterwards unless the callee takes it (copies the struct and leaves
 * CRASH_INIT behind); it must not free the CrashSocket. 0 or -errno. */
int crash_socket_new(sd_event *event, int fd, uid_t own_uid,
	void (*arrived)(Crash *crash, bool pickup, void *userdata), void *userdata,
	CrashSocket **ret);
CrashSocket *crash_socket_free(CrashSocket *socket); /* drops what is under way; takes NULL */
/* For tests: another deadline for connections to come. */
void crash_socket_set_deadline(CrashSocket *socket, usec_t deadline_usec);

typedef struct CrashSocketCount {
	uint64_t genuine, unverified, refused;
} CrashSocketCount;
void crash_socket_count(const CrashSocket *socket, CrashSocketCount *ret);

/* What a peer's crash is worth: 1 genuine, 0 unverified, -EPERM: no such peer may send anything.
 * Pure. */
int crash_socket_judge_peer(uid_t peer, uid_t own_uid);
