/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil inotify explain: which of the resources behind two lying errors is at its end. */
#include "cli/cli.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "survey/explain.h"
#include <errno.h>

/* clang-format off */
static const TableColumn columns[] = {
	{.title = "RESOURCE", .elastic = true}, {.title = "USED", .right = true}, {.title = "LIMIT", .right = true}, {.title = "STATE"},
	{.title = "ERROR AT ITS END"},
};
/* clang-format on */

static CellStyle state_style(ExplainState state)
{
	static const CellStyle styles[] = {CELL_GOOD, CELL_WARNING, CELL_BAD, CELL_DIM};
	return styles[state];
}

static const char *state_word(ExplainState state)
{
	static const char *const words[] = {N_("ok"), N_("near"), N_("exhausted"), N_("unknown")};
	return _(words[state]);
}

static void add_row(Table *table, const ExplainRow *row)
{
	char used[32], max[32];

	if (row->bytes) {
		(void)format_bytes(row->used, used);
		(void)format_bytes(row->max, max);
	} else {
		(void)snprintf(used, sizeof used, "%llu", (unsigned long long)row->used);
		(void)snprintf(max, sizeof max, "%llu", (unsigned long long)row->max);
	}
	table_add(table, CELL_PLAIN, _(row->what));
	table_add(table, CELL_PLAIN, row->used || row->max ? used : NULL);
	table_add(table, CELL_PLAIN, row->max ? max : NULL);
	table_add(table, state_style(row->state), state_word(row->state));
	table_addf(table, CELL_DIM, "%s", row->error);
}

/* The sentence that a person came for. */
static void add_verdict(Cli *cli, const Explanation *explanation)
{
	bool found = false;

	for (size_t i = 0; i < explanation->n_rows; i++) {
		const ExplainRow *row = &explanation->rows[i];
		if (row->state != EXPLAIN_EXHAUSTED && row->state != EXPLAIN_NEAR)
			continue;
		found = true;
		strbuf_addf(&cli->out,
			row->state == EXPLAIN_EXHAUSTED
				? _("%s%s: used up. Programs get %s (\"%s\").%s\n")
				: _("%s%s: nearly used up; then programs get %s (\"%s\").%s\n"),
			style_on(state_style(row->state), cli->colour), _(row->what), row->error,
			strerror(streq(row->error, "ENOSPC") ? ENOSPC : EMFILE),
			style_off(state_style(row->state), cli->colour));
		if (streq(row->scope, "user"))
			strbuf_addf(&cli->out, _("  To raise it: vigil inotify raise %s\n"),
				strstr(row->what, "watches") ? "watches" : "instances");
	}
	if (!found)
		strbuf_add(&cli->out, _("Nothing that gives these errors is near its end.\n"));
	if (explanation->other_namespace)
		cli_note(cli,
			_("It runs in another user namespace: limits of its own may apply that cannot be seen from here."));
	if (!explanation->complete)
		cli_note(cli,
			_("Some processes of this user could not be read: the inotify figures are lower bounds."));
	if (explanation->queued_events)
		cli_note(cli,
			_("A full event queue (max_queued_events %llu) is another failure: lost events."),
			(unsigned long long)explanation->queued_events);
}

static json_t *explain_json(const Explanation *explanation)
{
	json_t *root = json_object(), *rows = json_array();

	for (size_t i = 0; i < explanation->n_rows; i++) {
		const ExplainRow *row = &explanation->rows[i];
		json_t *object = json_object();
		json_add_string(object, "resource", row->what);
		json_add_string(object, "scope", row->scope);
		json_add_string(object, "error", row->error);
		json_add_u64(object, "used", row->used);
		(void)json_object_set_new(
			object, "max", row->max ? json_integer((json_int_t)row->max) : json_null());
		json_add_string(object, "unit", row->bytes ? "bytes" : "count");
		json_add_string(object, "state", explain_state_to_string(row->state));
		(void)json_array_append_new(rows, object);
	}
	json_add_u64(root, "version", 1);
	json_add_u64(root, "uid", explanation->uid);
	if (explanation->pid)
		json_add_u64(root, "pid", (uint64_t)explanation->pid);
	json_add_string(root, "name", explanation->name);
	if (explanation->canary_asked)
		json_add_string(root, "canary", canary_to_string(explanation->canary));
	json_add_bool(root, "complete", explanation->complete);
	json_add_bool(root, "otherNamespace", explanation->other_namespace);
	(void)json_object_set_new(root, "resources", rows);
	return root;
}

static int show(Cli *cli, const Explanation *explanation)
{
	_cleanup_(table_freep) Table *table = table_new(columns, ELEMENTSOF(columns));

	if (!table)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	for (size_t i = 0; i < explanation->n_rows; i++)
		add_row(table, &explanation->rows[i]);
	if (!table_print(table, &cli->out, cli->width, cli->colour, !cli->options.no_legend))
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	strbuf_add_char(&cli->out, '\n');
	add_verdict(cli, explanation);
	return cli_show(cli);
}

int cmd_inotify_explain(Cli *cli, int argc, const char **argv)
{
	Explanation explanation;
	uint64_t pid = 0;
	int r;

	if (argc > 0 && (parse_u64(argv[0], INT32_MAX, &pid) < 0 || pid == 0))
		return cli_fail(
			EXIT_USAGE, _("'%s' is no PID: expected a number from 1 on."), argv[0]);
	_cleanup_(survey_freep) Survey *survey = cli_survey(cli, false);
	if (!survey)
		return EXIT_FAILED;
	r = survey_explain(survey, cli->proc_fd, (pid_t)pid, &explanation);
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot explain process %d: %s."), (int)pid,
			r == -ESRCH ? _("there is none (it may have ended)") : strerror(-r));
	r = cli->options.json ? cli_print_json(cli, explain_json(&explanation))
			      : show(cli, &explanation);
	explanation_done(&explanation);
	return r;
}
