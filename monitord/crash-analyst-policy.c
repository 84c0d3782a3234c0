/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decisions of the analyst. No clock, no index, no child. */
#include "monitord/crash-analyst-policy.h"

#include "common/text.h"
#include <stdio.h>

#define PER_DAY_KNOWN	1
#define PER_DAY_UNKNOWN ANALYST_RECENT
#define PER_HOUR_VAGUE	ANALYST_RECENT

static const AnalystKind *find(const AnalystPolicy *policy, const char *signature)
{
	for (size_t i = 0; i < ANALYST_KINDS; i++)
		if (signature[0] && streq(policy->kinds[i].signature, signature))
			return &policy->kinds[i];
	return NULL;
}

static AnalystKind *kind_of(AnalystPolicy *policy, const char *signature)
{
	AnalystKind *found = (AnalystKind *)find(policy, signature), *oldest = &policy->kinds[0];

	if (found)
		return found;
	for (size_t i = 1; i < ANALYST_KINDS; i++)
		if (policy->kinds[i].started[0] < oldest->started[0])
			oldest = &policy->kinds[i];
	*oldest = (AnalystKind){};
	(void)snprintf(oldest->signature, sizeof oldest->signature, "%s", signature);
	return oldest;
}

static unsigned started_within(const AnalystKind *kind, usec_t span, usec_t now)
{
	unsigned n = 0;

	for (size_t i = 0; kind && i < ANALYST_RECENT; i++)
		n += kind->started[i] && now - kind->started[i] < span;
	return n;
}

static bool is_enough(const AnalystCrash *crash, const AnalystKind *kind, usec_t now)
{
	if (crash->vague)
		return started_within(kind, ANALYST_HOUR_USEC, now) >= PER_HOUR_VAGUE;
	return started_within(kind, ANALYST_DAY_USEC, now) >=
	       (crash->known ? PER_DAY_KNOWN : PER_DAY_UNKNOWN);
}

/* Functions tell what a crash is; program and signal only as long as all that were looked into were
 * one crash. */
static bool is_same(const AnalystCrash *crash, const AnalystKind *kind, usec_t now)
{
	if (!crash->vague)
		return true;
	return crash->known && kind &&
	       (!kind->mistaken || now - kind->mistaken >= ANALYST_DAY_USEC);
}

AnalystVerdict analyst_policy_judge(
	const AnalystPolicy *policy, const AnalystCrash *crash, usec_t now)
{
	const AnalystKind *kind = find(policy, crash->signature);

	if (crash->own || crash->foreign || crash->attempts >= ANALYST_ATTEMPTS_MAX)
		return ANALYST_LEAVE;
	if (crash->attempts > 0) /* its time was set when it was tried */
		return ANALYST_LAST;
	if (is_enough(crash, kind, now))
		return is_same(crash, kind, now) ? ANALYST_SAME : ANALYST_LEAVE;
	return crash->muted ? ANALYST_LAST : ANALYST_NEXT;
}

void analyst_policy_started(AnalystPolicy *policy, const char *signature, usec_t now)
{
	AnalystKind *kind = kind_of(policy, signature);

	memmove(kind->started + 1, kind->started, sizeof kind->started - sizeof kind->started[0]);
	kind->started[0] = MAX_OF(now, (usec_t)1);
}

void analyst_policy_became(
	AnalystPolicy *policy, const char *signature, bool known, const char *became, usec_t now)
{
	if (streq(signature, became))
		return;
	if (known)
		kind_of(policy, signature)->mistaken = MAX_OF(now, (usec_t)1);
	analyst_policy_started(policy, became, now);
}

usec_t analyst_policy_again(unsigned attempt)
{
	if (attempt >= ANALYST_ATTEMPTS_MAX)
		return 0;
	return attempt <= 1 ? ANALYST_AGAIN_FIRST_USEC : ANALYST_DAY_USEC;
}

/* Debug packages that the person installs are there by then. */
usec_t analyst_policy_complete(unsigned attempt, bool had_trace)
{
	return had_trace || attempt >= ANALYST_ATTEMPTS_MAX ? 0 : ANALYST_DAY_USEC;
}

const char *analyst_wait_to_string(AnalystWait wait)
{
	static const char *const names[ANALYST_WAIT_MAX] = {
		[ANALYST_MEMORY] = "memory", [ANALYST_BATTERY] = "battery"};

	return wait >= 0 && wait < ANALYST_WAIT_MAX ? names[wait] : NULL;
}

AnalystWait analyst_policy_may_begin(
	const Strain *strain, usec_t waited, usec_t battery_wait, usec_t *ret_again)
{
	if (strain->memory_percent > ANALYST_MEMORY_PERCENT) {
		*ret_again = ANALYST_MEMORY_AGAIN_USEC;
		return ANALYST_MEMORY;
	}
	if (strain->battery && waited < battery_wait) {
		*ret_again = MIN_OF(battery_wait - waited, ANALYST_MAINS_AGAIN_USEC);
		return ANALYST_BATTERY;
	}
	return ANALYST_READY;
}
