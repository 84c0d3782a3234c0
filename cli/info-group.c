/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/info-group.h"

#include "cli/crash-view.h"
#include "cli/info-lines.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"

#define SIMILAR_MAX 20

static int keep(const CrashGroup *group, void *userdata)
{
	InfoGroup *ret = userdata;

	*ret = (InfoGroup){
		.count = group->count,
		.first_realtime = group->first_realtime,
		.last_realtime = group->last_realtime,
		.versions = group->versions ? strdup(group->versions) : NULL,
		.note = group->note ? strdup(group->note) : NULL,
		.muted = group->muted,
	};
	return (group->versions && !ret->versions) || (group->note && !ret->note) ? -ENOMEM : 0;
}

int info_group_read(const CrashSource *source, const char *signature, InfoGroup *ret)
{
	const CrashMatch match = {.field = "signature", .value = signature};
	const CrashQuery query = {.matches = &match, .n_matches = 1};
	InfoGroup group = {};
	int r;

	r = index_groups(source->index, &query, keep, &group);
	if (r < 0) {
		info_group_done(&group);
		return r;
	}
	*ret = group;
	return 0;
}

void info_group_done(InfoGroup *group)
{
	free(group->versions);
	free(group->note);
	*group = (InfoGroup){};
}

void info_group(Cli *cli, const InfoGroup *group)
{
	char first[64], last[64];

	if (group->count > 1)
		info_textf(cli, _("Group"),
			P_("%llu crash like this, first %s, last %s",
				"%llu crashes like this, first %s, last %s", group->count),
			(unsigned long long)group->count,
			format_timestamp(group->first_realtime, TIMESTAMP_MINUTES, first),
			format_relative(group->last_realtime, now_usec(CLOCK_REALTIME), last));
	if (group->muted)
		info_text(cli, group->count > 1 ? "" : _("Group"),
			_("muted: nobody is told of them"));
	info_text(cli, _("Versions"), group->versions);
	info_text(cli, _("Own Note"), group->note);
}

json_t *info_versions_json(const char *versions)
{
	json_t *array = json_array();

	for (size_t n; versions && *versions; versions += n + (versions[n] == '\n')) {
		n = strcspn(versions, "\n");
		(void)json_array_append_new(array, json_text(versions, n));
	}
	return array;
}

json_t *info_group_json(const InfoGroup *group)
{
	json_t *root = json_object();

	json_add_u64(root, "count", group->count);
	json_add_u64(root, "first", group->first_realtime);
	json_add_u64(root, "last", group->last_realtime);
	json_add_bool(root, "muted", group->muted);
	if (group->versions)
		(void)json_object_set_new(root, "versions", info_versions_json(group->versions));
	json_add_string(root, "note", group->note);
	return root;
}

/* ---- the others ------------------------------------------------------------------------------ */

typedef struct Similar {
	const CrashSource *source;
	const CrashRow *of;
	Table *table;
	json_t *crashes;
	size_t n;
} Similar;

static int add_similar(const CrashRow *row, void *userdata)
{
	Similar *similar = userdata;
	char when[64], id[CRASH_ID_DIGITS + 1], user[64];
	CoreInfo core;

	if (streq(row->crash.hash, similar->of->crash.hash))
		return 0;
	similar->n++;
	if (similar->crashes)
		return json_array_append_new(
			       similar->crashes, crash_row_json(similar->source, row, false)) < 0
			       ? -ENOMEM
			       : 0;
	crash_core_look(similar->source, row, &core, NULL);
	table_add(similar->table, CELL_BOLD, crash_short_id(&row->crash, id));
	table_add(similar->table, CELL_PLAIN,
		format_timestamp(row->crash.when_realtime, TIMESTAMP_SECONDS, when));
	table_addf(similar->table, CELL_PLAIN, "%d", row->crash.pid);
	table_add(similar->table, CELL_PLAIN, crash_user_name(row->crash.uid, user));
	table_add(similar->table, CELL_PLAIN, row->version);
	table_add(similar->table, crash_core_style(core.state), core_state_to_string(core.state));
	return 0;
}

static int show_similar(Cli *cli, const Similar *similar)
{
	char id[CRASH_ID_DIGITS + 1];

	if (similar->crashes) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		(void)json_object_set(root, "crashes", similar->crashes);
		return cli_print_json(cli, root);
	}
	if (similar->n == 0)
		cli_note(cli, _("No other crash is like %s."),
			crash_short_id(&similar->of->crash, id));
	else if (!table_print(similar->table, &cli->out, cli->width, cli->colour,
			 !cli->options.no_legend))
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	uint64_t all = crash_repeats(similar->source, similar->of);
	if (all > similar->n + 1)
		cli_note(cli, _("vigil crash list signature=%s shows all %llu of them."),
			similar->of->signature, (unsigned long long)all);
	return cli_show(cli);
}

int info_similar(Cli *cli, const CrashSource *source, const CrashRow *row)
{
	static const TableColumn columns[] = {{.title = "ID"}, {.title = "TIME"},
		{.title = "PID", .right = true}, {.title = "USER", .varied = true},
		{.title = "VERSION", .elastic = true, .optional = true}, {.title = "COREFILE"}};
	const CrashMatch match = {.field = "signature", .value = row->signature};
	const CrashQuery query = {.matches = &match,
		.n_matches = 1,
		.limit = cli->options.json ? 0 : SIMILAR_MAX + 1};
	_cleanup_(table_freep) Table *table = table_new(columns, ELEMENTSOF(columns));
	_cleanup_(json_decrefp) json_t *crashes = cli->options.json ? json_array() : NULL;
	Similar similar = {.source = source, .of = row, .table = table, .crashes = crashes};
	int r;

	r = table ? index_query(source->index, &query, add_similar, &similar) : -ENOMEM;
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r));
	return show_similar(cli, &similar);
}
