/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash list: coredumpctl's columns, an id for each crash, and the host where there are
 * several. */
#include "cli/crash-select.h"
#include "cli/crash-view.h"

#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "coredump/core-store.h"
#include <glib.h>

/* Below this width ids and times are shortened, and what all rows share is left out. */
#define NARROW_COLUMNS 100

typedef struct Listing {
	Cli *cli;
	const CrashSource *source;
	Table *table;
	json_t *crashes; /* with --json */
	bool narrow;
	bool present; /* only those */
	size_t shown, unverified;
	GPtrArray *untold; /* hashes of those that somebody sees here first; NULL: nobody looks */
} Listing;

enum {
	COLUMN_ID,
	COLUMN_TIME,
	COLUMN_PID,
	COLUMN_UID,
	COLUMN_SIGNAL,
	COLUMN_CORE,
	COLUMN_EXE,
	COLUMN_SIZE,
	COLUMN_HOST,
	COLUMN_NOTE,
	COLUMN_MAX,
};

/* clang-format off */
static const TableColumn wide_columns[COLUMN_MAX] = {
	[COLUMN_ID]     = {.title = "ID"},
	[COLUMN_TIME]   = {.title = "TIME"},
	[COLUMN_PID]    = {.title = "PID", .right = true},
	[COLUMN_UID]    = {.title = "UID", .right = true},
	[COLUMN_SIGNAL] = {.title = "SIG"},
	[COLUMN_CORE]   = {.title = "COREFILE"},
	[COLUMN_EXE]    = {.title = "EXE", .elastic = true, .path = true},
	[COLUMN_SIZE]   = {.title = "SIZE", .right = true},
	[COLUMN_HOST]   = {.title = "HOST", .elastic = true, .varied = true},
	[COLUMN_NOTE]   = {.title = "NOTE", .elastic = true, .optional = true},
};
static const TableColumn narrow_columns[COLUMN_MAX] = {
	[COLUMN_ID]     = {.title = "ID"},
	[COLUMN_TIME]   = {.title = "TIME"},
	[COLUMN_PID]    = {.title = "PID", .right = true},
	[COLUMN_UID]    = {.title = "UID", .right = true, .varied = true},
	[COLUMN_SIGNAL] = {.title = "SIG"},
	[COLUMN_CORE]   = {.title = "COREFILE"},
	[COLUMN_EXE]    = {.title = "EXE", .elastic = true, .path = true},
	[COLUMN_SIZE]   = {.title = "SIZE", .right = true, .optional = true},
	[COLUMN_HOST]   = {.title = "HOST", .elastic = true, .varied = true},
	[COLUMN_NOTE]   = {.title = "NOTE", .elastic = true, .optional = true},
};
/* clang-format on */

static void add_row(Listing *listing, const CrashRow *row, const CoreInfo *core)
{
	const Crash *crash = &row->crash;
	Table *table = listing->table;
	char buf[96], when[64], name[16], id[CRASH_ID_DIGITS + 1] = "";

	memcpy(id, crash->hash, listing->narrow ? CRASH_SHORT_DIGITS : CRASH_ID_DIGITS);
	table_add(table, CELL_BOLD, id);
	table_add(table, CELL_PLAIN,
		format_timestamp(crash->when_realtime,
			listing->narrow ? TIMESTAMP_MINUTES : TIMESTAMP_SECONDS, when));
	table_add_u64(table, CELL_PLAIN, (uint64_t)crash->pid);
	if (crash->uid == CRASH_UID_UNKNOWN)
		table_add(table, CELL_PLAIN, NULL);
	else
		table_add_u64(table, CELL_PLAIN, crash->uid);
	table_add(table, CELL_PLAIN, crash_signal_name(crash->signal, name));
	table_add(table, crash_core_style(core->state), core_state_to_string(core->state));
	table_add(table, CELL_PLAIN, crash->exe ? crash->exe : crash->comm);
	table_add(table, CELL_PLAIN, core->disk_bytes ? format_bytes(core->disk_bytes, buf) : NULL);
	table_add(table, CELL_PLAIN, crash->hostname);
	table_add(table, CELL_WARNING, crash_marks(row, buf));
}

static bool is_there(CoreState state)
{
	return state == CORE_PRESENT || state == CORE_TRUNCATED || state == CORE_JOURNAL ||
	       state == CORE_INACCESSIBLE;
}

