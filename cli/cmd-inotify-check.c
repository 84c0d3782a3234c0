/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil inotify check: the monitoring plugins' four statuses, or whether so many more would fit. */
#include "cli/cli.h"

#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"

typedef struct Check {
	uint64_t warning, critical; /* percent */
	uint64_t need_instances, need_watches;
	bool asked_need;
} Check;

static const char *const status_names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

static int read_number(const char *option, const char *text, uint64_t max, uint64_t *ret)
{
	if (text && parse_u64(text, max, ret) < 0)
		return cli_fail(CHECK_UNKNOWN, _("--%s=%s: expected a number up to %llu."), option,
			text, (unsigned long long)max);
	return 0;
}

static int read_options(const Cli *cli, Check *check)
{
	const CliOptions *options = &cli->options;
	int r = read_number("warning", options->warning, 100, &check->warning);

	if (r == 0)
		r = read_number("critical", options->critical, 100, &check->critical);
	if (r == 0)
		r = read_number("need-instances", options->need_instances, INT32_MAX,
			&check->need_instances);
	if (r == 0)
		r = read_number(
			"need-watches", options->need_watches, INT32_MAX, &check->need_watches);
	if (r == 0 && check->warning > check->critical)
		r = cli_fail(CHECK_UNKNOWN, _("--warning=%llu is above --critical=%llu."),
			(unsigned long long)check->warning, (unsigned long long)check->critical);
	return r;
}

static int judge_share(const Check *check, double percent)
{
	if (percent < 0)
		return CHECK_UNKNOWN;
	return percent >= (double)check->critical  ? CHECK_CRITICAL
	       : percent >= (double)check->warning ? CHECK_WARNING
						   : CHECK_OK;
}

/* Whether n more fit: 0, 2, or 3 where the limit is unknown. */
static int judge_need(uint64_t used, InotifyLimit limit, uint64_t need)
{
	if (need == 0)
		return CHECK_OK;
	if (limit.source == LIMIT_UNKNOWN)
		return CHECK_UNKNOWN;
	return used <= limit.value && need <= limit.value - used ? CHECK_OK : CHECK_CRITICAL;
}

/* Critical outweighs unknown outweighs warning. */
static int worse(int a, int b)
{
	static const int weight[] = {0, 1, 3, 2};
	return weight[a] >= weight[b] ? a : b;
}

static int judge(const Check *check, const SurveyAccount *account, CanaryResult canary)
{
	int status;

	if (check->asked_need)
		status = worse(judge_need(account->instances, account->max_instances,
				       check->need_instances),
			judge_need(account->watches, account->max_watches, check->need_watches));
	else
		status = worse(judge_share(check, account->instance_percent),
			judge_share(check, account->watch_percent));
	if (canary == CANARY_INSTANCES_EXHAUSTED || canary == CANARY_WATCHES_EXHAUSTED)
		status = CHECK_CRITICAL;
	return status;
}

static void print_line(
	Cli *cli, const Check *check, const SurveyAccount *account, CanaryResult canary, int status)
{
	unsigned long long instances = account->instances, watches = account->watches;
	unsigned long long max_instances = account->max_instances.value,
			   max_watches = account->max_watches.value;

	strbuf_addf(&cli->out, "INOTIFY %s - %llu/%llu instances, %llu/%llu watches%s%s",
		status_names[status], instances, max_instances, watches, max_watches,
		account->unreadable ? _(" (at least)") : "",
		canary == CANARY_INSTANCES_EXHAUSTED || canary == CANARY_WATCHES_EXHAUSTED
			? _("; the kernel refuses more")
			: "");
	strbuf_addf(&cli->out, " | instances=%llu;%llu;%llu;0;%llu watches=%llu;%llu;%llu;0;%llu\n",
		instances, max_instances * check->warning / 100,
		max_instances * check->critical / 100, max_instances, watches,
		max_watches * check->warning / 100, max_watches * check->critical / 100,
		max_watches);
}

static json_t *check_json(
	const Check *check, const SurveyAccount *account, CanaryResult canary, int status)
{
	json_t *root = json_object();

	json_add_u64(root, "version", 1);
	json_add_string(root, "status", status_names[status]);
	json_add_u64(root, "code", (uint64_t)status);
	json_add_u64(root, "instances", account->instances);
	json_add_u64(root, "maxInstances", account->max_instances.value);
	json_add_u64(root, "watches", account->watches);
	json_add_u64(root, "maxWatches", account->max_watches.value);
	json_add_bool(root, "complete", account->unreadable == 0);
	json_add_string(root, "canary", canary_to_string(canary));
	if (check->asked_need) {
		json_add_u64(root, "needInstances", check->need_instances);
		json_add_u64(root, "needWatches", check->need_watches);
	}
	return root;
}

int cmd_inotify_check(Cli *cli, int argc, const char **argv)
{
	Check check = {.warning = 80,
		.critical = 95,
		.asked_need = cli->options.need_instances || cli->options.need_watches};
	int r;

	(void)argc;
	(void)argv;
	r = read_options(cli, &check);
	if (r != 0)
		return r;
	_cleanup_(survey_freep) Survey *survey = cli_survey(cli, false);
	if (!survey)
		return CHECK_UNKNOWN;
	/* An ordinary user asks for themself; root for whoever stands closest to a limit, but a
	 * need is always one's own. */
	const SurveyAccount *account = survey->viewer || check.asked_need
					       ? survey_account(survey, survey->viewer)
					       : &survey->accounts[0];
	CanaryResult canary = cli->options.proc ? CANARY_UNKNOWN : inotify_canary("/");
	int status = judge(&check, account, canary);

	if (cli->options.quiet)
		return status;
	if (cli->options.json) {
		r = cli_print_json(cli, check_json(&check, account, canary, status));
	} else {
		print_line(cli, &check, account, canary, status);
		r = cli_show(cli);
	}
	return r == EXIT_DONE ? status : CHECK_UNKNOWN;
}
