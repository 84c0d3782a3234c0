/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A crash was looked into: what that changes of what was told of it. Nothing pops up for it. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "coredump/frame-list.h"
#include "monitord/coredump.h"

void coredump_look(const CrashRow *row, AnalystCrash *ret, void *userdata)
{
	Coredump *coredump = userdata;

	ret->own = coredump_is_own(coredump, &row->crash);
	ret->foreign = coredump_is_foreign(coredump, &row->crash);
	ret->muted = coredump_is_muted(coredump, &row->crash, row->signature);
}

typedef struct Place {
	char function[FRAME_NAME_SIZE]; /* "": not known */
	char *module;
} Place;

static void place_done(Place *place)
{
	free(place->module);
}

/* The first of "foo < bar". */
static void take_title(const char *title, Place *ret)
{
	const char *end = strstr(title, " < ");
	size_t n = end ? (size_t)(end - title) : strlen(title);

	n = MIN_OF(n, sizeof ret->function - 1);
	memcpy(ret->function, title, n);
	ret->function[n] = '\0';
}

/* The innermost function that is none of those that end a program, and whose it is. */
static void find_place(const json_t *json, Place *ret)
{
	_cleanup_(trace_donep) Trace trace = {};
	_cleanup_(frame_list_donep) FrameList list = {};

	if (!json || trace_from_json(json, &trace) < 0 || frame_list_from_trace(&trace, &list) < 0)
		return;
	size_t first = frame_list_first(&list);
	if (first >= list.n)
		return;
	const TraceFrame *frame = &trace_crashed(&trace)->frames[first];
	if (frame->module < 0 && !list.keys[first].named)
		return;
	memcpy(ret->function, list.keys[first].title, sizeof ret->function);
	/* Without a name it is "libfoo.so+0x12" already. */
	if (list.keys[first].named && frame->module >= 0)
		ret->module = strdup(trace_module_name(&trace, frame->module));
}

void coredump_understood(
	const CrashRow *row, const char *signature, const CrashTrace *trace, void *userdata)
{
	Coredump *coredump = userdata;
	char id[CRASH_ID_DIGITS + 1], buf[32];
	const char *program = coredump_program_key(&row->crash, buf);
	_cleanup_(place_done) Place place = {};

	if (row->title)
		take_title(row->title, &place);
	find_place(trace->trace, &place);
	crash_policy_became(
		&coredump->policy, signature, row->signature, now_usec(CLOCK_MONOTONIC));
	const CrashExplanation explanation = {
		.program = program,
		.hash = row->crash.hash,
		.signature = signature,
		.became = row->signature,
		.function = place.function[0] ? place.function : NULL,
		.module = place.module,
	};
	crash_board_explain(coredump->board, &explanation);
	monitor_tell(coredump->monitor, "%s: %s", crash_short_id(&row->crash, id),
		row->title ? row->title : "?");
	monitor_emit(coredump->monitor, CRASH_INTERFACE, "Analyzed", "s", id);
}
