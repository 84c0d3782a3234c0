/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash groups: the same crash counted once. */
#include "cli/crash-select.h"
#include "cli/crash-view.h"
#include "cli/info-group.h"

#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"

#define VERSIONS_SHOWN 3

/* clang-format off */
static const TableColumn columns[] = {
	{.title = "COUNT", .right = true}, {.title = "FIRST", .optional = true}, {.title = "LAST"}, {.title = "NEWEST"}, {.title = "SIG"},
	{.title = "PROGRAM", .elastic = true}, {.title = "VERSIONS", .elastic = true, .optional = true}, {.title = "WHERE", .elastic = true},
	{.title = "NOTE", .elastic = true, .optional = true},
};
/* clang-format on */

typedef struct Groups {
	Table *table;
	json_t *groups;
	bool narrow;
	size_t n;
} Groups;

static Crash as_crash(const CrashGroup *group)
{
	Crash crash = CRASH_INIT;

	crash.exe = (char *)group->exe;
	crash.comm = (char *)group->comm;
	memcpy(crash.hash, group->newest, sizeof crash.hash);
	return crash;
}

/* "3.0, 2.1, 1.0"; with more of them, that. */
static void add_versions(Table *table, const char *versions)
{
	_cleanup_(strbuf_done) StrBuf text = {};
	size_t shown = 0;

	for (size_t n; versions && *versions; versions += n + (versions[n] == '\n')) {
		n = strcspn(versions, "\n");
		if (shown++ == VERSIONS_SHOWN) {
			strbuf_add(&text, ", ...");
			break;
		}
		strbuf_add(&text, shown > 1 ? ", " : "");
		strbuf_add_n(&text, versions, n);
	}
	table_add(table, CELL_PLAIN, text.length ? strbuf_text(&text) : NULL);
}

static void add_json(Groups *groups, const CrashGroup *group)
{
	const Crash crash = as_crash(group);
	json_t *root = json_object();
	char id[CRASH_ID_DIGITS + 1], name[16], program[32];

	json_add_string(root, "signature", group->signature);
	json_add_string(root, "title", group->title && *group->title ? group->title : NULL);
	json_add_string(root, "program", crash_program(&crash, program));
	json_add_string(root, "exe", group->exe);
	json_add_u64(root, "count", group->count);
	json_add_u64(root, "first", group->first_realtime);
	json_add_u64(root, "last", group->last_realtime);
	json_add_string(root, "newest", crash_short_id(&crash, id));
	if (group->signal) {
		json_add_u64(root, "signal", (uint64_t)group->signal);
		json_add_string(root, "signalName", crash_signal_name(group->signal, name));
	}
	json_add_bool(root, "muted", group->muted);
	if (group->versions)
		(void)json_object_set_new(root, "versions", info_versions_json(group->versions));
	json_add_string(root, "note", group->note);
	(void)json_array_append_new(groups->groups, root);
}

static int add_note(Table *table, const CrashGroup *group)
{
	_cleanup_(freep) char *both = NULL;

	if (!group->muted || !group->note) {
		table_add(table, group->note ? CELL_PLAIN : CELL_DIM,
			group->muted ? _("muted") : group->note);
		return 0;
	}
	if (asprintf(&both, "%s; %s", _("muted"), group->note) < 0) {
		both = NULL;
		return -ENOMEM;
	}
	table_add(table, CELL_PLAIN, both);
	return 0;
}

static int add_group(const CrashGroup *group, void *userdata)
{
	Groups *groups = userdata;
	const Crash crash = as_crash(group);
	char when[64], id[CRASH_ID_DIGITS + 1], name[16], program[32];
	TimestampForm form = TIMESTAMP_MINUTES;

	groups->n++;
	if (!groups->table) {
		add_json(groups, group);
		return 0;
	}
	(void)crash_short_id(&crash, id);
	if (groups->narrow)
		id[CRASH_SHORT_DIGITS] = '\0';
	table_addf(groups->table, CELL_PLAIN, "%llu", (unsigned long long)group->count);
	/* On a narrow terminal the program and where it crashed are worth more. */
	(void)format_timestamp(group->first_realtime, form, when);
	table_add(groups->table, CELL_DIM, groups->narrow ? NULL : when);
	table_add(groups->table, CELL_PLAIN, format_timestamp(group->last_realtime, form, when));
	table_add(groups->table, CELL_BOLD, id);
	table_add(groups->table, CELL_PLAIN, crash_signal_name(group->signal, name));
	table_add(groups->table, CELL_BOLD, crash_program(&crash, program));
	add_versions(groups->table, groups->narrow ? NULL : group->versions);
	table_add(groups->table, CELL_PLAIN, group->title);
	return add_note(groups->table, group);
}

static int show(Cli *cli, const CrashSource *source, Groups *groups, const char *first)
{
	if (groups->groups) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		(void)json_object_set(root, "groups", groups->groups);
		return cli_print_json(cli, root);
	}
	if (groups->n == 0 && first)
		return cli_fail(EXIT_FAILED, _("No crash matches '%s'."), first);
	if (groups->n == 0)
		cli_note(cli, _("No crashes found."));
	else if (!table_print(groups->table, &cli->out, cli->width, cli->colour,
			 !cli->options.no_legend))
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	crash_source_note(cli, source);
	return cli_show(cli);
}

static int list(Cli *cli, const CrashSource *source, CrashSelection *selection, const char *first)
{
	_cleanup_(table_freep) Table *table =
		cli->options.json ? NULL : table_new(columns, ELEMENTSOF(columns));
	_cleanup_(json_decrefp) json_t *array = cli->options.json ? json_array() : NULL;
	Groups groups = {.table = table, .groups = array, .narrow = cli->width && cli->width < 100};
	int r;

	selection->query.newest_first = !cli->options.reverse; /* here: the biggest */
	r = index_groups(source->index, &selection->query, add_group, &groups);
	if (r == -EINVAL)
		return cli_fail(
			EXIT_USAGE, _("'%s': no such field is indexed."), first ? first : "-");
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r));
	return show(cli, source, &groups, first);
}

int cmd_crash_groups(Cli *cli, int argc, const char **argv)
{
	CrashSelection selection;
	CrashSource source;
	int r;

	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	r = crash_selection_parse(cli, &source, argc, argv, &selection);
	if (r == EXIT_DONE)
		r = list(cli, &source, &selection, argc ? argv[0] : NULL);
	crash_selection_done(&selection);
	crash_source_done(&source);
	return r;
}
