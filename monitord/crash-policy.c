/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decisions of the coredump module. No clock, no bus, no index, no text for people. */
#include "monitord/crash-policy.h"

#include "common/text.h"
#include <stdio.h>

const char *crash_reason_to_string(CrashReason reason)
{
	static const char *const names[CRASH_REASON_MAX] = {
		[CRASH_BECAUSE_NEW] = "new",
		[CRASH_BECAUSE_REPEAT] = "a repeat",
		[CRASH_BECAUSE_ROUND] = "a repeat with a round number",
		[CRASH_BECAUSE_LOOP] = "a crash loop",
		[CRASH_BECAUSE_LATE] = "from before",
		[CRASH_BECAUSE_BUSY] = "enough was shown for now",
		[CRASH_BECAUSE_UNREACHABLE] = "no notification server answers",
		[CRASH_BECAUSE_FLOOD] = "a flood of crashes",
		[CRASH_BECAUSE_OWN] = "a part of Vigil",
		[CRASH_BECAUSE_FOREIGN] = "another user's",
		[CRASH_BECAUSE_MUTED] = "muted",
		[CRASH_BECAUSE_UNVERIFIED] = "unverified",
	};
	return reason >= 0 && reason < CRASH_REASON_MAX ? names[reason] : "?";
}

/* ---- what is remembered ---------------------------------------------------------------------- */

static const PolicySignature *find_signature(const CrashPolicy *policy, const char *signature)
{
	for (size_t i = 0; i < CRASH_POLICY_SIGNATURES; i++)
		if (signature[0] && streq(policy->signatures[i].signature, signature))
			return &policy->signatures[i];
	return NULL;
}

bool crash_policy_knows(const CrashPolicy *policy, const char *signature)
{
	return find_signature(policy, signature) != NULL;
}

/* The one that was not seen for longest makes room. */
static PolicySignature *make_room(CrashPolicy *policy, const char *signature)
{
	PolicySignature *oldest = &policy->signatures[0];

	for (size_t i = 1; i < CRASH_POLICY_SIGNATURES; i++)
		if (policy->signatures[i].last < oldest->last)
			oldest = &policy->signatures[i];
	*oldest = (PolicySignature){};
	(void)snprintf(oldest->signature, sizeof oldest->signature, "%s", signature);
	return oldest;
}

static PolicySignature *signature_of(CrashPolicy *policy, const CrashArrival *arrival)
{
	PolicySignature *found = (PolicySignature *)find_signature(policy, arrival->signature);

	if (found)
		return found;
	PolicySignature *oldest = make_room(policy, arrival->signature);
	oldest->count = arrival->earlier;
	/* A point to come: monotonic clocks start at the boot, the telling may be older. */
	if (arrival->told_ago_usec < CRASH_NEWS_AGAIN_USEC)
		oldest->news =
			arrival->now_monotonic + CRASH_NEWS_AGAIN_USEC - arrival->told_ago_usec;
	return oldest;
}

static bool is_told(const PolicySignature *signature, usec_t now)
{
	return signature->news > now;
}

static PolicyProgram *program_of(CrashPolicy *policy, const char *program)
{
	size_t length = strlen(program);
	const char *key =
		length < CRASH_PROGRAM_MAX ? program : program + length - CRASH_PROGRAM_MAX + 1;
	PolicyProgram *oldest = &policy->programs[0];

	for (size_t i = 0; i < CRASH_POLICY_PROGRAMS; i++) {
		if (streq(policy->programs[i].name, key))
			return &policy->programs[i];
		if (policy->programs[i].last < oldest->last)
			oldest = &policy->programs[i];
	}
	*oldest = (PolicyProgram){};
	(void)snprintf(oldest->name, sizeof oldest->name, "%s", key);
	return oldest;
}

/* ---- bucket and flood ------------------------------------------------------------------------ */

static double spent_now(const CrashPolicy *policy, usec_t now)
{
	double back = (double)(now - policy->spent_at) / (double)CRASH_BUCKET_REFILL_USEC;

	return MAX_OF(policy->spent - back, 0.0);
}

