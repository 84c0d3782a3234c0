/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What of crashes is on the screen: one notification a program, one for a digest, one for a flood.
 * Updates replace them in place, at most once a second each. Knows which crashes a notification
 * tells of until it reached somebody. */
#include "monitord/crash-marks.h"
#include "monitord/crash-notice.h"
#include "monitord/notifier.h"

#define CRASH_BOARD_MAX 16 /* notifications of programs; the oldest makes room */

typedef enum CrashFate {
	CRASH_REACHED,	  /* the server took it */
	CRASH_UNREACHED,  /* it is known that nobody got it */
	CRASH_UNANSWERED, /* the server did not answer in time; it still may, then REACHED comes */
} CrashFate;

typedef enum CrashTopic {
	CRASH_TOPIC_PROGRAM,
	CRASH_TOPIC_DIGEST,
	CRASH_TOPIC_FLOOD,
} CrashTopic;

typedef struct CrashPosted { /* what a notification is about; borrowed by whoever is called back */
	CrashTopic topic;
	char *program;		    /* its key; "" for digest and flood */
	char hash[CRASH_HASH_SIZE]; /* of the newest one it tells of */
	char signature[CRASH_SIGNATURE_SIZE];
	CrashApp app;
	char *exe;
	const char *words; /* static */
	int signal;
	bool hung, truncated;
	char *function, *module; /* where it happened, once that is known; NULL */
	usec_t since_realtime;	 /* of a digest */
} CrashPosted;

typedef struct CrashBoardHandler {
	/* hashes: those that it told of, to be taken or left; only with UNANSWERED they may come
	 * again. */
	void (*fate)(
		const CrashPosted *posted, CrashFate fate, CrashHashes *hashes, void *userdata);
	void (*pressed)(const CrashPosted *posted, const char *action, void *userdata);
	void *userdata;
} CrashBoardHandler;

typedef struct CrashBoard CrashBoard;

/* notifier: borrowed. 0 or -errno. */
int crash_board_new(
	sd_event *event, Notifier *notifier, const CrashBoardHandler *handler, CrashBoard **ret);
/* Closes what it shows. NULL is fine. */
CrashBoard *crash_board_free(CrashBoard *board);

/* What is known of the crash to be told (strings are copied, app is taken over and emptied). */
typedef struct CrashPost {
	const char *program, *hash, *signature, *exe, *words;
	CrashApp *app;
	int signal;
	bool hung, truncated;
	uint64_t count;
	bool loop;
	uint64_t loop_count;
	usec_t loop_usec, when_realtime;
	CrashButtons buttons;
} CrashPost;
/* Shows it, in the place of what is shown of the same program. What comes of it, fate tells: also
 * when the queue is full or there is no memory (UNREACHED, before this returns). */
void crash_board_post(CrashBoard *board, const CrashPost *post);
/* New figures for what is shown of a program; nothing where nothing is. */
void crash_board_count(CrashBoard *board, const char *program, const CrashDecision *decision);
/* A crash was understood: what is shown of its program gets the place, quietly; nothing where it
 * tells of another crash, or nothing is shown. */
typedef struct CrashExplanation { /* borrowed */
	const char *program, *hash;
	const char *signature, *became; /* as it was told, and what it turned out to be */
	const char *function, *module;	/* NULL: not known */
} CrashExplanation;
void crash_board_explain(CrashBoard *board, const CrashExplanation *explanation);
/* Shows text of several crashes. hashes: taken over, may be NULL. */
void crash_board_post_text(CrashBoard *board, CrashTopic topic, const char *summary,
	const char *body, usec_t since_realtime, CrashHashes *hashes);
/* Takes what is shown of a program off the screen. */
void crash_board_close(CrashBoard *board, const char *program);
/* Takes off what tells of this crash alone. */
void crash_board_close_crash(CrashBoard *board, const char *hash);
/* After notifier_forget_server(): what the old server had is not shown any more; what did not reach
 * anybody is told as UNANSWERED once more, and forgotten. */
void crash_board_refresh(CrashBoard *board);
/* Whether a crash is being told: it was asked for and nothing came of it yet. */
bool crash_board_is_telling(const CrashBoard *board, const char *hash);
size_t crash_board_shown(const CrashBoard *board);
