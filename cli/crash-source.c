/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens the index, and fills it from the journal where nobody else does. A command that only reads
 * never fails for want of a place to write: it then works on a copy in memory. */
#include "cli/crash-source.h"

#include "cli/bus.h"
#include "cli/crash-metadata.h"
#include "cli/crash-settings.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/log.h"
#include "common/names.h"
#include "common/text.h"
#include "coredump/catch-up.h"
#include "coredump/core-pin.h"
#include "monitord/crash-directory.h"
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <systemd/sd-id128.h>

#define SLICE_USEC USEC_PER_SEC

/* What the daemon says of its module for crashes, where it is loaded. New reference; NULL. */
static json_t *ask_daemon(void)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	_cleanup_(freep) char *text = NULL;
	uid_t uid;
	size_t i;
	json_t *module;

	/* Somebody else's daemon (under sudo, with their bus) fills their index, not ours. */
	if (bus_open_session(&bus) < 0 ||
		sd_bus_get_name_creds(bus, MONITOR_NAME, SD_BUS_CREDS_EUID, &creds) < 0 ||
		sd_bus_creds_get_euid(creds, &uid) < 0 || uid != geteuid() ||
		bus_daemon_status(bus, &text) < 0)
		return NULL;
	_cleanup_(json_decrefp) json_t *status = json_loads(text, 0, NULL);
	json_array_foreach (json_object_get(status, "modules"), i, module) {
		const char *name = json_string_value(json_object_get(module, "name"));
		if (name && streq(name, "coredump") &&
			json_is_true(json_object_get(module, "loaded")))
			return json_incref(module);
	}
	return NULL;
}

bool crash_daemon_watches(void)
{
	_cleanup_(json_decrefp) json_t *module = ask_daemon();

	return module != NULL;
}

/* Whether the daemon keeps this very index up to date: it has read the journal through, and writes
 * what it learns to the same file. */
static bool daemon_keeps(const char *path)
{
	_cleanup_(json_decrefp) json_t *module = ask_daemon();
	const json_t *status = json_object_get(module, "status");
	const json_t *index = json_object_get(status, "index");
	const json_t *journal = json_object_get(json_object_get(status, "sources"), "journal");
	const char *theirs = json_string_value(json_object_get(index, "path"));

	return theirs && path && streq(theirs, path) &&
	       !json_is_true(json_object_get(index, "inMemory")) &&
	       !json_object_get(index, "error") && !json_object_get(journal, "error") &&
	       json_is_true(json_object_get(journal, "caughtUp"));
}

/* ---- which place ----------------------------------------------------------------------------- */

static int expand_files(char *const *patterns, char ***ret)
{
	_cleanup_(freep) char **files = NULL;
	glob_t found = {};
	int flags = GLOB_NOCHECK;

	for (; *patterns; patterns++, flags |= GLOB_APPEND)
		if (glob(*patterns, flags, NULL, &found) != 0)
			break;
	files = calloc(found.gl_pathc + 1, sizeof *files);
	for (size_t i = 0; files && i < found.gl_pathc; i++)
		files[i] = strdup(found.gl_pathv[i]);
	globfree(&found);
	if (!files)
		return -ENOMEM;
	*ret = TAKE_PTR(files);
	return 0;
}

/* The name under which its index is found again: absolute, however it was typed. */
static char *name_of_place(const JournalPlace *place)
{
	_cleanup_(strbuf_done) StrBuf name = {};
	const char *single = place->directory ? place->directory : place->root;

	strbuf_add(&name, place->root ? "root:" : place->files ? "files:" : "");
	for (const char *const *file = place->files ? place->files : (const char *[]){single, NULL};
		*file; file++) {
		_cleanup_(freep) char *path = realpath(*file, NULL);
		strbuf_addf(&name, "%s%s", path ? path : *file, place->files ? "\n" : "");
	}
	return strbuf_take(&name);
}

static int find_place(const Cli *cli, CrashSource *source)
{
	const CliOptions *options = &cli->options;
	int n = !!options->directory + !!options->root + !!options->files;

	if (n > 1)
		return cli_fail(EXIT_USAGE,
			_("--directory, --file and --root are three places: only one can be read."));
	source->elsewhere = n > 0;
	source->place = (JournalPlace){.directory = options->directory, .root = options->root};
	if (options->files && expand_files(options->files, &source->files) < 0)
		return cli_fail(EXIT_FAILED, _("Out of memory."));
	source->place.files = (const char *const *)source->files;
	if (n == 0)
		return EXIT_DONE;
	source->place_name = name_of_place(&source->place);
	const char *folder = options->directory ? options->directory : options->root;
	if (folder && access(folder, R_OK | X_OK) < 0)
		return cli_fail(EXIT_FAILED, _("Cannot read '%s': %s."), folder, strerror(errno));
	return source->place_name ? EXIT_DONE : cli_fail(EXIT_FAILED, _("Out of memory."));
}