static bool take_token(CrashPolicy *policy, usec_t now)
{
	double spent = spent_now(policy, now);

	if (spent + 1 > CRASH_BUCKET_SIZE)
		return false;
	policy->spent = spent + 1;
	policy->spent_at = now;
	return true;
}

static double flood_level(const CrashPolicy *policy, usec_t now)
{
	double drained =
		(double)(now - policy->flood_at) / (double)USEC_PER_SEC * CRASH_FLOOD_DRAIN;

	return MAX_OF(policy->flood_level - drained, 0.0);
}

/* True: a flood begins with this one. */
static bool add_to_flood(CrashPolicy *policy, PolicyProgram *program, usec_t now)
{
	policy->flood_level = MIN_OF(flood_level(policy, now) + 1, (double)CRASH_FLOOD_CAP);
	policy->flood_at = now;
	bool begins = !policy->flood_since && policy->flood_level >= CRASH_FLOOD_OPENS;
	if (begins) {
		policy->flood_since = MAX_OF(now, (usec_t)1);
		policy->flood_count = 0;
		for (size_t i = 0; i < CRASH_POLICY_PROGRAMS; i++)
			policy->programs[i].flood_count = 0;
	}
	if (policy->flood_since) {
		policy->flood_count++;
		program->flood_count++;
	}
	return begins;
}

bool crash_policy_is_flooded(const CrashPolicy *policy)
{
	return policy->flood_since != 0;
}

void crash_policy_flood(const CrashPolicy *policy, usec_t now, CrashFlood *ret)
{
	*ret = (CrashFlood){.crashes = policy->flood_count, .span_usec = now - policy->flood_since};
	for (size_t i = 0; i < CRASH_POLICY_PROGRAMS; i++) {
		const PolicyProgram *program = &policy->programs[i];
		ret->programs += program->flood_count > 0;
		if (program->flood_count <= ret->top_crashes)
			continue;
		ret->top_crashes = program->flood_count;
		(void)snprintf(ret->top, sizeof ret->top, "%s", program->name);
	}
}

bool crash_policy_flood_ended(CrashPolicy *policy, usec_t now, CrashFlood *ret)
{
	if (!policy->flood_since || flood_level(policy, now) > 0)
		return false;
	crash_policy_flood(policy, policy->flood_at, ret);
	policy->flood_since = 0;
	return true;
}

/* ---- one arrival ----------------------------------------------------------------------------- */

/* True: with this one a loop begins. */
static bool add_to_loop(PolicyProgram *program, usec_t now)
{
	if (program->loop_since && now - program->last > CRASH_LOOP_PAUSE_USEC) {
		program->loop_since = 0;
		program->n_recent = 0;
	}
	program->last = now;
	if (program->loop_since) {
		program->loop_count++;
		return false;
	}
	if (program->n_recent == CRASH_LOOP_CRASHES)
		memmove(program->recent, program->recent + 1,
			sizeof program->recent - sizeof program->recent[0]);
	else
		program->n_recent++;
	program->recent[program->n_recent - 1] = now;
	if (program->n_recent < CRASH_LOOP_CRASHES ||
		now - program->recent[0] > CRASH_LOOP_SPAN_USEC)
		return false;
	program->loop_since = MAX_OF(program->recent[0], (usec_t)1);
	program->loop_count = CRASH_LOOP_CRASHES;
	return true;
}

static bool is_round(uint64_t count)
{
	for (; count >= 10 && count % 10 == 0; count /= 10)
		if (count == 10)
			return true;
	return false;
}

