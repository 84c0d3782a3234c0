/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash du: what cores cost, what bounds them, whose they are, and what Vigil itself takes.
 */
#include "cli/crash-source.h"
#include "cli/crash-view.h"

#include "common/i18n.h"
#include "common/json.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "coredump/core-limits.h"
#include "coredump/core-pin.h"
#include "coredump/core-store.h"
#include <fcntl.h>
#include <sys/stat.h>

#define PROGRAMS_SHOWN 10

typedef struct Usage {
	CoreStore store;
	int store_errno; /* 0: read */
	CoreLimits limits;
	uint64_t pins_bytes, index_bytes;
	size_t n_pins;
} Usage;

/* The database with what SQLite keeps beside it. */
static uint64_t index_size(void)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	_cleanup_(freep) char *path = index_default_path();
	uint64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; path && i < ELEMENTSOF(ends); i++) {
		_cleanup_(freep) char *name = NULL;
		if (asprintf(&name, "%s%s", path, ends[i]) >= 0 && stat(name, &st) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	}
	return bytes;
}

static void read_usage(const Cli *cli, Usage *ret)
{
	_cleanup_(closep) int root =
		open(cli->options.root ? cli->options.root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int dir =
		core_store_open(cli->options.root ? root : -EBADF, CORE_STORE_SYSTEMD);
	_cleanup_(freep) char *pins_path = core_pins_path();
	_cleanup_(closep) int pins = pins_path ? core_pins_open(pins_path, false) : -EBADF;
	int r;

	*ret = (Usage){};
	r = dir < 0 ? dir : core_store_read(dir, "", &ret->store);
	ret->store_errno = r < 0 ? -r : 0;
	core_limits_read(root, &ret->limits);
	if (pins >= 0)
		(void)core_pins_usage(pins, &ret->pins_bytes, &ret->n_pins);
	ret->index_bytes = index_size();
}

/* ---- for people ------------------------------------------------------------------------------ */

static void add_title(Cli *cli, const char *title)
{
	strbuf_addf(&cli->out, "%s%s%s\n", style_on(CELL_BOLD, cli->colour), title,
		style_off(CELL_BOLD, cli->colour));
}

static void add_limits(Cli *cli, const Usage *usage)
{
	const CoreLimits *limits = &usage->limits;
	uint64_t used = usage->store.disk_bytes + usage->store.others_disk_bytes;
	char bytes[3][32];

	if (limits->storage == CORE_STORAGE_NONE) {
		strbuf_add(&cli->out,
			_("  Storage=none: cores are not kept, crashes are logged all the same\n"));
		return;
	}
	if (limits->max_use)
		strbuf_addf(&cli->out, _("  at most     %s (MaxUse=, %s)\n"),
			limits->max_use == UINT64_MAX ? _("no bound")
						      : format_bytes(limits->max_use, bytes[0]),
			limits->max_use_set ? _("from coredump.conf")
					    : _("built in: a tenth of the disk, 4 GiB at most"));
	if (limits->keep_free)
		strbuf_addf(&cli->out, _("  keeps free  %s (KeepFree=); %s of %s are free\n"),
			format_bytes(limits->keep_free, bytes[0]),
			format_bytes(limits->disk_free, bytes[1]),
			format_bytes(limits->disk_size, bytes[2]));
	strbuf_addf(&cli->out, _("  room for    %s more before old ones go\n"),
		format_bytes(core_limits_left(limits, used), bytes[0]));
	if (limits->max_age_usec)
		strbuf_addf(&cli->out, _("  kept for    %s (systemd-tmpfiles)\n"),
			format_span(limits->max_age_usec, bytes[0]));
	if (limits->process_size_max != UINT64_MAX)
		strbuf_addf(&cli->out,
			_("  one program %s at most (ProcessSizeMax=), cut behind it\n"),
			format_bytes(limits->process_size_max, bytes[0]));
}

static int add_programs(Cli *cli, const CoreStore *store)
{
	static const TableColumn columns[] = {{.title = "CORES", .right = true},
		{.title = "SIZE", .right = true}, {.title = "UID", .right = true},
		{.title = "NEWEST"}, {.title = "PROGRAM", .elastic = true}};
	_cleanup_(table_freep) Table *table = table_new(columns, ELEMENTSOF(columns));
	_cleanup_(freep) CoreProgram *programs = NULL;
	char bytes[32], when[64];
	size_t n;

	if (!table || core_store_programs(store, &programs, &n) < 0)
		return -ENOMEM;
	size_t most = cli->max_rows ? (size_t)cli->max_rows : PROGRAMS_SHOWN;
	for (size_t i = 0; i < MIN_OF(n, most); i++) {
		table_addf(table, CELL_PLAIN, "%zu", programs[i].n_cores);
		table_add(table, CELL_PLAIN, format_bytes(programs[i].disk_bytes, bytes));
		if (programs[i].uid == CRASH_UID_UNKNOWN)
			table_add(table, CELL_DIM, NULL);
		else
			table_addf(table, CELL_PLAIN, "%u", programs[i].uid);
		table_add(table, CELL_DIM,
			format_timestamp(programs[i].newest_realtime, TIMESTAMP_MINUTES, when));
		table_add(table, CELL_BOLD, programs[i].comm);
	}
	strbuf_add_char(&cli->out, '\n');
	if (n > 0 &&
		!table_print(table, &cli->out, cli->width, cli->colour, !cli->options.no_legend))
		return -ENOMEM;
	if (n > most)
		cli_note(cli, P_("and %zu program more", "and %zu programs more", n - most),
			n - most);
	return 0;
}

static int show(Cli *cli, const Usage *usage)
{
	const CoreStore *store = &usage->store;
	char bytes[2][32];

	add_title(cli, _("Cores of systemd-coredump"));
	if (usage->store_errno)
		strbuf_addf(&cli->out, "  %s: %s\n", CORE_STORE_SYSTEMD,
			usage->store_errno == ENOENT ? _("not there: nothing is kept")
						     : strerror(usage->store_errno));
	else
		strbuf_addf(&cli->out,
			P_("  %zu core takes %s (%s)\n", "  %zu cores take %s (%s)\n",
				store->n_cores),
			store->n_cores, format_bytes(store->disk_bytes, bytes[0]),
			CORE_STORE_SYSTEMD);
	if (store->n_others)
		strbuf_addf(&cli->out,
			P_("  %zu other file there takes %s\n", "  %zu other files there take %s\n",
				store->n_others),
			store->n_others, format_bytes(store->others_disk_bytes, bytes[0]));
	add_limits(cli, usage);
	add_title(cli, _("Vigil"));
	strbuf_addf(&cli->out, _("  index       %s of at most %s\n"),
		format_bytes(usage->index_bytes, bytes[0]),
		format_bytes(INDEX_MAX_BYTES, bytes[1]));
	strbuf_addf(&cli->out,
		P_("  pinned      %zu core, %s of at most %s\n",
			"  pinned      %zu cores, %s of at most %s\n", usage->n_pins),
		usage->n_pins, format_bytes(usage->pins_bytes, bytes[0]),
		format_bytes(CORE_PINS_MAX, bytes[1]));
	if (store->n_cores && add_programs(cli, store) < 0)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	if (store->n_cores && !store->deletable)
		cli_note(cli, _("Only root may delete them: sudo vigil crash vacuum."));
	return cli_show(cli);
}

/* ---- for programs ---------------------------------------------------------------------------- */

static void add_bound(json_t *root, const char *key, uint64_t bytes)
{
	if (bytes == UINT64_MAX)
		(void)json_object_set_new(root, key, json_null());
	else
		json_add_u64(root, key, bytes);
}

static json_t *programs_json(const CoreStore *store)
{
	_cleanup_(freep) CoreProgram *programs = NULL;
	json_t *array = json_array();
	size_t n = 0;

	(void)core_store_programs(store, &programs, &n);
	for (size_t i = 0; i < n; i++) {
		json_t *program = json_object();
		json_add_string(program, "comm", programs[i].comm);
		if (programs[i].uid != CRASH_UID_UNKNOWN)
			json_add_u64(program, "uid", programs[i].uid);
		json_add_u64(program, "cores", programs[i].n_cores);
		json_add_u64(program, "diskBytes", programs[i].disk_bytes);
		json_add_u64(program, "newest", programs[i].newest_realtime);
		(void)json_array_append_new(array, program);
	}
	return array;
}

static json_t *limits_json(const CoreLimits *limits, uint64_t used)
{
	static const char *const storages[] = {[CORE_STORAGE_NONE] = "none",
		[CORE_STORAGE_EXTERNAL] = "external",
		[CORE_STORAGE_JOURNAL] = "journal"};
	json_t *root = json_object();

	json_add_string(root, "storage", storages[limits->storage]);
	json_add_bool(root, "compress", limits->compress);
	add_bound(root, "maxUse", limits->max_use);
	json_add_bool(root, "maxUseSet", limits->max_use_set);
	add_bound(root, "keepFree", limits->keep_free);
	json_add_bool(root, "keepFreeSet", limits->keep_free_set);
	add_bound(root, "left", core_limits_left(limits, used));
	add_bound(root, "processSizeMax", limits->process_size_max);
	add_bound(root, "externalSizeMax", limits->external_size_max);
	json_add_u64(root, "maxAgeUsec", limits->max_age_usec);
	json_add_u64(root, "diskFree", limits->disk_free);
	return root;
}

static int show_json(Cli *cli, const Usage *usage)
{
	const CoreStore *store = &usage->store;
	json_t *root = json_object(), *cores = json_object(), *own = json_object();

	json_add_string(cores, "path", CORE_STORE_SYSTEMD);
	json_add_bool(cores, "readable", usage->store_errno == 0);
	json_add_u64(cores, "count", store->n_cores);
	json_add_u64(cores, "diskBytes", store->disk_bytes);
	json_add_u64(cores, "otherFiles", store->n_others);
	json_add_u64(cores, "otherDiskBytes", store->others_disk_bytes);
	json_add_bool(cores, "deletable", store->deletable);
	json_add_u64(own, "indexBytes", usage->index_bytes);
	json_add_u64(own, "indexMaxBytes", INDEX_MAX_BYTES);
	json_add_u64(own, "pins", usage->n_pins);
	json_add_u64(own, "pinsBytes", usage->pins_bytes);
	json_add_u64(own, "pinsMaxBytes", CORE_PINS_MAX);
	json_add_u64(root, "version", 1);
	(void)json_object_set_new(root, "cores", cores);
	(void)json_object_set_new(root, "limits",
		limits_json(&usage->limits, store->disk_bytes + store->others_disk_bytes));
	(void)json_object_set_new(root, "programs", programs_json(store));
	(void)json_object_set_new(root, "vigil", own);
	return cli_print_json(cli, root);
}

int cmd_crash_du(Cli *cli, int argc, const char **argv)
{
	Usage usage;
	int r;

	(void)argc;
	(void)argv;
	read_usage(cli, &usage);
	r = cli->options.json ? show_json(cli, &usage) : show(cli, &usage);
	core_store_done(&usage.store);
	return r;
}
