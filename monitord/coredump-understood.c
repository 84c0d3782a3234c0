/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A crash was looked into: what that changes of what was told of it. Nothing pops up for it. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "monitord/coredump.h"

void coredump_look(const CrashRow *row, AnalystCrash *ret, void *userdata)
{
	Coredump *coredump = userdata;

	ret->own = coredump_is_own(coredump, &row->crash);
	ret->foreign = coredump_is_foreign(coredump, &row->crash);
	ret->muted = coredump_is_muted(coredump, &row->crash, row->signature);
}

void coredump_understood(
	const CrashRow *row, const char *signature, const CrashTrace *trace, void *userdata)
{
	Coredump *coredump = userdata;
	char id[CRASH_ID_DIGITS + 1], buf[32];
	const char *program = coredump_program_key(&row->crash, buf);

	(void)trace;
	crash_policy_became(
		&coredump->policy, signature, row->signature, now_usec(CLOCK_MONOTONIC));
	const CrashExplanation explanation = {
		.program = program,
		.hash = row->crash.hash,
		.signature = signature,
		.became = row->signature,
		.function = row->title,
	};
	crash_board_explain(coredump->board, &explanation);
	monitor_tell(coredump->monitor, "%s: %s", crash_short_id(&row->crash, id),
		row->title ? row->title : "?");
	monitor_emit(coredump->monitor, CRASH_INTERFACE, "Analyzed", "s", id);
}