/* sd_journal_open_directory(3) passes over files that it may not open without a word. */
static unsigned count_closed(int parent, const char *path, int depth)
{
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	unsigned n = 0;

	if (!dir) {
		(void)safe_close(fd);
		return 0;
	}
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		if (endswith(entry->d_name, ".journal") || endswith(entry->d_name, ".journal~"))
			n += faccessat(fd, entry->d_name, R_OK, AT_EACCESS) < 0;
		else if (depth > 0)
			n += count_closed(fd, entry->d_name, depth - 1);
	}
	return n;
}

static unsigned count_closed_files(const JournalPlace *place)
{
	_cleanup_(freep) char *persistent = NULL, *kept = NULL;

	if (place->directory)
		return count_closed(AT_FDCWD, place->directory, 1);
	if (!place->root || asprintf(&persistent, "%s/var/log/journal", place->root) < 0 ||
		asprintf(&kept, "%s/run/log/journal", place->root) < 0)
		return 0;
	return count_closed(AT_FDCWD, persistent, 1) + count_closed(AT_FDCWD, kept, 1);
}

/* ---- the index ------------------------------------------------------------------------------- */

static int copy_row(const CrashRow *row, void *userdata)
{
	CrashIndex *index = userdata;
	IndexAdded added;
	int r;

	r = index_add(index, &row->crash, true, &added);
	if (r >= 0 && row->pinned)
		r = index_set_pinned(index, row->crash.hash, true);
	if (r >= 0 && row->reported)
		r = index_set_reported(index, row->crash.hash, row->reported);
	return r;
}

/* What the index on disk still tells is taken along: the journal may have forgotten it. */
static void copy_readable(const char *path, CrashIndex *memory)
{
	_cleanup_(index_closep) CrashIndex *old = NULL;
	const CrashQuery everything = {.full = true};

	if (index_open(path, INDEX_READ_ONLY, &old, NULL) < 0 || index_begin(memory) < 0)
		return;
	if (index_query(old, &everything, copy_row, memory) < 0 || index_commit(memory) < 0)
		index_rollback(memory);
}

static int open_in_memory(CrashSource *source, const char *path, int error)
{
	int r;

	r = index_open(NULL, INDEX_MEMORY, &source->index, NULL);
	if (r < 0)
		return cli_fail(
			EXIT_FAILED, _("Cannot make an index in memory: %s."), strerror(-r));
	source->in_memory = true;
	source->trouble = N_("The index cannot be written (%s): this list is made anew each time.");
	source->trouble_errno = -error;
	if (path)
		copy_readable(path, source->index);
	return EXIT_DONE;
}

static int open_index(
	CrashSource *source, CrashSourceUse use, const char *path, IndexFound *ret_found)
{
	int r;

	*ret_found = INDEX_CREATED;
	r = path ? index_open(path, INDEX_READ_WRITE, &source->index, ret_found) : -ENOENT;
	if (r >= 0)
		return EXIT_DONE;
	if (r == -ENOTSUP)
		return cli_fail(EXIT_FAILED,
			_("The index '%s' was made by a newer Vigil: use that one, or move the file away."),
			path);
	if (use == CRASH_SOURCE_WRITE)
		return cli_fail(EXIT_FAILED,
			_("Cannot write the index '%s': %s. Nothing was changed."),
			path ? path : "-", strerror(-r));
	return open_in_memory(source, path, r);
}

/* ---- catching up ----------------------------------------------------------------------------- */

int crash_source_journal(const CrashSource *source, CrashJournal **ret)
{
	return crash_journal_open(&source->place, false, ret);
}

