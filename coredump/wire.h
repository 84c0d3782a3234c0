/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* DrKonqi's wire format between processor and launcher: over AF_UNIX SOCK_SEQPACKET one JSON object
 * of journal fields (string values), split over datagrams of at most WIRE_DATAGRAM_MAX bytes; end
 * of stream is the end of the object. `_DRKONQI_SD_CURSOR` carries the cursor, `_DRKONQI_PICKUP`
 * marks a catch-up. facts.md of the design; drkonqi/src/coredump/. Pure but for wire_send(). */
#include "coredump/record.h"

#define WIRE_DATAGRAM_MAX 8192
#define WIRE_MESSAGE_MAX  ((size_t)1024 * 1024) /* a whole object; more is refused */

/* Where the sockets are, beneath a user's runtime directory. */
#define WIRE_VIGIL_SOCKET   "vigil/coredump"
#define WIRE_DRKONQI_SOCKET "drkonqi-coredump-launcher"

typedef struct WireReader { /* zero-initialise; wire_reader_done() */
	char *data;
	size_t length, allocated;
} WireReader;

/* Takes one datagram. 0; -EMSGSIZE: the object grows too large; -ENOMEM. */
int wire_reader_take(WireReader *reader, const void *datagram, size_t length);
/* At the end of the stream: parses. ret is filled and identified; trust is CRASH_UNVERIFIED, the
 * caller decides by the peer. 0; -EBADMSG: no JSON object, or no identity; -ENODATA: nothing came.
 */
int wire_reader_finish(WireReader *reader, Crash *ret, bool *ret_pickup);
void wire_reader_done(WireReader *reader);

/* The object for a crash, new reference; NULL: no memory. Whoever reads it back gets the same
 * identity. It always fits WIRE_MESSAGE_MAX: where escaping blows it up, bulky texts are left out,
 * which the journal still has. */
json_t *wire_object(const Crash *crash, bool pickup);
/* Sends the object over a connected SOCK_SEQPACKET socket, waiting at most until deadline
 * (CLOCK_MONOTONIC) for a slow reader; closing the socket ends the object and is the caller's. 0,
 * -ETIME, -EPIPE, -ECONNRESET, -EMSGSIZE (too large), -errno. */
int wire_send(int fd, const json_t *object, usec_t deadline_monotonic);

/* Paths beneath the user's runtime directory: "/run/user/UID/vigil/coredump" and
 * "/run/user/UID/drkonqi-coredump-launcher". run: "/run/user" or a test's. Caller frees. */
char *wire_vigil_path(const char *run, uid_t uid);
char *wire_drkonqi_path(const char *run, uid_t uid);
