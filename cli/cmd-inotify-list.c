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

static int64_t order(const SurveyGroup *a, const SurveyGroup *b, const char *key)
{
	if (streq(key, "instances"))
		return (int64_t)b->instances - (int64_t)a->instances;
	if (streq(key, "name"))
		return strcmp(a->label, b->label);
	if (streq(key, "pid"))
		return a->pid - b->pid;
	if (streq(key, "user"))
		return (int64_t)a->uid - (int64_t)b->uid;
	return (int64_t)b->watches - (int64_t)a->watches;
}

/* Equal ones: more instances first, then by pid, so that two calls show the same order. */
static int compare(const void *a, const void *b, void *key)
{
	const SurveyGroup *x = a, *y = b;
	int64_t r = order(x, y, key);

	if (r == 0)
		r = (int64_t)y->instances - (int64_t)x->instances;
	if (r == 0)
		r = x->pid - y->pid;
	return r < 0 ? -1 : r > 0;
}

/* Puts the groups in the order asked for, the biggest -n of them first. Gives how many to show. */
static size_t arrange(const CliOptions *options, SurveyGroup *groups, size_t n, long max_rows)
{
	const char *key = options->sort ? options->sort : "watches";

	qsort_r(groups, n, sizeof *groups, compare, (void *)key);
	if (max_rows)
		n = MIN_OF(n, (size_t)max_rows);
	for (size_t i = 0; options->reverse && i < n / 2; i++) {
		SurveyGroup other = groups[i];
		groups[i] = groups[n - 1 - i];
		groups[n - 1 - i] = other;
	}
	return n;
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
	{.title = "NAME", .elastic = true, .path = true},
};
/* clang-format on */

#define ACCOUNTS_NOTED 8 /* below a table; --json has them all */

static void add_usage(StrBuf *out, const char *what, uint64_t used, InotifyLimit limit)
{
	char percent[32];

	if (limit.source == LIMIT_UNKNOWN)
		strbuf_addf(out, _("%llu %s (limit unknown)"), (unsigned long long)used, what);
	else
		strbuf_addf(out, _("%llu of %llu %s (%s)"), (unsigned long long)used,
			(unsigned long long)limit.value, what,
			cli_percent(inotify_limit_percent(used, limit), percent));
}

static void note_account(Cli *cli, const SurveyAccount *account)
{
	_cleanup_(strbuf_done) StrBuf line = {};

	escape_terminal(&line, account->name, strlen(account->name));
	strbuf_add(&line, ": ");
	add_usage(&line, _("instances"), account->instances, account->max_instances);
	strbuf_add(&line, ", ");
	add_usage(&line, _("watches"), account->watches, account->max_watches);
	if (account->unreadable)
		strbuf_add(&line, _(", at least"));
	else if (account->approximate)
		strbuf_add(&line, _(", about"));
	cli_note(cli, "%s", strbuf_text(&line));
}

static void note_accounts(Cli *cli, const Survey *survey)
{
	size_t noted = 0, more = 0;

	for (size_t i = 0; i < survey->n_accounts; i++) {
		const SurveyAccount *account = &survey->accounts[i];
		if (!account->instances && account->uid != survey->viewer)
			continue;
		if (noted < ACCOUNTS_NOTED || account->uid == survey->viewer) {
			note_account(cli, account);
			noted++;
		} else {
			more++;
		}
	}
	if (more)
		cli_note(cli, P_("and %zu user more", "and %zu users more", more), more);
}

static void note_survey(Cli *cli, const Survey *survey)
{
	if (survey->n_processes == survey->unreadable)
		cli_note(cli, _("No process that can be seen holds an inotify instance."));
	cli_note(cli, "%s", "");
	note_accounts(cli, survey);
	if (survey->unreadable)
		cli_note(cli,
			_("%u processes seen, %u hidden (could not be read): the figures are a lower bound."),
			survey->scanned - survey->unreadable, survey->unreadable);
	if (survey->hidden)
		cli_note(cli,
			_("/proc hides processes from you (hidepid=): the figures are a lower bound."));
	if (survey->approximate)
		cli_note(cli,
			_("Some shared instances could not be told apart: the figures are approximate."));
}

static int show(Cli *cli, const Survey *survey, const SurveyGroup *groups, size_t n, SurveyKey key)
{
	bool by_process = key == SURVEY_BY_PROCESS;
	_cleanup_(table_freep) Table *table =
		by_process ? table_new(process_columns, ELEMENTSOF(process_columns))
			   : table_new(group_columns, ELEMENTSOF(group_columns));

	if (!table)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	for (size_t i = 0; i < n; i++)
		if (by_process)
			add_process_row(table, survey, &groups[i]);
		else
			add_group_row(table, &groups[i]);
	if (!table_print(table, &cli->out, cli->width, cli->colour, !cli->options.no_legend))
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	note_survey(cli, survey);
	return cli_show(cli);
}

static json_int_t pid_at(const json_t *processes, size_t i)
{
	return json_integer_value(json_object_get(json_array_get(processes, i), "pid"));
}

/* The process of that pid in processes[], which is sorted by pid; NULL: none. Borrowed. */
static json_t *find_process(const json_t *processes, json_int_t pid)
{
	size_t low = 0, high = json_array_size(processes);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (pid_at(processes, middle) < pid)
			low = middle + 1;
		else
			high = middle;
	}
	json_t *found = json_array_get(processes, low);
	return found && pid_at(processes, low) == pid ? found : NULL;
}

/* The processes[] of a survey in the order of the rows, and no others. */
static json_t *arranged_processes(const json_t *processes, const SurveyGroup *groups, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *process = find_process(processes, groups[i].pid);
		if (process)
			(void)json_array_append(array, process);
	}
	return array;
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

/* Without -n, --sort and -r processes[] is whole, with those that could not be read. */
static int print_json(Cli *cli, const Survey *survey, Selection *selection,
	const SurveyGroup *groups, size_t n, SurveyKey key)
{
	bool arranged = cli->max_rows || cli->options.sort || cli->options.reverse;

	selection->unreadable_too = true;
	json_t *root = survey_to_json(survey, selected, selection);
	if (root && key != SURVEY_BY_PROCESS)
		(void)json_object_set_new(root, "groups", groups_json(groups, n));
	else if (root && arranged)
		(void)json_object_set_new(root, "processes",
			arranged_processes(json_object_get(root, "processes"), groups, n));
	return cli_print_json(cli, root);
}

static int no_match(const char *pattern)
{
	const char *near = cli_nearest_command("inotify", pattern);

	if (near)
		return cli_fail(EXIT_FAILED,
			_("No process that holds inotify instances matches '%s'. Did you mean 'vigil inotify %s'?"),
			pattern, near);
	return cli_fail(
		EXIT_FAILED, _("No process that holds inotify instances matches '%s'."), pattern);
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
	size_t shown = arrange(&cli->options, groups, n, cli->max_rows);

	if (cli->options.json)
		r = print_json(cli, survey, &selection, groups, shown, key);
	else if (argc && n == 0)
		r = no_match(argv[0]);
	else
		r = show(cli, survey, groups, shown, key);
	survey_groups_free(groups, n);
	return r;
}
