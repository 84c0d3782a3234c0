/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil crash delete and vacuum: let go of cores. The crashes stay listed. Who may delete is the
 * folder's affair: systemd's is root's, and there is no way round it. */
#include "cli/crash-select.h"
#include "cli/crash-view.h"

#include "common/clock.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/text.h"
#include "coredump/core-name.h"
#include "coredump/core-store.h"
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

typedef struct Deleting {
	Cli *cli;
	json_t *deleted; /* paths */
	uint64_t bytes;
	size_t n;
} Deleting;

static int fail_delete(const char *path, int r)
{
	if (r == -EACCES || r == -EPERM)
		return cli_fail(EXIT_FAILED,
			_("You may not delete '%s': the folder is not yours. Root can: sudo vigil crash delete or vacuum."),
			path);
	if (r == -ENOENT)
		return cli_fail(EXIT_FAILED, _("'%s' is gone already."), path);
	if (r == -ESTALE)
		return cli_fail(
			EXIT_FAILED, _("'%s' is another file by now: it was left alone."), path);
	return cli_fail(EXIT_FAILED, _("Cannot delete '%s': %s."), path, strerror(-r));
}

static void count_deleted(Deleting *deleting, const char *path, uint64_t bytes)
{
	char size[32];

	deleting->n++;
	deleting->bytes += bytes;
	(void)json_array_append_new(deleting->deleted, json_text(path, strlen(path)));
	if (deleting->cli->options.quiet)
		return;
	_cleanup_(freep) char *safe = escaped_terminal(path);
	strbuf_addf(&deleting->cli->out, "%8s  %s\n", format_bytes(bytes, size), safe ? safe : "?");
}

static int finish(Deleting *deleting, int r)
{
	Cli *cli = deleting->cli;
	char size[32];
	int shown;

	if (cli->options.json) {
		json_t *root = json_object();
		json_add_u64(root, "version", 1);
		json_add_bool(root, "dryRun", cli->options.dry_run != 0);
		(void)json_object_set(root, "deleted", deleting->deleted);
		json_add_u64(root, "diskBytes", deleting->bytes);
		shown = cli_print_json(cli, root);
	} else {
		if (!cli->options.quiet && (r == EXIT_DONE || deleting->n > 0))
			strbuf_addf(&cli->out,
				cli->options.dry_run
					? P_("%zu core would be deleted, %s.\n",
						  "%zu cores would be deleted, %s.\n", deleting->n)
					: P_("%zu core deleted, %s. The crashes stay listed.\n",
						  "%zu cores deleted, %s. The crashes stay listed.\n",
						  deleting->n),
				deleting->n, format_bytes(deleting->bytes, size));
		shown = cli_show(cli);
	}
	json_decref(deleting->deleted);
	return r == EXIT_DONE ? shown : r;
}

/* ---- delete ---------------------------------------------------------------------------------- */

