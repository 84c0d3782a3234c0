/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blame and forecast, pure. */
#include "survey/pressure.h"

#include "common/cleanup.h"
#include "survey/internals.h"
#include <string.h>

#define CLIMB_SAMPLES 5 /* fewer prove no trend */

typedef struct OfUser {
	const Survey *survey;
	uid_t uid;
} OfUser;

static bool charged_to(const SurveyProcess *process, void *userdata)
{
	const OfUser *of = userdata;
	const SurveyProcessDetail *detail =
		&of->survey->internals->details[process - of->survey->processes];
	uid_t payer;

	return process->readable && survey_payer(detail, &payer) && payer == of->uid;
}

static uint64_t count_of(const SurveyGroup *group, InotifyResource resource)
{
	return resource == INOTIFY_INSTANCES ? group->instances : group->watches;
}

int pressure_holders(const Survey *survey, uid_t uid, InotifyResource resource,
	PressureHolder ret[static PRESSURE_HOLDERS])
{
	OfUser of = {survey, uid};
	SurveyGroup *groups;
	size_t n;
	int found = 0;
	int r;

	r = survey_group(survey, SURVEY_BY_APP, charged_to, &of, &groups, &n);
	if (r < 0)
		return r;
	InotifyLimit limit =
		resource == INOTIFY_INSTANCES ? survey->limits.instances : survey->limits.watches;
	for (; found < PRESSURE_HOLDERS; found++) {
		SurveyGroup *best = NULL;
		for (size_t i = 0; i < n; i++)
			if (groups[i].processes && (!best || count_of(&groups[i], resource) >
								     count_of(best, resource)))
				best = &groups[i];
		if (!best || count_of(best, resource) == 0)
			break;
		PressureHolder *holder = &ret[found];
		*holder = (PressureHolder){.pid = best->pid,
			.processes = best->processes,
			.count = count_of(best, resource),
			.share = inotify_limit_percent(count_of(best, resource), limit),
			.one_each = survey->has_watches && best->small >= PRESSURE_COPIES_MIN &&
				    best->small * 10 >= best->instances * 9};
		(void)snprintf(holder->name, sizeof holder->name, "%s", best->label);
		best->processes = 0; /* taken */
	}
	survey_groups_free(groups, n);
	return found;
}

void pressure_trend_add(PressureTrend *trend, usec_t when_monotonic, uint64_t used)
{
	if (trend->n == PRESSURE_SAMPLES) {
		memmove(trend->samples, trend->samples + 1,
			(PRESSURE_SAMPLES - 1) * sizeof *trend->samples);
		trend->n--;
	}
	trend->samples[trend->n++] = (PressureSample){when_monotonic, used};
}

/* Growth per second from one sample to the last. */
static double growth_from(const PressureTrend *trend, unsigned from)
{
	const PressureSample *first = &trend->samples[from], *last = &trend->samples[trend->n - 1];

	if (last->used <= first->used || last->when_monotonic <= first->when_monotonic)
		return 0;
	return (double)(last->used - first->used) * (double)USEC_PER_SEC /
	       (double)(last->when_monotonic - first->when_monotonic);
}

/* A leak that began a minute ago must not be thinned out by the quiet hours before it. */
double pressure_trend_growth(const PressureTrend *trend)
{
	if (trend->n < 2)
		return 0;
	double overall = growth_from(trend, 0);
	double recent = growth_from(trend, trend->n > CLIMB_SAMPLES ? trend->n - CLIMB_SAMPLES : 0);
	return MAX_OF(overall, recent);
}

usec_t pressure_trend_full_in(const PressureTrend *trend, uint64_t max)
{
	double growth = pressure_trend_growth(trend);
	uint64_t used = trend->n ? trend->samples[trend->n - 1].used : 0;

	if (max == 0 || growth <= 0)
		return USEC_INFINITY;
	if (used >= max)
		return 0;
	double seconds = (double)(max - used) / growth;
	return seconds > 365.0 * 86400 ? USEC_INFINITY : (usec_t)(seconds * (double)USEC_PER_SEC);
}

bool pressure_trend_climbs(const PressureTrend *trend)
{
	unsigned from = 0, rises = 0;

	for (unsigned i = 1; i < trend->n; i++)
		if (trend->samples[i].used < trend->samples[i - 1].used)
			from = i;
	if (trend->n < from + CLIMB_SAMPLES)
		return false;
	for (unsigned i = from + 1; i < trend->n; i++)
		rises += trend->samples[i].used > trend->samples[i - 1].used;
	uint64_t first = trend->samples[from].used, last = trend->samples[trend->n - 1].used;
	/* One jump and then level is a program that opened a project, not a leak. */
	return rises * 3 >= trend->n - from - 1 && last - first >= MAX_OF(first / 4, (uint64_t)1);
}

PressureVerdict pressure_verdict(const PressureHolder *holder, const PressureTrend *holder_trend)
{
	if (!holder)
		return PRESSURE_NEED;
	if (holder->processes >= PRESSURE_COPIES_MIN)
		return PRESSURE_COPIES;
	if (holder_trend && pressure_trend_climbs(holder_trend))
		return PRESSURE_LEAK;
	return holder->one_each ? PRESSURE_HABIT : PRESSURE_NEED;
}
