/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One survey, as the daemon makes it; prints its wall clock in microseconds, instances and watches.
 */
#include "survey/survey.h"
#include "common/clock.h"
#include <errno.h>
#include <stdio.h>

int main(void)
{
	usec_t start = now_usec(CLOCK_MONOTONIC);
	SurveyOptions options = {.proc_fd = -EBADF};
	Survey *survey = NULL;
	uint64_t instances = 0, watches = 0;

	if (survey_run(&options, &survey) < 0)
		return 1;
	usec_t end = now_usec(CLOCK_MONOTONIC);
	for (size_t i = 0; i < survey->n_accounts; i++) {
		instances += survey->accounts[i].instances;
		watches += survey->accounts[i].watches;
	}
	printf("%llu %llu %llu\n", (unsigned long long)(end - start), (unsigned long long)instances,
		(unsigned long long)watches);
	(void)survey_free(survey);
	return 0;
}