/* Deletes exactly the file that was looked at. */
static int delete_file(Deleting *deleting, const CrashSource *source, const char *path)
{
	_cleanup_(freep) char *for_dir = strdup(path), *for_name = strdup(path);
	StoredCore core = {};
	struct stat st;
	int r;

	if (!for_dir || !for_name)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	_cleanup_(closep) int dir = core_store_open(source->root_fd, dirname(for_dir));
	if (dir < 0)
		return fail_delete(path, dir);
	core.name = basename(for_name);
	if (fstatat(dir, core.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_delete(path, -errno);
	if (!S_ISREG(st.st_mode))
		return cli_fail(
			EXIT_FAILED, _("'%s' is no regular file: it was left alone."), path);
	core.device = st.st_dev;
	core.inode = st.st_ino;
	r = deleting->cli->options.dry_run ? 0 : core_store_delete(dir, &core);
	if (r < 0)
		return fail_delete(path, r);
	count_deleted(deleting, path, (uint64_t)st.st_blocks * 512);
	return EXIT_DONE;
}

/* Entries that anybody may have logged, or that come from another machine, name whatever file they
 * like; root is the one who reads them all. So either this machine's systemd or the person has
 * named it, or it bears the name that systemd gives to the core of this very crash. */
static bool is_shown_to_be_core(const CrashSource *source, const Crash *crash)
{
	const char *slash = strrchr(crash->core_file, '/');
	CoreName name;

	return (crash->trust == CRASH_GENUINE && !source->elsewhere) ||
	       (slash && core_name_parse(slash + 1, &name) && core_name_is_of(&name, crash));
}

static int delete_one(Deleting *deleting, const CrashSource *source, const char *selector)
{
	char id[CRASH_ID_DIGITS + 1];
	CoreInfo core;
	CrashRow row;
	int r;

	r = crash_select_one(deleting->cli, source, selector, &row);
	if (r != EXIT_DONE)
		return r;
	(void)crash_short_id(&row.crash, id);
	core_look(source->root_fd, &row.crash, &core);
	if (row.pinned)
		r = cli_fail(
			EXIT_FAILED, _("Crash %s is pinned: vigil crash unpin %s first."), id, id);
	else if (core.state == CORE_JOURNAL)
		r = cli_fail(EXIT_FAILED,
			_("The core of crash %s is in the journal, which cannot let go of single entries (journalctl --vacuum-size=)."),
			id);
	else if (core.state == CORE_NONE || core.state == CORE_MISSING || !row.crash.core_file)
		r = cli_fail(EXIT_FAILED, _("Crash %s has no core."), id);
	else if (!is_shown_to_be_core(source, &row.crash))
		r = cli_fail(EXIT_FAILED,
			_("'%s' is not shown to be its core, whatever the entry of crash %s says: it was left alone. If it is, rm(1) deletes it."),
			row.crash.core_file, id);
	else
		r = delete_file(deleting, source, row.crash.core_file);
	index_row_done(&row);
	return r;
}

static bool confirmed(const Cli *cli, size_t n)
{
	_cleanup_(freep) char *question = NULL;

	if (cli->options.dry_run)
		return true;
	return asprintf(&question, P_("Delete %zu core for good?", "Delete %zu cores for good?", n),
		       n) >= 0 &&
	       cli_confirm(cli, question);
}

int cmd_crash_delete(Cli *cli, int argc, const char **argv)
{
	Deleting deleting = {.cli = cli};
	CrashSource source;
	int r;

	r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	if (confirmed(cli, (size_t)argc)) {
		deleting.deleted = json_array();
		for (int i = 0; i < argc && r == EXIT_DONE; i++)
			r = delete_one(&deleting, &source, argv[i]);
		r = finish(&deleting, r);
	} else {
		r = cli_fail(EXIT_FAILED, _("Nothing was deleted."));
	}
	crash_source_done(&source);
	return r;
}

/* ---- vacuum ---------------------------------------------------------------------------------- */

static int parse_bounds(const Cli *cli, CoreVacuum *ret)
{
	const CliOptions *options = &cli->options;
	uint64_t n;
	usec_t age;

	*ret = (CoreVacuum){.uid = geteuid() == 0 ? CRASH_UID_UNKNOWN : geteuid()};
	if (!options->max_size && !options->max_age && !options->per_program)
		return cli_fail(EXIT_USAGE,
			_("Say what may stay: --max-size=500M, --max-age=2weeks or --per-program=3."));
	if (options->max_size && parse_bytes(options->max_size, &ret->max_bytes) < 0)
		return cli_fail(EXIT_USAGE, _("--max-size=%s: expected a size like 500M or 2G."),
			options->max_size);
	ret->none_stays = options->max_size && ret->max_bytes == 0;
	if (options->max_age) {
		usec_t now = now_usec(CLOCK_REALTIME);
		if (parse_span(options->max_age, &age) < 0 || age > now)
			return cli_fail(EXIT_USAGE,
				_("--max-age=%s: expected a span like 2d or 4weeks."),
				options->max_age);
		ret->older_than_realtime = now - age;
	}
	if (options->per_program) {
		if (parse_u64(options->per_program, UINT32_MAX, &n) < 0 || n == 0)
			return cli_fail(EXIT_USAGE,
				_("--per-program=%s: expected a number from 1 on."),
				options->per_program);
		ret->max_per_program = (unsigned)n;
	}
	return EXIT_DONE;
}

/* Pinned ones stay. Asked for each candidate, so by hash, not by a walk through the index. */
static bool is_pinned(const StoredCore *core, void *userdata)
{
	const CrashSource *source = userdata;
	CrashRow row;

	if (index_get(source->index, core->hash, &row) != 1)
		return false;
	bool pinned = row.pinned;
	index_row_done(&row);
	return pinned;
}

static int delete_chosen(Deleting *deleting, int dir, const CoreStore *store, const bool *chosen)
{
	int r = EXIT_DONE;

	for (size_t i = 0; i < store->n_cores && r == EXIT_DONE; i++) {
		const StoredCore *core = &store->cores[i];
		_cleanup_(freep) char *path = NULL;
		if (!chosen[i])
			continue;
		if (asprintf(&path, "%s/%s", CORE_STORE_SYSTEMD, core->name) < 0)
			return cli_fail(EXIT_FAILED, _("Out of memory."));
		int error = deleting->cli->options.dry_run ? 0 : core_store_delete(dir, core);
		if (error == -ENOENT) /* systemd was faster */
			continue;
		if (error < 0)
			r = fail_delete(path, error);
		else
			count_deleted(deleting, path, core->disk_bytes);
	}
	return r;
}

/* The id that this machine's entries carry, so that cores and crashes find each other. */
static void read_machine_id(const CrashSource *source, char ret[static 64])
{
	_cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ret[0] = '\0';
	if (read_line_at(source->root_fd >= 0 ? source->root_fd : root, "etc/machine-id", ret, 64) <
		0)
		ret[0] = '\0';
}

static int vacuum(Cli *cli, CrashSource *source, CoreVacuum *bounds)
{
	_cleanup_(closep) int dir = core_store_open(source->root_fd, CORE_STORE_SYSTEMD);
	Deleting deleting = {.cli = cli, .deleted = json_array()};
	CoreStore store = {};
	char machine[64];
	int r;

	read_machine_id(source, machine);
	r = dir < 0 ? dir : core_store_read(dir, machine, &store);
	if (r == -ENOENT)
		return finish(&deleting, EXIT_DONE);
	_cleanup_(freep) bool *chosen = r >= 0 ? calloc(store.n_cores + 1, sizeof *chosen) : NULL;
	if (!chosen) {
		r = cli_fail(EXIT_FAILED, _("Cannot read '%s': %s."), CORE_STORE_SYSTEMD,
			strerror(r < 0 ? -r : ENOMEM));
	} else {
		bounds->keep = is_pinned;
		bounds->userdata = source;
		size_t n = core_vacuum_choose(&store, bounds, chosen);
		r = n > 0 && !confirmed(cli, n) ? cli_fail(EXIT_FAILED, _("Nothing was deleted."))
						: delete_chosen(&deleting, dir, &store, chosen);
	}
	core_store_done(&store);
	return finish(&deleting, r);
}

int cmd_crash_vacuum(Cli *cli, int argc, const char **argv)
{
	CoreVacuum bounds;
	CrashSource source;
	int r;

	(void)argc;
	(void)argv;
	r = parse_bounds(cli, &bounds);
	if (r == EXIT_DONE)
		r = crash_source_open(cli, CRASH_SOURCE_READ, &source);
	if (r != EXIT_DONE)
		return r;
	r = vacuum(cli, &source, &bounds);
	crash_source_done(&source);
	return r;
}
