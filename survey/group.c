/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The survey's rows added up by executable, app, unit, … An instance that two processes of a group
 * share counts once in it; one shared across groups counts in each, and is told as shared. */
#include "common/cleanup.h"
#include "common/text.h"
#include "survey/internals.h"

static const char *const key_names[SURVEY_KEY_MAX] = {
	[SURVEY_BY_PROCESS] = "process",
	[SURVEY_BY_EXE] = "exe",
	[SURVEY_BY_APP] = "app",
	[SURVEY_BY_UNIT] = "unit",
	[SURVEY_BY_CONTAINER] = "container",
	[SURVEY_BY_USER] = "user",
};

const char *survey_key_to_string(SurveyKey key)
{
	return key >= 0 && key < SURVEY_KEY_MAX ? key_names[key] : NULL;
}

SurveyKey survey_key_from_string(const char *name)
{
	for (int i = 0; i < SURVEY_KEY_MAX; i++)
		if (streq(name, key_names[i]))
			return (SurveyKey)i;
	return SURVEY_KEY_INVALID;
}

/* What parts the groups, and what they are called. buf: 16 bytes for numbers. */
static const char *label_of(
	const Survey *survey, const SurveyProcess *process, SurveyKey key, char *buf)
{
	const SurveyAccount *account;

	switch (key) {
	case SURVEY_BY_EXE:
		return process->exe ? process->exe : process->comm;
	case SURVEY_BY_APP:
		return process->app_name;
	case SURVEY_BY_UNIT:
		return process->unit;
	case SURVEY_BY_CONTAINER:
		return process->container;
	case SURVEY_BY_USER:
		account = survey_account(survey, process->uid);
		(void)snprintf(buf, 16, "%u", process->uid);
		return account ? account->name : buf;
	default:
		return process->app_name;
	}
}

/* What else parts two groups of one name: an application, and a unit of a user's manager, is its
 * user's. System units and the rest are one whoever runs in them. Gives a number to compare. */
static uint64_t owner_of(const SurveyProcess *process, SurveyKey key)
{
	static const char manager[] = "/user@";
	uint64_t uid = UINT64_MAX;

	if (key == SURVEY_BY_APP)
		return process->uid;
	if (key != SURVEY_BY_UNIT || !process->unit || !process->cgroup)
		return UINT64_MAX;
	const char *at = strstr(process->cgroup, manager);
	if (at)
		(void)parse_u64_prefix(at + strlen(manager), &at, &uid);
	return uid;
}

typedef struct Row {
	const char *label;
	char number[16];
	uint64_t owner;
	uint32_t process;
} Row;

typedef struct Grouping {
	const Survey *survey;
	SurveyKey key;
	Row *rows;
	const Row **sorted; /* pointers: labels point into the rows */
	size_t n_rows;
	uint32_t *seen; /* per instance: the number of the group that counted it last, plus one */
} Grouping;

/* By label, then owner, then pid. */
static int by_label(const void *a, const void *b)
{
	const Row *x = *(const Row *const *)a, *y = *(const Row *const *)b;
	int r = strcmp(x->label, y->label);

	if (r)
		return r;
	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->process < y->process ? -1 : x->process > y->process;
}

static void count_instances(
	const Grouping *grouping, SurveyGroup *group, uint32_t number, uint32_t process)
{
	const SurveyInternals *in = grouping->survey->internals;
	const SurveyProcessDetail *detail = &in->details[process];

	for (uint32_t i = 0; i < detail->n_references; i++) {
		uint32_t at = in->references[detail->first_reference + i].instance;
		if (at == INSTANCE_NONE || grouping->seen[at] == number + 1)
			continue;
		grouping->seen[at] = number + 1;
		const SurveyInstance *instance = &in->instances[at];
		if (instance->fanotify) {
			group->fanotify_groups++;
			group->fanotify_marks += instance->watches;
			continue;
		}
		group->instances++;
		group->shared += instance->holders > 1;
		group->small += grouping->survey->has_watches && instance->watches <= 1;
		group->watches += instance->watches;
	}
}

static int add_to_group(
	const Grouping *grouping, SurveyGroup *group, uint32_t number, const Row *row)
{
	const SurveyProcess *process = &grouping->survey->processes[row->process];

	if (group->processes == 0) {
		group->label = strdup(row->label);
		if (!group->label)
			return -ENOMEM;
		group->uid = process->uid;
	}
	if (!group->example || process->watches > group->example->watches) {
		group->example = process;
		group->pid = process->pid;
	}
	group->processes++;
	group->unreadable += !process->readable;
	count_instances(grouping, group, number, row->process);
	return 0;
}

static int by_watches(const void *a, const void *b)
{
	const SurveyGroup *x = a, *y = b;

	if (x->watches != y->watches)
		return x->watches > y->watches ? -1 : 1;
	if (x->instances != y->instances)
		return x->instances > y->instances ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int build(const Grouping *grouping, SurveyGroup *groups, size_t *n_groups)
{
	int r;

	for (size_t i = 0; i < grouping->n_rows; i++) {
		const Row *row = grouping->sorted[i], *before = i ? grouping->sorted[i - 1] : NULL;
		if (!before || grouping->key == SURVEY_BY_PROCESS ||
			!streq(before->label, row->label) || before->owner != row->owner)
			(*n_groups)++;
		r = add_to_group(grouping, &groups[*n_groups - 1], (uint32_t)(*n_groups - 1), row);
		if (r < 0)
			return r;
	}
	return 0;
}

int survey_group(const Survey *survey, SurveyKey key, SurveyFilter filter, void *userdata,
	SurveyGroup **ret, size_t *ret_n)
{
	_cleanup_(freep) Row *rows = calloc(survey->n_processes + 1, sizeof *rows);
	_cleanup_(freep) const Row **sorted = calloc(survey->n_processes + 1, sizeof *sorted);
	_cleanup_(freep) uint32_t *seen = calloc(survey->internals->n_instances + 1, sizeof *seen);
	SurveyGroup *groups = calloc(survey->n_processes + 1, sizeof *groups);
	Grouping grouping = {
		.survey = survey, .key = key, .rows = rows, .sorted = sorted, .seen = seen};
	size_t n = 0;
	int r;

	if (!rows || !sorted || !seen || !groups) {
		free(groups);
		return -ENOMEM;
	}
	for (size_t i = 0; i < survey->n_processes; i++) {
		Row *row = &rows[grouping.n_rows];
		if (filter && !filter(&survey->processes[i], userdata))
			continue;
		const char *label = label_of(survey, &survey->processes[i], key, row->number);
		row->label = label ? label : "-";
		row->owner = owner_of(&survey->processes[i], key);
		row->process = (uint32_t)i;
		sorted[grouping.n_rows++] = row;
	}
	qsort(sorted, grouping.n_rows, sizeof *sorted, by_label);
	r = build(&grouping, groups, &n);
	if (r < 0) {
		survey_groups_free(groups, n);
		return r;
	}
	qsort(groups, n, sizeof *groups, by_watches);
	*ret = groups;
	*ret_n = n;
	return 0;
}

void survey_groups_free(SurveyGroup *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(groups[i].label);
	free(groups);
}