/* 0 or -errno; *ret_index_failed: it was the index that failed, not the journal. */
static int catch_up(CrashSource *source, bool *ret_index_failed)
{
	_cleanup_(crash_journal_closep) CrashJournal *journal = NULL;
	_cleanup_(catch_up_freep) CatchUp *run = NULL;
	_cleanup_(freep) char *name = NULL;
	CrashMetadata metadata;
	CatchUpCount count = {};
	int r;

	*ret_index_failed = false;
	r = crash_source_journal(source, &journal);
	if (r < 0)
		return r;
	if (source->elsewhere && asprintf(&name, "journal:%s", source->place_name) < 0)
		return -ENOMEM;
	r = catch_up_new(source->index, journal, name ? name : "journal", true, &run);
	crash_metadata_open(&metadata, source->index);
	while (r >= 0 &&
		(r = catch_up_step(run, SLICE_USEC, source->elsewhere ? NULL : crash_metadata_take,
			 &metadata, &count)) > 0)
		;
	crash_metadata_close(&metadata);
	if (r >= 0 && count.added > 0)
		crash_bounds_apply(source->index);
	*ret_index_failed = r < 0 && run && catch_up_index_failed(run);
	log_debug("Caught up: %llu entries seen, %llu new.", (unsigned long long)count.seen,
		(unsigned long long)count.added);
	return r;
}

/* ---- core files ------------------------------------------------------------------------------ */

#define LOOK_USEC (5 * USEC_PER_SEC)

typedef struct CoreLook {
	CrashIndex *index;
	bool first; /* nobody looked before: what is there is old, and taken as told */
	int error;
} CoreLook;

static void on_core(const Crash *crash, void *userdata)
{
	CoreLook *look = userdata;
	IndexAdded added;
	int r;

	r = index_add(look->index, crash, look->first, &added);
	look->error = look->error < 0 ? look->error : r;
}

/* The daemon's own source, whose cursor is shared, until it saw all that is there. Files that
 * change all the time are left to the next one. */
static int look_at_all(CrashDirectory *directory, sd_event *event)
{
	usec_t end = now_usec(CLOCK_MONOTONIC) + LOOK_USEC;
	int r;

	do {
		crash_directory_refresh(directory);
		r = sd_event_run(event, 0);
	} while (r >= 0 && crash_directory_has_more(directory) && now_usec(CLOCK_MONOTONIC) < end);
	return r;
}

static int look_for_cores(CoreLook *look, int proc_fd, sd_event *event)
{
	const char *directories[CONFIG_DIRECTORIES_MAX];
	_cleanup_(freep) char *cursor = NULL;
	CrashDirectory *directory = NULL;
	MonitorConfig config;
	usec_t since = 0;
	int r;

	crash_settings_load(&config);
	config_crash_directories(&config, directories);
	look->first = index_get_cursor(look->index, "directory", &cursor, &since) == -ENOENT;
	const CrashDirectoryOptions options = {
		.proc_fd = proc_fd, .directories = directories, .since_realtime = since};
	r = crash_directory_new(event, &options, on_core, look, &directory);
	if (r >= 0)
		r = look_at_all(directory, event);
	if (r >= 0 && crash_directory_cursor(directory) > since)
		r = index_set_cursor(
			look->index, "directory", NULL, crash_directory_cursor(directory));
	(void)crash_directory_free(directory);
	config_done(&config);
	return r;
}

/* Where the kernel writes plain core files no journal tells of them. Whatever fails here leaves the
 * list as it is. */
static void catch_up_cores(const Cli *cli, CrashSource *source)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	CoreLook look = {.index = source->index};
	char pattern[8] = "";
	int r;

	if (source->elsewhere ||
		read_line_at(cli->proc_fd, "sys/kernel/core_pattern", pattern, sizeof pattern) <=
			0 ||
		strchr("|@", pattern[0]) || sd_event_new(&event) < 0)
		return;
	r = index_begin(source->index);
	if (r >= 0) {
		r = look_for_cores(&look, cli->proc_fd, event);
		r = MIN_OF(r, look.error);
	}
	if (r >= 0)
		r = index_commit(source->index);
	else
		index_rollback(source->index);
	if (r < 0)
		(void)log_debug_errno(r, "Core files were not looked for, ignoring: %m");
}

/* A list that may be incomplete is better than none, where it says so; another place that cannot be
 * read at all is an error. */
