/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil inotify limits: what the limits are, which binds, and what watches cost. */
#include "cli/cli.h"

#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"

/* clang-format off */
static const TableColumn columns[] = {
	{.title = "LIMIT"}, {.title = "VALUE", .right = true}, {.title = "USED", .right = true}, {.title = "SHARE", .right = true},
	{.title = "NOTE"},
};
/* clang-format on */

static void add_limit(
	Table *table, const char *name, InotifyLimit limit, InotifyLimit binding, uint64_t used)
{
	double percent = inotify_limit_percent(used, limit);
	bool binds = limit.source != LIMIT_UNKNOWN && limit.source == binding.source;
	char text[32];

	table_add(table, binds ? CELL_BOLD : CELL_PLAIN, name);
	if (limit.source == LIMIT_UNKNOWN)
		table_add(table, CELL_DIM, _("unknown"));
	else
		table_addf(table, CELL_PLAIN, "%llu", (unsigned long long)limit.value);
	table_addf(table, CELL_PLAIN, "%llu", (unsigned long long)used);
	table_add(table, cli_level_style(percent), cli_percent(percent, text));
	table_add(table, CELL_DIM, binds ? _("binds") : NULL);
}

static void add_queue(Table *table, InotifyLimit limit)
{
	table_add(table, CELL_PLAIN, "fs.inotify.max_queued_events");
	if (limit.source == LIMIT_UNKNOWN)
		table_add(table, CELL_DIM, _("unknown"));
	else
		table_addf(table, CELL_PLAIN, "%llu", (unsigned long long)limit.value);
	table_add(table, CELL_DIM, NULL);
	table_add(table, CELL_DIM, NULL);
	table_add(table, CELL_DIM, _("per instance"));
}

static void note_cost(Cli *cli, const InotifyLimits *limits, const SurveyAccount *account)
{
	char now[32], worst[32];

	cli_note(cli, "%s", "");
	cli_note(cli, _("Watches use %s of kernel memory now, %s at the limit (%llu bytes each)."),
		format_bytes(account->watches * limits->watch_cost_bytes, now),
		limits->watches.source == LIMIT_UNKNOWN
			? _("unknown")
			: format_bytes(limits->watches.value * limits->watch_cost_bytes, worst),
		(unsigned long long)limits->watch_cost_bytes);
	if (limits->default_watches)
		cli_note(cli,
			_("The kernel's own default for this machine's memory: %llu watches."),
			(unsigned long long)limits->default_watches);
	if (limits->in_child_userns)
		cli_note(cli,
			_("This is a user namespace: limits further out apply too, unseen from here."));
	if (account->unreadable)
		cli_note(cli,
			P_("USED is a lower bound: %u process could not be read.",
				"USED is a lower bound: %u processes could not be read.",
				account->unreadable),
			account->unreadable);
}

int cmd_inotify_limits(Cli *cli, int argc, const char **argv)
{
	(void)argc;
	(void)argv;
	_cleanup_(survey_freep) Survey *survey = cli_survey(cli, false);
	if (!survey)
		return EXIT_FAILED;
	const InotifyLimits *limits = &survey->limits;
	const SurveyAccount *account = survey_account(survey, survey->viewer);

	if (cli->options.json) {
		json_t *root = survey_limits_to_json(limits);
		json_add_u64(root, "version", 1);
		json_add_u64(root, "instances", account->instances);
		json_add_u64(root, "watches", account->watches);
		json_add_bool(root, "complete", account->unreadable == 0);
		return cli_print_json(cli, root);
	}

	_cleanup_(table_freep) Table *table = table_new(columns, ELEMENTSOF(columns));
	if (!table)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	add_limit(table, "fs.inotify.max_user_instances", limits->fs_instances, limits->instances,
		account->instances);
	add_limit(table, "user.max_inotify_instances", limits->ns_instances, limits->instances,
		account->instances);
	add_limit(table, "fs.inotify.max_user_watches", limits->fs_watches, limits->watches,
		account->watches);
	add_limit(table, "user.max_inotify_watches", limits->ns_watches, limits->watches,
		account->watches);
	add_queue(table, limits->queued_events);
	if (!table_print(table, &cli->out, cli->width, cli->colour, !cli->options.no_legend))
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	note_cost(cli, limits, account);
	return cli_show(cli);
}