static int show_row(const CrashRow *row, void *userdata)
{
	Listing *listing = userdata;
	CoreInfo core;

	if (listing->crashes && !listing->present) {
		listing->shown++;
		return json_array_append_new(
			       listing->crashes, crash_row_json(listing->source, row, false)) < 0
			       ? -ENOMEM
			       : 0;
	}
	crash_core_look(listing->source, row, &core, NULL);
	if (listing->present && !is_there(core.state))
		return 0;
	listing->shown++;
	listing->unverified += row->crash.trust != CRASH_GENUINE;
	if (listing->untold && row->told == CRASH_UNTOLD)
		g_ptr_array_add(listing->untold, g_strdup(row->crash.hash));
	if (listing->table)
		add_row(listing, row, &core);
	else
		(void)json_array_append_new(
			listing->crashes, crash_row_json(listing->source, row, false));
	return 0;
}

/* ---- --present with -n ----------------------------------------------------------------------- */

typedef struct Counting {
	const CrashSource *source;
	unsigned left;
	usec_t since_realtime;
} Counting;

static int count_present(const CrashRow *row, void *userdata)
{
	Counting *counting = userdata;
	CoreInfo core;

	crash_core_look(counting->source, row, &core, NULL);
	if (!is_there(core.state))
		return 0;
	counting->since_realtime = row->crash.when_realtime;
	return --counting->left == 0;
}

/* The index cannot tell whether a core is there: the N newest of those are found first, and the
 * list begins with the oldest of them. */
static int limit_present(const CrashSource *source, CrashQuery *query)
{
	Counting counting = {.source = source, .left = query->limit};
	CrashQuery newest = *query;
	int r;

	if (query->limit == 0)
		return 0;
	newest.limit = 0;
	newest.newest_first = true;
	r = index_query(source->index, &newest, count_present, &counting);
	query->limit = 0;
	query->since_realtime = MAX_OF(query->since_realtime, counting.since_realtime);
	return MIN_OF(r, 0);
}

/* ---- -F ------------------------------------------------------------------------------------- */

typedef struct Values {
	const char *field;
	const CrashText *text;
	GHashTable *seen;
	GPtrArray *order;
} Values;

static const char *value_of(const CrashRow *row, const Values *values, char buf[static 64])
{
	const Crash *crash = &row->crash;

	if (values->text)
		return crash_text(crash, values->text);
	if (streq(values->field, "COREDUMP_PID"))
		(void)snprintf(buf, 64, "%d", crash->pid);
	else if (streq(values->field, "COREDUMP_UID") && crash->uid != CRASH_UID_UNKNOWN)
		(void)snprintf(buf, 64, "%u", crash->uid);
	else if (streq(values->field, "COREDUMP_GID") && crash->gid != (gid_t)-1)
		(void)snprintf(buf, 64, "%u", crash->gid);
	else if (streq(values->field, "COREDUMP_SIGNAL") && crash->signal)
		(void)snprintf(buf, 64, "%d", crash->signal);
	else if (streq(values->field, "COREDUMP_SIGNAL_NAME") && crash->signal)
		return crash_signal_name(crash->signal, buf);
	else if (streq(values->field, "COREDUMP_TIMESTAMP"))
		(void)snprintf(buf, 64, "%llu", (unsigned long long)crash->when_realtime);
	else if (streq(values->field, "_BOOT_ID"))
		return crash->boot_id[0] ? crash->boot_id : NULL;
	else if (streq(values->field, "_MACHINE_ID"))
		return crash->machine_id[0] ? crash->machine_id : NULL;
	else
		return json_string_value(json_object_get(crash->fields, values->field));
	return buf[0] ? buf : NULL;
}

static int add_value(const CrashRow *row, void *userdata)
{
	Values *values = userdata;
	char buf[64] = "";
	const char *value = value_of(row, values, buf);

	if (!value || g_hash_table_contains(values->seen, value))
		return 0;
	char *copy = g_strdup(value);
	(void)g_hash_table_add(values->seen, copy);
	g_ptr_array_add(values->order, copy);
	return 0;
}

static int show_values(Cli *cli, const Values *values)
{
	if (cli->options.json) {
		json_t *root = json_object(), *array = json_array();
		json_add_u64(root, "version", 1);
		json_add_string(root, "field", values->field);
		for (guint i = 0; i < values->order->len; i++) {
			const char *value = g_ptr_array_index(values->order, i);
			(void)json_array_append_new(array, json_text(value, strlen(value)));
		}
		(void)json_object_set_new(root, "values", array);
		return cli_print_json(cli, root);
	}
	for (guint i = 0; i < values->order->len; i++) {
		const char *value = g_ptr_array_index(values->order, i);
		escape_terminal(&cli->out, value, strlen(value));
		strbuf_add_char(&cli->out, '\n');
	}
	return cli_show(cli);
}

/* Field names as the journal has them, or the keys of the JSON. */
static int list_values(Cli *cli, const CrashSource *source, CrashQuery *query)
{
	const char *field = cli->options.field;
	Values values = {.field = field,
		.text = crash_text_find(field),
		.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.order = g_ptr_array_new()};
	int r;

	query->full = true;
	r = index_query(source->index, query, add_value, &values);
	r = r < 0 ? cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r))
		  : show_values(cli, &values);
	g_ptr_array_unref(values.order);
	g_hash_table_unref(values.seen);
	return r;
}

