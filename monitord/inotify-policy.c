/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decisions of the inotify module. No clock, no bus, no text. */
#include "monitord/inotify-policy.h"

#define HALF_PERCENT 50
/* A forecast is worth this many looks before it comes true. */
#define LOOKS_BEFORE_FULL 20

const char *inotify_level_to_string(InotifyLevel level)
{
	static const char *const names[LEVEL_MAX] = {"ok", "warning", "urgent"};
	return level >= 0 && level < LEVEL_MAX ? names[level] : "unknown";
}

static double percent_of(const InotifyReading *reading, int resource)
{
	return reading->max[resource]
		       ? 100.0 * (double)reading->used[resource] / (double)reading->max[resource]
		       : -1;
}

/* Hysteresis: up at warn and urgent, down only below clear; an urgent level eases to warning below
 * urgent. */
static InotifyLevel next_level(
	InotifyLevel level, const InotifyThresholds *thresholds, double percent, bool refused)
{
	if (refused || percent >= (double)thresholds->urgent_percent)
		return LEVEL_URGENT;
	if (percent >= (double)thresholds->warn_percent)
		return LEVEL_WARNING;
	return level > LEVEL_OK && percent >= (double)thresholds->clear_percent ? LEVEL_WARNING
										: LEVEL_OK;
}

static InotifyResource worst_resource(const InotifyPolicy *policy, const InotifyReading *reading)
{
	if (policy->level[0] != policy->level[1])
		return policy->level[0] > policy->level[1] ? 0 : 1;
	if (reading->refused[0] != reading->refused[1])
		return reading->refused[0] ? 0 : 1;
	return percent_of(reading, 0) >= percent_of(reading, 1) ? 0 : 1;
}

static InotifyAction choose_action(InotifyPolicy *policy, InotifyLevel level)
{
	if (level == LEVEL_OK) {
		bool was_open = policy->told > LEVEL_OK;
		policy->told = LEVEL_OK;
		policy->dismissed = false;
		return was_open ? ACTION_CLOSE : ACTION_NOTHING;
	}
	if (policy->ignored)
		return ACTION_NOTHING;
	if (level > policy->told) {
		policy->told = level;
		policy->dismissed = false;
		return ACTION_SHOW;
	}
	return policy->dismissed ? ACTION_NOTHING : ACTION_UPDATE;
}

static usec_t choose_interval(const InotifyPolicy *policy, const InotifyThresholds *thresholds,
	const InotifyReading *reading)
{
	usec_t interval = thresholds->idle_interval_usec;

	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++) {
		usec_t full_in = pressure_trend_full_in(&policy->trend[i], reading->max[i]);
		double percent = percent_of(reading, i);

		if (policy->level[i] > LEVEL_OK || percent >= (double)thresholds->clear_percent)
			interval = thresholds->close_interval_usec;
		else if (percent >= HALF_PERCENT)
			interval = MIN_OF(interval, thresholds->idle_interval_usec / 10);
		if (full_in != USEC_INFINITY)
			interval = MIN_OF(interval, full_in / LOOKS_BEFORE_FULL);
	}
	interval = MAX_OF(interval, thresholds->close_interval_usec);
	return MAX_OF(interval, reading->cpu_usec * POLICY_COST_FACTOR);
}

InotifyDecision inotify_policy_take(
	InotifyPolicy *policy, const InotifyThresholds *thresholds, const InotifyReading *reading)
{
	InotifyLevel before = MAX_OF(policy->level[0], policy->level[1]);
	InotifyDecision decision = {};

	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++) {
		policy->level[i] = next_level(
			policy->level[i], thresholds, percent_of(reading, i), reading->refused[i]);
		pressure_trend_add(&policy->trend[i], reading->when_monotonic, reading->used[i]);
	}
	decision.level = MAX_OF(policy->level[0], policy->level[1]);
	decision.level_changed = decision.level != before;
	decision.resource = worst_resource(policy, reading);
	decision.full_in_usec = pressure_trend_full_in(
		&policy->trend[decision.resource], reading->max[decision.resource]);
	decision.action = choose_action(policy, decision.level);
	decision.next_usec = choose_interval(policy, thresholds, reading);
	return decision;
}

bool inotify_policy_wants_canary(const InotifyPolicy *policy, const InotifyThresholds *thresholds,
	const InotifyReading *reading, bool complete)
{
	if (!complete)
		return true;
	for (int i = 0; i < INOTIFY_RESOURCE_MAX; i++) {
		double percent = percent_of(reading, i);
		if (policy->level[i] > LEVEL_OK || percent < 0 ||
			percent >= (double)thresholds->clear_percent)
			return true;
	}
	return false;
}
