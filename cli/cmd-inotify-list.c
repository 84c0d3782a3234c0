/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil inotify list: who holds what. */
#include "cli/cli.h"

#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include <fnmatch.h>

typedef struct Selection {
	const char **patterns;
	int n;
	bool unreadable_too;
} Selection;

static bool matches_text(const char *pattern, const char *text)
{
	if (!text)
		return false;
	return strpbrk(pattern, "*?[") ? fnmatch(pattern, text, 0) == 0
				       : strcasestr(text, pattern) != NULL;
}

static bool selected(const SurveyProcess *process, void *userdata)
{
	const Selection *selection = userdata;

	if (!process->readable && selection->n == 0)
		return selection->unreadable_too;
	for (int i = 0; i < selection->n; i++) {
		const char *pattern = selection->patterns[i];
		uint64_t pid;
		if (parse_u64(pattern, INT32_MAX, &pid) == 0) {
			if (process->pid == (pid_t)pid)
				return true;
			continue;
		}
		if (matches_text(pattern, process->app_name) ||
			matches_text(pattern, process->exe) ||
			matches_text(pattern, process->comm) ||
			matches_text(pattern, process->unit) ||
			matches_text(pattern, process->app_id))
			return true;
	}
	return selection->n == 0;
}

static const char *sort_key;

static int64_t order(const SurveyGroup *a, const SurveyGroup *b)
{
	if (streq(sort_key, "instances"))
		return (int64_t)b->instances - (int64_t)a->instances;
	if (streq(sort_key, "name"))
		return strcmp(a->label, b->label);
	if (streq(sort_key, "pid"))
		return a->pid - b->pid;
	if (streq(sort_key, "user"))
		return (int64_t)a->uid - (int64_t)b->uid;
	return (int64_t)b->watches - (int64_t)a->watches;
}

static int compare(const void *a, const void *b)
{
	int64_t r = order(a, b);

	if (r == 0)
		r = (int64_t)((const SurveyGroup *)b)->instances -
		    (int64_t)((const SurveyGroup *)a)->instances;
	return r < 0 ? -1 : r > 0;
}

static const char *user_of(const Survey *survey, uid_t uid, char buf[static 16])
{
	const SurveyAccount *account = survey_account(survey, uid);

	if (account)
		return account->name;
	(void)snprintf(buf, 16, "%u", uid);
	return buf;
}

static void add_process_row(Table *table, const Survey *survey, const SurveyGroup *group)
{
	const SurveyProcess *process = group->example;
	char user[16];

	table_addf(table, CELL_PLAIN, "%d", process->pid);
	table_add(table, CELL_PLAIN, user_of(survey, process->uid, user));
	if (process->readable) {
		table_addf(table, CELL_PLAIN, "%u", process->instances);
		table_addf(table, CELL_PLAIN, "%llu", (unsigned long long)process->watches);
	} else {
		table_add(table, CELL_DIM, "?");
		table_add(table, CELL_DIM, "?");
	}
	if (process->shared)
		table_addf(table, CELL_PLAIN, "%u", process->shared);
	else
		table_add(table, CELL_DIM, NULL);
	if (process->fanotify_groups)
		table_addf(table, CELL_PLAIN, "%u/%llu", process->fanotify_groups,
			(unsigned long long)process->fanotify_marks);
	else
		table_add(table, CELL_DIM, NULL);
	table_add(table, CELL_BOLD, process->app_name);
	table_add(table, CELL_DIM, process->cmdline ? process->cmdline : process->comm);
}

static void add_group_row(Table *table, const SurveyGroup *group)
{
	table_addf(table, CELL_PLAIN, "%u", group->processes);
	table_addf(table, CELL_PLAIN, "%llu", (unsigned long long)group->instances);
	table_addf(table, CELL_PLAIN, "%llu", (unsigned long long)group->watches);
	if (group->shared)
		table_addf(table, CELL_PLAIN, "%u", group->shared);
	else
		table_add(table, CELL_DIM, NULL);
	if (group->fanotify_groups)
		table_addf(table, CELL_PLAIN, "%llu/%llu",
			(unsigned long long)group->fanotify_groups,
			(unsigned long long)group->fanotify_marks);
	else
		table_add(table, CELL_DIM, NULL);
	table_add(table, CELL_BOLD, group->label);
}

/* clang-format off */
static const TableColumn process_columns[] = {
	{.title = "PID", .right = true}, {.title = "USER"}, {.title = "INSTANCES", .right = true}, {.title = "WATCHES", .right = true},
	{.title = "SHARED", .right = true, .optional = true}, {.title = "FANOTIFY", .right = true, .optional = true},
	{.title = "PROGRAM", .elastic = true}, {.title = "COMMAND", .elastic = true},
};
static const TableColumn group_columns[] = {
	{.title = "PROCESSES", .right = true}, {.title = "INSTANCES", .right = true}, {.title = "WATCHES", .right = true},
	{.title = "SHARED", .right = true, .optional = true}, {.title = "FANOTIFY", .right = true, .optional = true},
	{.title = "NAME", .elastic = true},
};
/* clang-format on */

