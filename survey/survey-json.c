/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The survey as JSON: kde-inotify-survey's keys with its meaning first, then Vigil's own. The
 * schema that goes with it is man/schema/inotify.schema.json. */
#include "common/json.h"
#include "survey/survey.h"

static void add_known(json_t *object, const char *key, InotifyLimit limit)
{
	if (limit.source == LIMIT_UNKNOWN)
		(void)json_object_set_new(object, key, json_null());
	else
		json_add_u64(object, key, limit.value);
}

static void add_percent(json_t *object, const char *key, double percent)
{
	(void)json_object_set_new(object, key, percent < 0 ? json_null() : json_real(percent));
}

static json_t *process_json(const SurveyProcess *process)
{
	json_t *object = json_object();

	json_add_u64(object, "uid", process->uid);
	json_add_u64(object, "pid", (uint64_t)process->pid);
	json_add_u64(object, "instances", process->instances);
	json_add_u64(object, "watches", process->watches);
	json_add_string(object, "cmdline", process->cmdline ? process->cmdline : "");
	json_add_bool(object, "readable", process->readable);
	json_add_string(object, "name", process->app_name);
	json_add_string(object, "exe", process->exe);
	json_add_string(object, "comm", process->comm);
	json_add_string(object, "unit", process->unit);
	json_add_string(object, "app", process->app_id);
	json_add_string(object, "container", process->container);
	json_add_u64(object, "descriptors", process->references);
	json_add_u64(object, "shared", process->shared);
	json_add_u64(object, "smallInstances", process->small);
	json_add_u64(object, "fanotifyGroups", process->fanotify_groups);
	json_add_u64(object, "fanotifyMarks", process->fanotify_marks);
	json_add_bool(object, "childUserNamespace", process->in_child_userns);
	return object;
}

static json_t *totals_json(const SurveyAccount *account)
{
	json_t *object = json_object();

	json_add_u64(object, "instances", account->instances);
	add_known(object, "maxInstances", account->max_instances);
	add_percent(object, "instancePercent", account->instance_percent);
	json_add_u64(object, "watches", account->watches);
	add_known(object, "maxWatches", account->max_watches);
	add_percent(object, "watchPercent", account->watch_percent);
	return object;
}

static json_t *user_json(const SurveyAccount *account)
{
	json_t *object = totals_json(account);

	json_add_u64(object, "uid", account->uid);
	json_add_string(object, "name", account->name);
	json_add_u64(object, "processes", account->processes);
	json_add_u64(object, "unreadable", account->unreadable);
	json_add_bool(object, "complete", account->unreadable == 0);
	json_add_bool(object, "approximate", account->approximate);
	json_add_u64(object, "fromChildUserNamespaces", account->from_child_userns);
	json_add_u64(object, "fanotifyGroups", account->fanotify_groups);
	json_add_u64(object, "fanotifyMarks", account->fanotify_marks);
	return object;
}

json_t *survey_limits_to_json(const InotifyLimits *limits)
{
	json_t *object = json_object();

	add_known(object, "maxUserInstances", limits->fs_instances);
	add_known(object, "maxUserWatches", limits->fs_watches);
	add_known(object, "maxQueuedEvents", limits->queued_events);
	add_known(object, "namespaceInstances", limits->ns_instances);
	add_known(object, "namespaceWatches", limits->ns_watches);
	json_add_bool(object, "childUserNamespace", limits->in_child_userns);
	json_add_u64(object, "watchCostBytes", limits->watch_cost_bytes);
	return object;
}

/* An ordinary user's total is their own account; for root it is whoever stands closest to a limit.
 */
static const SurveyAccount *account_of_totals(const Survey *survey)
{
	static const SurveyAccount nothing = {.instance_percent = -1, .watch_percent = -1};
	const SurveyAccount *own = survey->viewer ? survey_account(survey, survey->viewer) : NULL;

	if (own)
		return own;
	return survey->viewer == 0 && survey->n_accounts ? &survey->accounts[0] : &nothing;
}

json_t *survey_to_json(const Survey *survey, SurveyFilter filter, void *userdata)
{
	json_t *root = json_object(), *processes = json_array(), *users = json_array();
	const SurveyAccount *total = account_of_totals(survey);

	for (size_t i = 0; i < survey->n_processes; i++)
		if (!filter || filter(&survey->processes[i], userdata))
			(void)json_array_append_new(processes, process_json(&survey->processes[i]));
	for (size_t i = 0; i < survey->n_accounts; i++)
		(void)json_array_append_new(users, user_json(&survey->accounts[i]));

	json_add_u64(root, "version", 1);
	(void)json_object_set_new(root, "processes", processes);
	(void)json_object_set_new(root, "totals", totals_json(total));
	(void)json_object_set_new(root, "users", users);
	(void)json_object_set_new(root, "limits", survey_limits_to_json(&survey->limits));
	json_add_string(root, "method", survey->method);
	json_add_bool(root, "complete", survey->complete);
	json_add_bool(root, "approximate", survey->approximate);
	json_add_u64(root, "scanned", survey->scanned);
	json_add_u64(root, "unreadable", survey->unreadable);
	json_add_u64(root, "shared", survey->shared);
	json_add_u64(root, "durationUsec", survey->duration_usec);
	json_add_u64(root, "cpuUsec", survey->cpu_usec);
	return root;
}