static int bring_up_to_date(const Cli *cli, CrashSource *source, CrashSourceUse use)
{
	bool index_failed;
	int r = catch_up(source, &index_failed);

	if (index_failed && r != -EBUSY && !source->in_memory && use == CRASH_SOURCE_READ) {
		source->index = index_close(source->index);
		if (open_in_memory(source, NULL, r) != EXIT_DONE)
			return EXIT_FAILED;
		r = catch_up(source, &index_failed);
	}
	catch_up_cores(cli, source);
	if (r >= 0)
		return EXIT_DONE;
	if (source->elsewhere)
		return cli_fail(EXIT_FAILED, _("Cannot read journals in '%s': %s."),
			source->place.directory	 ? source->place.directory
			: source->place.root	 ? source->place.root
			: source->place.files[0] ? source->place.files[0]
						 : "-",
			strerror(-r));
	source->trouble_errno = -r;
	source->trouble =
		r == -ENOENT ? N_("There is no journal here (%s): only what is indexed is shown.")
		: r == -EBUSY
			? N_("Another Vigil is writing (%s): the newest may be missing.")
			: N_("The journal could not be read (%s): the newest may be missing.");
	return EXIT_DONE;
}

int crash_source_locate(const Cli *cli, CrashSource *ret)
{
	CrashSource source = {.root_fd = -EBADF, .pins_fd = -EBADF};
	int r = find_place(cli, &source);

	if (r != EXIT_DONE)
		crash_source_done(&source);
	else
		*ret = source;
	return r;
}

static void open_folders(const Cli *cli, CrashSource *source)
{
	_cleanup_(freep) char *pins = source->elsewhere ? NULL : core_pins_path();

	source->pins_fd = pins ? core_pins_open(pins, false) : -EBADF;
	if (cli->options.root)
		source->root_fd = open(cli->options.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	source->closed_files = count_closed_files(&source->place);
}

int crash_source_open(const Cli *cli, CrashSourceUse use, CrashSource *ret)
{
	CrashSource source = {.root_fd = -EBADF, .pins_fd = -EBADF};
	_cleanup_(freep) char *path = NULL;
	IndexFound found;
	int r;

	r = find_place(cli, &source);
	if (r == EXIT_DONE) {
		path = source.elsewhere ? index_path_for_place(source.place_name)
					: index_default_path();
		r = open_index(&source, use, path, &found);
	}
	if (r == EXIT_DONE) {
		open_folders(cli, &source);
		/* A new index is filled at once, whatever the daemon does with its own. */
		source.followed = !source.elsewhere && !source.in_memory &&
				  found == INDEX_AS_IT_WAS && daemon_keeps(path);
		if (!source.followed)
			r = bring_up_to_date(cli, &source, use);
		if (r == EXIT_DONE && found == INDEX_REPLACED && !source.trouble)
			source.trouble = N_(
				"The index was damaged and has been made anew from the journal; the old one is kept beside it.");
	}
	if (r != EXIT_DONE)
		crash_source_done(&source);
	else
		*ret = source;
	return r;
}

void crash_source_done(CrashSource *source)
{
	source->index = index_close(source->index);
	source->root_fd = safe_close(source->root_fd);
	source->pins_fd = safe_close(source->pins_fd);
	source->folder = core_folder_free(source->folder);
	for (char **file = source->files; file && *file; file++)
		free(*file);
	free(source->files);
	free(source->place_name);
	source->files = NULL;
	source->place_name = NULL;
}

bool crash_source_lacks_files(const CrashSource *source, const Crash *crash)
{
	char own[SD_ID128_STRING_MAX];
	sd_id128_t id;

	if (source && source->root_fd >= 0)
		return false;
	if (!crash->machine_id[0] || sd_id128_get_machine(&id) < 0)
		return source && source->elsewhere;
	return !streq(crash->machine_id, sd_id128_to_string(id, own));
}

bool crash_source_complete(const CrashSource *source)
{
	return !source->trouble && !source->closed_files;
}

void crash_source_note(Cli *cli, const CrashSource *source)
{
	uint64_t dropped;
	usec_t last;

	if (source->trouble)
		cli_note(cli, _(source->trouble), strerror(source->trouble_errno));
	if (source->closed_files)
		cli_note(cli,
			P_("%u journal file there may not be read by you: its crashes are missing.",
				"%u journal files there may not be read by you: their crashes are missing.",
				source->closed_files),
			source->closed_files);
	if (index_dropped(source->index, &dropped, &last) >= 0 && dropped > 0)
		cli_note(cli,
			P_("%llu crash that was never reported had to make room for newer ones.",
				"%llu crashes that were never reported had to make room for newer ones.",
				dropped),
			(unsigned long long)dropped);
}
