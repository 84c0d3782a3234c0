/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The debuginfod servers, and what was learned of them: which of them does not answer and is left
 * out for a while, and which has no such file. libdebuginfod remembers misses itself, but one for
 * all servers, and for an interrupted or failed request too (0.188: whatever ends without a file is
 * an empty file in its cache); so that memory is ours. It is in the cache's folder, bounded, and
 * replaced atomically; of two that write at once the last one wins. Times are CLOCK_REALTIME. */
#include "coredump/debug-want.h"

#define SERVERS_MAX	  16
#define SERVER_FAILS_MAX  2			  /* in a row, and it is left out */
#define SERVER_REST_USEC  (5 * 60 * USEC_PER_SEC) /* the first time; doubled each time */
#define SERVER_REST_MAX	  (2 * 60 * 60 * USEC_PER_SEC)
#define SERVER_MISSES_MAX 1024
#define SERVERS_FILE	  "vigil-servers.json"

typedef struct Server {
	char *url;		      /* as it is configured */
	char label[DEBUG_SERVER_MAX]; /* what may be shown: no password is in it */
	unsigned failures;	      /* in a row */
	usec_t left_out_until;	      /* 0: it is not */
	json_t *misses;		      /* "BUILDID/WHAT": when, in seconds */
} Server;

typedef struct Servers {
	Server servers[SERVERS_MAX];
	size_t n;
	bool changed; /* since it was loaded */
} Servers;

/* urls: as in $DEBUGINFOD_URLS, separated by blanks; what is no http:, https: or file: URL is no
 * server (newer versions have policies between them). 0 or -ENOMEM. */
int servers_parse(const char *urls, Servers *ret);
/* Where the variable is not set: all NAME.urls of a folder, in order (as elfutils' profile.sh does
 * for shells; a daemon has no shell). Empties with servers_done(). 0, -ENOMEM; none: 0 and no
 * servers. */
int servers_read_folder(int folder_fd, Servers *ret);
void servers_done(Servers *servers);
static inline void servers_donep(Servers *servers)
{
	servers_done(servers);
}

/* What was learned before; a file that is none counts as nothing. */
void servers_load(Servers *servers, int cache_fd);
/* 0 or -errno. */
int servers_save(Servers *servers, int cache_fd);

/* It answered, whatever. */
void server_answered(Servers *servers, size_t i);
/* It did not. True: from now on it is left out. */
bool server_failed(Servers *servers, size_t i, usec_t now_realtime);
bool server_is_left_out(const Server *server, usec_t now_realtime);
void server_add_miss(Servers *servers, size_t i, const DebugWant *want, usec_t now_realtime);
/* Whether it said so at most life_usec ago. */
bool server_knows_miss(
	const Server *server, const DebugWant *want, usec_t now_realtime, usec_t life_usec);
