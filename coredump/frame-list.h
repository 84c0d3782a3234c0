/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The frames of a crashed thread as what they say of the crash: wherever they come from (a trace,
 * systemd's own stack trace in the journal), the same ones stay. Pure. */
#include "coredump/frame-name.h"
#include "coredump/record.h"
#include "coredump/signature.h"
#include "coredump/trace.h"

#define FRAME_LIST_MAX TRACE_FRAMES_MAX

typedef struct FrameKey {
	char key[FRAME_NAME_SIZE];   /* the folded name; "build-id+0x12", "module+0x12", "?" */
	char title[FRAME_NAME_SIZE]; /* the same for people: "module+0x12" */
	FrameClass class;
	bool named, signal;
} FrameKey;

typedef struct FrameList {
	FrameKey *keys; /* owned */
	size_t n;
	bool sent;     /* the signal was sent, not a fault: what was told of it (si_code) */
	bool overflow; /* the stack ended: wherever in the recursion that was is chance */
} FrameList;

/* What is known of one frame; NULL or 0 where nothing is. */
typedef struct FrameFacts {
	const char *function, *module, *build_id;
	uint64_t offset;
	bool signal;
} FrameFacts;

void frame_list_done(FrameList *list);
/* The next frame, innermost first; those beyond FRAME_LIST_MAX are dropped. 0, -ENOMEM. */
int frame_list_add(FrameList *list, const FrameFacts *facts);

/* The crashed thread's, not reduced: keys[i] is of the thread's frames[i]. 0; -ENODATA: there is no
 * such thread, or it has no frame; -ENOMEM. */
int frame_list_from_trace(const Trace *trace, FrameList *list);
/* A line that is no function, as it is: an exception's type. 0, -ENOMEM. */
int frame_list_add_text(FrameList *list, const char *text);

/* Where, below what ended the program and below a handler that gave the signal back, the crash is.
 */
size_t frame_list_first(const FrameList *list);
/* Leaves what matters, in place: frames below a handler that gave the signal back, without what
 * ends the program, holds it together or starts it; each recursion as one round of it, which begins
 * where it always does, without what was called out of it last where it ran away. Where nothing of
 * the program's own is left, what there is. */
void frame_list_reduce(FrameList *list);

/* The signature of a crash with these (reduced) frames, and their title, "foo < bar" (caller frees;
 * NULL: no memory). */
void frame_list_signature(
	const FrameList *list, const Crash *crash, char ret[static CRASH_SIGNATURE_SIZE]);
char *frame_list_title(const FrameList *list);

static inline void frame_list_donep(FrameList *list)
{
	frame_list_done(list);
}