/* What is never told, whatever else holds. */
static bool is_silent(const CrashArrival *arrival, CrashReason *ret)
{
	const struct {
		bool holds;
		CrashReason reason;
	} rows[] = {
		{!arrival->genuine, CRASH_BECAUSE_UNVERIFIED},
		{arrival->own, CRASH_BECAUSE_OWN},
		{arrival->foreign, CRASH_BECAUSE_FOREIGN},
		{arrival->muted, CRASH_BECAUSE_MUTED},
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		if (rows[i].holds) {
			*ret = rows[i].reason;
			return true;
		}
	return false;
}

static void judge(CrashPolicy *policy, const CrashArrival *arrival, bool told, bool loop_begins,
	CrashDecision *decision)
{
	decision->reason = !told		       ? CRASH_BECAUSE_NEW
			   : loop_begins	       ? CRASH_BECAUSE_LOOP
			   : is_round(decision->count) ? CRASH_BECAUSE_ROUND
						       : CRASH_BECAUSE_REPEAT;
	decision->verdict = !told				       ? CRASH_ANNOUNCE
			    : decision->reason == CRASH_BECAUSE_REPEAT ? CRASH_UPDATE
								       : CRASH_REMIND;
	CrashVerdict quiet = told ? CRASH_UPDATE : CRASH_LEAVE;
	if (policy->flood_since) {
		decision->verdict = told ? CRASH_COUNT : CRASH_LEAVE;
		decision->reason = CRASH_BECAUSE_FLOOD;
	} else if (decision->verdict > CRASH_UPDATE && arrival->unreachable) {
		decision->verdict = quiet;
		decision->reason = CRASH_BECAUSE_UNREACHABLE;
	} else if (decision->verdict > CRASH_UPDATE &&
		   !take_token(policy, arrival->now_monotonic)) {
		decision->verdict = quiet;
		decision->reason = CRASH_BECAUSE_BUSY;
	}
}

CrashDecision crash_policy_take(CrashPolicy *policy, const CrashArrival *arrival)
{
	usec_t now = arrival->now_monotonic;
	CrashDecision decision = {.verdict = CRASH_COUNT};

	if (is_silent(arrival, &decision.reason))
		return decision;
	PolicySignature *signature = signature_of(policy, arrival);
	decision.count = ++signature->count;
	signature->last = MAX_OF(now, (usec_t)1);
	if (arrival->late) {
		decision.verdict = CRASH_LEAVE;
		decision.reason = CRASH_BECAUSE_LATE;
		return decision;
	}

	PolicyProgram *program = program_of(policy, arrival->program);
	bool loop_begins = add_to_loop(program, now);
	decision.loop = program->loop_since != 0;
	decision.loop_count = program->loop_count;
	decision.loop_usec = decision.loop ? now - program->loop_since : 0;
	decision.flood_began = add_to_flood(policy, program, now);
	judge(policy, arrival, is_told(signature, now), loop_begins, &decision);
	if (decision.verdict > CRASH_UPDATE)
		signature->news = now + CRASH_NEWS_AGAIN_USEC;
	return decision;
}

void crash_policy_failed(CrashPolicy *policy, const char *signature)
{
	PolicySignature *found = (PolicySignature *)find_signature(policy, signature);

	if (found)
		found->news = 0;
}

void crash_policy_told(CrashPolicy *policy, const char *signature, usec_t now)
{
	PolicySignature *found = (PolicySignature *)find_signature(policy, signature);

	if (found)
		found->news = now + CRASH_NEWS_AGAIN_USEC;
}

/* Later ones arrive under the new name. */
void crash_policy_became(CrashPolicy *policy, const char *from, const char *to, usec_t now)
{
	PolicySignature *old = (PolicySignature *)find_signature(policy, from);
	PolicySignature *new = (PolicySignature *)find_signature(policy, to);

	if (!old || old == new)
		return;
	PolicySignature known = *old;
	*old = (PolicySignature){};
	if (!new)
		new = make_room(policy, to);
	new->count += known.count;
	new->news = MAX_OF(new->news, known.news);
	new->last = MAX_OF(now, (usec_t)1);
}

/* ---- digests --------------------------------------------------------------------------------- */

bool crash_policy_may_digest(CrashPolicy *policy, usec_t now)
{
	return !policy->flood_since && take_token(policy, now);
}

usec_t crash_policy_pause(const CrashPolicy *policy, usec_t now)
{
	double excess = spent_now(policy, now) + 1 - CRASH_BUCKET_SIZE;
	double flood = policy->flood_since ? flood_level(policy, now) / CRASH_FLOOD_DRAIN : 0;
	double bucket = excess > 0 ? excess * (double)CRASH_BUCKET_REFILL_USEC : 0;

	return (usec_t)MAX_OF(bucket, flood * (double)USEC_PER_SEC);
}