/* Who read the list on a terminal knows of these crashes: no digest need tell them again. Where it
 * cannot be noted, they are told once more. */
static void note_told(const CrashSource *source, const GPtrArray *untold)
{
	int r;

	if (!untold || untold->len == 0)
		return;
	r = index_begin(source->index);
	for (guint i = 0; i < untold->len && r >= 0; i++)
		r = index_set_told(source->index, g_ptr_array_index(untold, i), CRASH_TOLD);
	if (r >= 0)
		(void)index_commit(source->index);
	else
		index_rollback(source->index);
}

/* ---- the command ----------------------------------------------------------------------------- */

static void note_others(Cli *cli, const CrashSource *source, const CrashSelection *selection)
{
	CrashQuery all = selection->query;
	uint64_t everybody, own;

	if (!selection->only_own || cli->max_rows || cli->options.one)
		return;
	all.n_matches--; /* that on the uid is the last */
	if (index_count(source->index, &all, &everybody) >= 0 &&
		index_count(source->index, &selection->query, &own) >= 0 && everybody > own)
		cli_note(cli,
			P_("%llu crash of other users is not shown; --all shows it.",
				"%llu crashes of other users are not shown; --all shows them.",
				everybody - own),
			(unsigned long long)(everybody - own));
}

static int show_table(Listing *listing, const CrashSelection *selection, const char *first)
{
	Cli *cli = listing->cli;

	if (listing->shown == 0 && first)
		return cli_fail(EXIT_FAILED, _("No crash matches '%s'%s."), first,
			selection->query.since_realtime || selection->query.until_realtime
				? _(" in that time")
				: "");
	if (listing->shown > 0 && !table_print(listing->table, &cli->out, cli->width, cli->colour,
					  !cli->options.no_legend))
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (listing->shown == 0)
		cli_note(cli, _("No crashes found."));
	if (listing->unverified)
		cli_note(cli,
			P_("%zu entry is unverified: any program of that user may have written it.",
				"%zu entries are unverified: any program of that user may have written them.",
				listing->unverified),
			listing->unverified);
	note_others(cli, listing->source, selection);
	crash_source_note(cli, listing->source);
	return cli_show(cli);
}

static int show_json(Listing *listing)
{
	json_t *root = json_object();
	uint64_t dropped = 0;
	usec_t last;

	(void)index_dropped(listing->source->index, &dropped, &last);
	json_add_u64(root, "version", 1);
	(void)json_object_set(root, "crashes", listing->crashes);
	json_add_bool(root, "complete", crash_source_complete(listing->source));
	json_add_u64(root, "dropped", dropped);
	return cli_print_json(listing->cli, root);
}

static int list(Cli *cli, const CrashSource *source, CrashSelection *selection, const char *first)
{
	bool narrow = cli->width && cli->width < NARROW_COLUMNS;
	_cleanup_(table_freep) Table *table =
		cli->options.json ? NULL
				  : table_new(narrow ? narrow_columns : wide_columns, COLUMN_MAX);
	_cleanup_(json_decrefp) json_t *crashes = cli->options.json ? json_array() : NULL;
	g_autoptr(GPtrArray) untold =
		cli->terminal && table ? g_ptr_array_new_with_free_func(g_free) : NULL;
	Listing listing = {.cli = cli,
		.source = source,
		.untold = untold,
		.table = table,
		.crashes = crashes,
		.narrow = narrow,
		.present = cli->options.present};
	int r = 0;

	if (!table && !crashes)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (listing.present)
		r = limit_present(source, &selection->query);
	if (r >= 0)
		r = index_query(source->index, &selection->query, show_row, &listing);
	if (r == -EINVAL)
		return cli_fail(
			EXIT_USAGE, _("'%s': no such field is indexed."), first ? first : "-");
	if (r < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read the index: %s."), strerror(-r));
	r = crashes ? show_json(&listing) : show_table(&listing, selection, first);
	if (r == EXIT_DONE)
		note_told(source, untold);
	return r;
}

int cmd_crash_list(Cli *cli, int argc, const char **argv)
{
	CrashSelection selection;
	CrashSource source;
	int r;

	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	if (source.root_fd < 0)
		source.folder = core_folder_read(CORE_STORE_SYSTEMD);
	r = crash_selection_parse(cli, &source, argc, argv, &selection);
	if (r == EXIT_DONE)
		r = cli->options.field ? list_values(cli, &source, &selection.query)
				       : list(cli, &source, &selection, argc ? argv[0] : NULL);
	crash_selection_done(&selection);
	crash_source_done(&source);
	return r;
}
