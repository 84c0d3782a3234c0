/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The coredump module's own: what its files share. Sources bring crashes into the index
 * (coredump-sources.c); what arrived is told, counted or left (coredump-tell.c), what was left is
 * told in one (coredump-digest.c); the bus asks (crash-bus.c). */
#include "common/names.h"
#include "monitord/crash-analyst.h"
#include "monitord/crash-board.h"
#include "monitord/crash-directory.h"
#include "monitord/crash-follower.h"
#include "monitord/crash-reporting.h"
#include "monitord/crash-socket.h"
#include "monitord/crash-store.h"

#define COREDUMP_OWN_PROGRAMS 2 /* that work for the analyst */

typedef struct Coredump {
	Monitor *monitor;
	CrashStore store;
	CrashPolicy policy;
	CrashBoard *board;
	CrashMarks *marks;
	CrashReporting reporting;
	CrashAnalyst *analyst;
	char *own_unit; /* that the daemon runs in; NULL: none of its own */
	char *own_programs[COREDUMP_OWN_PROGRAMS]; /* real paths; NULL: not installed */

	/* sources; NULL: not asked for, or not to be had */
	CrashFollower *follower;
	CrashSocket *socket;
	char *socket_path; /* that was bound, to be removed; NULL: passed by systemd, or none */
	int socket_error;
	CrashDirectory *directory;
	sd_event_source *watch;	  /* after each turn: did the follower meet trouble? */
	sd_event_source *recover; /* armed when the index failed */
	sd_event_source *upkeep;  /* trims the index, or tries its file again */
	unsigned n_new;		  /* rows since then */
	int index_error;

	/* telling */
	sd_event_source *digest; /* armed while something waits to be told */
	bool digest_running;	 /* from gathering until the server answered */
	bool digest_posted;	 /* of that time: the server was asked */
	char *digest_summary, *digest_body;
	CrashTopic digest_topic;
	usec_t digest_since;
	bool unanswered;	      /* the server has a request that it does not answer */
	usec_t unreachable_monotonic; /* until then nothing is sent to it */
	usec_t retry_usec;
	uint64_t arrived, announced, counted; /* since the start */
} Coredump;

/* ---- coredump-sources.c */

/* Opens what the configuration names; what cannot be had is logged and told by status. 0 or
 * -ENOMEM. */
int coredump_open_sources(Coredump *coredump);
void coredump_close_sources(Coredump *coredump);
/* An index function gave this error: where that means trouble, the index is mended as soon as the
 * loop is back. */
void coredump_index_failed(Coredump *coredump, int error);
/* Makes room in the index, and tries its file again where it is in memory; then again and again. */
void coredump_keep_up(Coredump *coredump);
json_t *coredump_sources_status(const Coredump *coredump);

/* ---- coredump-facts.c */

/* Fills .own_unit and .own_programs. */
void coredump_know_own(Coredump *coredump);
/* A part of Vigil, or what it started: by the unit that systemd ran it in, never by its name, which
 * it chose itself; what unwinds, by its file, for it also runs outside of units. */
bool coredump_is_own(const Coredump *coredump, const Crash *crash);
/* Another user's, where those are not asked for. */
bool coredump_is_foreign(const Coredump *coredump, const Crash *crash);
/* By the person, or the configuration. */
bool coredump_is_muted(Coredump *coredump, const Crash *crash, const char *signature);
/* What crashes that arrive with this signature turn out to be, as far as is known: under that name
 * all is remembered of them. */
void coredump_expect(
	Coredump *coredump, const char *signature, char ret[static CRASH_SIGNATURE_SIZE]);
/* Fills what the index knows of the arrival's signature, where the policy does not. own: the
 * signature that it has in the index. */
void coredump_look_up(Coredump *coredump, CrashArrival *arrival, const char *own);
/* The key of a program: what mutes take, too. */
const char *coredump_program_key(const Crash *crash, char buf[static 32]);
/* What KCrash and DrKonqi wrote beside: into the index, and away. crash->kcrash is then the
 * caller's to let go. */
void coredump_take_kcrash(Coredump *coredump, Crash *crash);

/* ---- coredump-tell.c */

/* A crash is in the index that was not there before. */
void coredump_arrived(Coredump *coredump, const Crash *crash, bool late);
/* Tells of it now, by DrKonqi where it is its own, else by a notification. when_realtime: 0: just
 * now. */
void coredump_announce(Coredump *coredump, const Crash *crash, const char *signature,
	const CrashDecision *decision, usec_t when_realtime);
/* Another server may be there now: what the old one had is not shown any more. */
void coredump_tell_again(Coredump *coredump);
/* For crash_board_new(). */
void coredump_on_fate(
	const CrashPosted *posted, CrashFate fate, CrashHashes *hashes, void *userdata);
void coredump_on_pressed(const CrashPosted *posted, const char *action, void *userdata);
/* Starts the reporter for the crash with this hash. 0, -ENOENT, -errno. */
int coredump_report(Coredump *coredump, const char *hash);

/* ---- coredump-understood.c */

/* For crash_analyst_new(). */
void coredump_look(const CrashRow *row, AnalystCrash *ret, void *userdata);
void coredump_understood(
	const CrashRow *row, const char *signature, const CrashTrace *trace, void *userdata);

/* ---- coredump-digest.c */

#define COREDUMP_SOON_USEC (300 * USEC_PER_MSEC)
/* What waits to be told is looked at after this span. */
void coredump_digest_in(Coredump *coredump, usec_t span);