static void note_accounts(Cli *cli, const Survey *survey)
{
	char percent[2][32];

	for (size_t i = 0; i < survey->n_accounts && i < 8; i++) {
		const SurveyAccount *account = &survey->accounts[i];
		if (!account->instances && account->uid != survey->viewer)
			continue;
		_cleanup_(freep) char *name = escaped_terminal(account->name);
		cli_note(cli, _("%s: %llu of %llu instances (%s), %llu of %llu watches (%s)%s"),
			name ? name : "?", (unsigned long long)account->instances,
			(unsigned long long)account->max_instances.value,
			cli_percent(account->instance_percent, percent[0]),
			(unsigned long long)account->watches,
			(unsigned long long)account->max_watches.value,
			cli_percent(account->watch_percent, percent[1]),
			account->unreadable ? _(", at least") : "");
	}
}

static void note_survey(Cli *cli, const Survey *survey)
{
	if (cli->out.length && survey->n_processes == survey->unreadable)
		cli_note(cli, _("No process that can be seen holds an inotify instance."));
	strbuf_add_char(&cli->out, '\n');
	note_accounts(cli, survey);
	if (survey->unreadable)
		cli_note(cli,
			P_("%u process could not be read: the figures are a lower bound.",
				"%u processes could not be read: the figures are a lower bound.",
				survey->unreadable),
			survey->unreadable);
	if (survey->hidden)
		cli_note(cli,
			_("/proc hides processes from you (hidepid=): the figures are a lower bound."));
	if (survey->approximate)
		cli_note(cli,
			_("Some shared instances could not be told apart: the figures are approximate."));
}

static int show(Cli *cli, const Survey *survey, SurveyGroup *groups, size_t n, SurveyKey key)
{
	bool by_process = key == SURVEY_BY_PROCESS;
	_cleanup_(table_freep) Table *table =
		by_process ? table_new(process_columns, ELEMENTSOF(process_columns))
			   : table_new(group_columns, ELEMENTSOF(group_columns));

	if (!table)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	sort_key = cli->options.sort ? cli->options.sort : "watches";
	qsort(groups, n, sizeof *groups, compare);
	size_t shown = cli->max_rows ? MIN_OF(n, (size_t)cli->max_rows) : n;
	for (size_t i = 0; i < shown; i++) {
		const SurveyGroup *group = &groups[cli->options.reverse ? shown - 1 - i : i];
		if (by_process)
			add_process_row(table, survey, group);
		else
			add_group_row(table, group);
	}
	if (!table_print(table, &cli->out, cli->width, cli->colour, !cli->options.no_legend))
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (!cli->options.no_legend)
		note_survey(cli, survey);
	return cli_show(cli);
}

static json_t *groups_json(const SurveyGroup *groups, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *group = json_object();
		json_add_string(group, "name", groups[i].label);
		json_add_u64(group, "processes", groups[i].processes);
		json_add_u64(group, "instances", groups[i].instances);
		json_add_u64(group, "watches", groups[i].watches);
		json_add_u64(group, "shared", groups[i].shared);
		(void)json_array_append_new(array, group);
	}
	return array;
}

static int check_choices(const Cli *cli, SurveyKey *ret)
{
	static const char *const keys[] = {"watches", "instances", "name", "pid", "user", NULL};
	bool known = !cli->options.sort;

	*ret = cli->options.by ? survey_key_from_string(cli->options.by) : SURVEY_BY_PROCESS;
	if (*ret == SURVEY_KEY_INVALID)
		return cli_fail(EXIT_USAGE,
			_("--by=%s: expected process, exe, app, unit, container or user."),
			cli->options.by);
	for (size_t i = 0; keys[i] && !known; i++)
		known = streq(keys[i], cli->options.sort);
	if (!known)
		return cli_fail(EXIT_USAGE,
			_("--sort=%s: expected watches, instances, name, pid or user."),
			cli->options.sort);
	return EXIT_DONE;
}

int cmd_inotify_list(Cli *cli, int argc, const char **argv)
{
	Selection selection = {.patterns = argv, .n = argc};
	SurveyGroup *groups;
	SurveyKey key;
	size_t n;
	int r;

	r = check_choices(cli, &key);
	if (r != EXIT_DONE)
		return r;
	_cleanup_(survey_freep) Survey *survey = cli_survey(cli, false);
	if (!survey)
		return EXIT_FAILED;
	r = survey_group(survey, key, selected, &selection, &groups, &n);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Out of memory."));

	if (cli->options.json) {
		selection.unreadable_too = true;
		json_t *root = survey_to_json(survey, selected, &selection);
		if (root && key != SURVEY_BY_PROCESS)
			(void)json_object_set_new(root, "groups", groups_json(groups, n));
		r = cli_print_json(cli, root);
	} else if (argc && n == 0) {
		r = cli_fail(EXIT_FAILED,
			_("No process that holds inotify instances matches '%s'."), argv[0]);
	} else {
		r = show(cli, survey, groups, n, key);
	}
	survey_groups_free(groups, n);
	return r;
}
