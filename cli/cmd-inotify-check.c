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

static void add_usage(StrBuf *out, uint64_t used, InotifyLimit limit, const char *what)
{
	if (limit.source == LIMIT_UNKNOWN)
		strbuf_addf(out, _("%llu %s of an unknown limit"), (unsigned long long)used, what);
	else
		strbuf_addf(out, "%llu/%llu %s", (unsigned long long)used,
			(unsigned long long)limit.value, what);
}

/* Which need does not fit, and whether a raise would make room. */
static void add_need(Cli *cli, const Survey *survey, InotifyResource resource, uint64_t used,
	InotifyLimit limit, uint64_t need)
{
	const char *name = inotify_resource_to_string(resource);

	if (judge_need(used, limit, need) != CHECK_CRITICAL)
		return;
	strbuf_addf(&cli->out, _("; %llu more %s do not fit"), (unsigned long long)need, name);
	if (limit.source == LIMIT_FS &&
		need + used <= inotify_limit_cap(resource, survey->limits.memory_bytes))
		strbuf_addf(&cli->out, _(" ('vigil inotify raise %s' can make room)"), name);
}

/* Performance data as the monitoring plugins' guidelines want it: value;warn;crit;min;max, and
 * nothing after the value where the limit is unknown. */
static void add_perfdata(
	StrBuf *out, const char *label, uint64_t used, InotifyLimit limit, const Check *check)
{
	strbuf_addf(out, " %s=%llu", label, (unsigned long long)used);
	if (limit.source != LIMIT_UNKNOWN)
		strbuf_addf(out, ";%llu;%llu;0;%llu",
			(unsigned long long)(limit.value * check->warning / 100),
			(unsigned long long)(limit.value * check->critical / 100),
			(unsigned long long)limit.value);
}

static void print_line(Cli *cli, const Check *check, const Survey *survey,
	const SurveyAccount *account, CanaryResult canary, int status)
{
	StrBuf *out = &cli->out;

	strbuf_addf(out, "INOTIFY %s - ", status_names[status]);
	add_usage(out, account->instances, account->max_instances, _("instances"));
	strbuf_add(out, ", ");
	add_usage(out, account->watches, account->max_watches, _("watches"));
	if (account->unreadable)
		strbuf_add(out, _(" (at least)"));
	if (canary == CANARY_INSTANCES_EXHAUSTED)
		strbuf_add(out, _("; the kernel refuses more instances"));
	else if (canary == CANARY_WATCHES_EXHAUSTED)
		strbuf_add(out, _("; the kernel refuses more watches"));
	add_need(cli, survey, INOTIFY_INSTANCES, account->instances, account->max_instances,
		check->need_instances);
	add_need(cli, survey, INOTIFY_WATCHES, account->watches, account->max_watches,
		check->need_watches);
	strbuf_add(out, " |");
	add_perfdata(out, "instances", account->instances, account->max_instances, check);
	add_perfdata(out, "watches", account->watches, account->max_watches, check);
	strbuf_add_char(out, '\n');
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
		print_line(cli, &check, survey, account, canary, status);
		r = cli_show(cli);
	}
	return r == EXIT_DONE ? status : CHECK_UNKNOWN;
}
