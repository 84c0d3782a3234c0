/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is charged: each distinct instance once, to the user that the kernel charges, never a sum
 * over users. */
#include "common/cleanup.h"
#include "survey/internals.h"
#include <pwd.h>
#include <string.h>

/* Questions to the name service in one survey, and how many of them may come back empty. */
#define NAMES_ASKED_MAX	  64
#define NAMES_UNKNOWN_MAX 4

static SurveyAccount *account_of(Survey *survey, size_t *allocated, uid_t uid)
{
	for (size_t i = 0; i < survey->n_accounts; i++)
		if (survey->accounts[i].uid == uid)
			return &survey->accounts[i];
	if (survey->n_accounts == *allocated) {
		size_t want = MAX_OF(*allocated * 2, (size_t)16);
		SurveyAccount *grown = reallocarray(survey->accounts, want, sizeof *grown);
		if (!grown)
			return NULL;
		survey->accounts = grown;
		*allocated = want;
	}
	survey->accounts[survey->n_accounts] = (SurveyAccount){.uid = uid};
	return &survey->accounts[survey->n_accounts++];
}

/* The user whose account pays for what this process made. False: none that the viewer's limits
 * speak of. */
bool survey_payer(const SurveyProcessDetail *detail, uid_t *ret)
{
	if (detail->relation == NAMESPACE_OUTSIDE)
		return false;
	*ret = detail->relation == NAMESPACE_BELOW ? detail->namespace_owner
						   : detail->effective_uid;
	return true;
}

static int charge_instances(Survey *survey, size_t *allocated)
{
	const SurveyInternals *in = survey->internals;

	for (size_t i = 0; i < in->n_instances; i++) {
		const SurveyInstance *instance = &in->instances[i];
		const SurveyProcessDetail *detail = &in->details[instance->payer];
		uid_t uid;

		if (!survey_payer(detail, &uid))
			continue;
		SurveyAccount *account = account_of(survey, allocated, uid);
		if (!account)
			return -ENOMEM;
		if (instance->fanotify) {
			account->fanotify_groups++;
			account->fanotify_marks += instance->watches;
			continue;
		}
		account->instances++;
		account->watches += instance->watches;
		account->from_child_userns += detail->relation == NAMESPACE_BELOW;
	}
	return 0;
}

static int count_processes(Survey *survey, size_t *allocated)
{
	for (size_t i = 0; i < survey->n_processes; i++) {
		uid_t uid;

		if (!survey_payer(&survey->internals->details[i], &uid))
			continue;
		SurveyAccount *account = account_of(survey, allocated, uid);
		if (!account)
			return -ENOMEM;
		account->processes++;
		account->unreadable += !survey->processes[i].readable;
	}
	return 0;
}

/* The local users' names, read once: asking the name service for each costs more than scanning the
 * processes of that user does. */
static int name_local_users(Survey *survey)
{
	_cleanup_(fclosep) FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *found;
	char buffer[4096];

	while (file && fgetpwent_r(file, &entry, buffer, sizeof buffer, &found) == 0)
		for (size_t i = 0; i < survey->n_accounts; i++) {
			SurveyAccount *account = &survey->accounts[i];
			if (account->uid != found->pw_uid || account->name)
				continue;
			account->name = strdup(found->pw_name);
			if (!account->name)
				return -ENOMEM;
		}
	return 0;
}

/* Users of a directory service: each question may go over the network, and a machine full of
 * containers has thousands of uids that nobody knows. So a few answers of "unknown" end it, and
 * whoever comes later in the sorted accounts stays a number. */
static int name_other_users(Survey *survey)
{
	unsigned asked = 0, unknown = 0;

	for (size_t i = 0; i < survey->n_accounts; i++) {
		SurveyAccount *account = &survey->accounts[i];
		char buffer[4096];
		struct passwd entry, *found = NULL;

		if (account->name)
			continue;
		if (asked < NAMES_ASKED_MAX && unknown < NAMES_UNKNOWN_MAX) {
			asked++;
			if (getpwuid_r(account->uid, &entry, buffer, sizeof buffer, &found) != 0)
				found = NULL;
			unknown += !found;
		}
		if (found)
			account->name = strdup(found->pw_name);
		else if (asprintf(&account->name, "%u", account->uid) < 0)
			account->name = NULL;
		if (!account->name)
			return -ENOMEM;
	}
	return 0;
}

static double closest(const SurveyAccount *account)
{
	return MAX_OF(account->instance_percent, account->watch_percent);
}

static int by_closeness(const void *a, const void *b)
{
	const SurveyAccount *x = a, *y = b;

	if (closest(x) != closest(y))
		return closest(x) > closest(y) ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

int survey_charge(Survey *survey)
{
	size_t allocated = 0;
	int r;

	if (!account_of(survey, &allocated, survey->viewer))
		return -ENOMEM;
	r = charge_instances(survey, &allocated);
	if (r >= 0)
		r = count_processes(survey, &allocated);
	if (r < 0)
		return r;

	for (size_t i = 0; i < survey->n_accounts; i++) {
		SurveyAccount *account = &survey->accounts[i];
		account->max_instances = survey->limits.instances;
		account->max_watches = survey->limits.watches;
		account->instance_percent =
			inotify_limit_percent(account->instances, account->max_instances);
		account->watch_percent =
			survey->has_watches
				? inotify_limit_percent(account->watches, account->max_watches)
				: -1;
		account->approximate = survey->approximate;
	}
	qsort(survey->accounts, survey->n_accounts, sizeof *survey->accounts, by_closeness);
	r = name_local_users(survey);
	return r < 0 ? r : name_other_users(survey);
}

uint64_t survey_most_used(const Survey *survey, InotifyResource resource)
{
	uint64_t most = 0;

	for (size_t i = 0; i < survey->n_accounts; i++)
		most = MAX_OF(most, resource == INOTIFY_INSTANCES ? survey->accounts[i].instances
								  : survey->accounts[i].watches);
	return most;
}

const SurveyAccount *survey_account(const Survey *survey, uid_t uid)
{
	for (size_t i = 0; i < survey->n_accounts; i++)
		if (survey->accounts[i].uid == uid)
			return &survey->accounts[i];
	return NULL;
}
