/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Survey() calls: answered from the last survey while it is fresh, else by the next. */
#include "monitord/survey-desk.h"

#include "common/cleanup.h"
#include "common/json.h"

/* NULL: no memory. */
static const char *text_of(SurveyDesk *desk)
{
	if (!desk->text) {
		_cleanup_(json_decrefp) json_t *root = survey_to_json(desk->survey, NULL, NULL);
		desk->text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	}
	return desk->text;
}

static int reply(SurveyDesk *desk, sd_bus_message *call)
{
	const char *text = text_of(desk);

	return text ? sd_bus_reply_method_return(call, "s", text)
		    : sd_bus_reply_method_errno(call, ENOMEM, NULL);
}

static void answer_waiting(SurveyDesk *desk, int error)
{
	for (unsigned i = 0; i < desk->n_waiting; i++) {
		(void)(error < 0 ? sd_bus_reply_method_errno(desk->waiting[i], error, NULL)
				 : reply(desk, desk->waiting[i]));
		sd_bus_message_unref(desk->waiting[i]);
	}
	desk->n_waiting = 0;
}

static void forget(SurveyDesk *desk)
{
	free(desk->text);
	desk->text = NULL;
	desk->survey = survey_free(desk->survey);
}

void survey_desk_done(SurveyDesk *desk)
{
	answer_waiting(desk, -ECANCELED);
	forget(desk);
}

void survey_desk_take(SurveyDesk *desk, Survey *survey, int error, usec_t now_monotonic)
{
	if (survey) {
		forget(desk);
		desk->survey = survey;
		desk->taken_monotonic = now_monotonic;
	}
	answer_waiting(desk, survey ? 0 : error);
}

bool survey_desk_is_fresh(const SurveyDesk *desk, usec_t now_monotonic)
{
	return desk->survey &&
	       now_monotonic - desk->taken_monotonic <
		       MAX_OF(SURVEY_FRESH_USEC, desk->survey->cpu_usec * SURVEY_COST_FACTOR);
}

int survey_desk_ask(SurveyDesk *desk, sd_bus_message *call, usec_t now_monotonic, bool *ret_scan)
{
	*ret_scan = false;
	if (survey_desk_is_fresh(desk, now_monotonic))
		return reply(desk, call);
	if (desk->n_waiting == SURVEY_WAITING_MAX)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED,
			"Too many surveys are asked for at once.");
	desk->waiting[desk->n_waiting++] = sd_bus_message_ref(call);
	*ret_scan = true;
	return 1;
}
