/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where crashes come from, and the index that they go into: opened, watched, mended. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/kcrash.h"
#include "monitord/coredump.h"

#define JOURNAL_SOURCE	 "journal"
#define DIRECTORY_SOURCE "directory"
#define UPKEEP_USEC	 ((usec_t)24 * 60 * USEC_PER_MINUTE)
#define UPKEEP_ROWS	 256		 /* new ones, after which it is not waited for */
#define MEND_USEC	 USEC_PER_MINUTE /* while the index is in memory */

static bool is_wanted(const Coredump *coredump, const char *source)
{
	char *const *wanted = monitor_config(coredump->monitor)->crash_sources;

	for (char *const *name = wanted; name && *name; name++)
		if (streq(*name, source))
			return true;
	return wanted == NULL;
}

/* ---- the journal ----------------------------------------------------------------------------- */

static void keep_up_in(Coredump *coredump, usec_t span);

/* Anybody can log entries of a MB by the thousand: a day is too long to wait. Not at once, for
 * whoever calls is in the middle of using the index. */
static void count_new(Coredump *coredump)
{
	if (++coredump->n_new == UPKEEP_ROWS)
		keep_up_in(coredump, 0);
}

static void on_caught(const CaughtCrash *caught, bool late, void *userdata)
{
	if (caught->added == INDEX_NEW)
		count_new(userdata);
	/* What the socket told before was announced then. */
	if (caught->added == INDEX_NEW && !caught->told)
		coredump_arrived(userdata, caught->crash, late);
}

static int open_follower(Coredump *coredump)
{
	const JournalPlace place = {.directory = monitor_options(coredump->monitor)->journal_dir};

	return crash_follower_new(monitor_event(coredump->monitor), coredump->store.index, &place,
		JOURNAL_SOURCE, true, on_caught, coredump, &coredump->follower);
}

/* ---- the socket and the directories ---------------------------------------------------------- */

static int mend_index(Coredump *coredump, int error);

/* Adds what comes by itself; where the index fails, to its successor. 1: it is new. */
static int add(Coredump *coredump, const Crash *crash, const char *source, usec_t cursor)
{
	IndexAdded added = INDEX_KNOWN;
	int r;

	for (int attempt = 0; attempt < 2; attempt++) {
		r = index_begin(coredump->store.index);
		if (r >= 0)
			r = index_add(coredump->store.index, crash, false, &added);
		if (r >= 0 && source)
			r = index_set_cursor(coredump->store.index, source, NULL, cursor);
		if (r >= 0)
			r = index_commit(coredump->store.index);
		else
			index_rollback(coredump->store.index);
		if (r >= 0 && added == INDEX_NEW)
			count_new(coredump);
		if (r >= 0)
			return added == INDEX_NEW;
		if (!crash_store_is_trouble(r) || mend_index(coredump, r) < 0)
			break;
	}
	return log_warning_errno(r, "Crash %.*s could not be written to the index: %m",
		CRASH_ID_DIGITS, crash->hash);
}

static void on_sent(Crash *crash, bool pickup, void *userdata)
{
	if (add(userdata, crash, NULL, 0) > 0)
		coredump_arrived(userdata, crash, pickup);
}

static void on_core(const Crash *crash, void *userdata)
{
	Coredump *coredump = userdata;
	bool late = crash->when_realtime + USEC_PER_MINUTE < now_usec(CLOCK_REALTIME);

	if (add(coredump, crash, DIRECTORY_SOURCE, crash_directory_cursor(coredump->directory)) > 0)
		coredump_arrived(coredump, crash, late);
}

static int open_socket(Coredump *coredump)
{
	_cleanup_(freep) char *directory = xdg_runtime_dir(), *path = NULL;
	bool bound = false;

	if (!directory)
		return -ENXIO;
	if (asprintf(&path, "%s/coredump", directory) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	int fd = crash_socket_listen(path, &bound);
	if (fd < 0)
		return fd;
	if (bound)
		coredump->socket_path = TAKE_PTR(path);
	return crash_socket_new(monitor_event(coredump->monitor), fd, getuid(), on_sent, coredump,
		&coredump->socket);
}

static int open_directory(Coredump *coredump)
{
	const char *directories[CONFIG_DIRECTORIES_MAX];
	_cleanup_(freep) char *cursor = NULL;
	usec_t since = coredump->store.begin_realtime;

	config_crash_directories(monitor_config(coredump->monitor), directories);
	(void)index_get_cursor(coredump->store.index, DIRECTORY_SOURCE, &cursor, &since);
	const CrashDirectoryOptions options = {.proc_fd = monitor_proc_fd(coredump->monitor),
		.directories = directories,
		.since_realtime = since};
	return crash_directory_new(monitor_event(coredump->monitor), &options, on_core, coredump,
		&coredump->directory);
}

/* ---- the index's troubles -------------------------------------------------------------------- */

static void restart_follower(Coredump *coredump)
{
	int r;

	if (!coredump->follower)
		return;
	coredump->follower = crash_follower_free(coredump->follower);
	r = open_follower(coredump);
	if (r < 0)
		(void)log_error_errno(r, "The journal cannot be followed any more: %m");
}

static int on_upkeep(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	coredump_keep_up(userdata);
	return 0;
}

static void keep_up_in(Coredump *coredump, usec_t span)
{
	coredump->upkeep = sd_event_source_disable_unref(coredump->upkeep);
	(void)sd_event_add_time_relative(monitor_event(coredump->monitor), &coredump->upkeep,
		CLOCK_MONOTONIC, span, span / 10, on_upkeep, coredump);
}

static int mend_index(Coredump *coredump, int error)
{
	int r;

	coredump->index_error = 0;
	r = crash_store_fall_back(&coredump->store, error);
	if (r < 0)
		return r;
	restart_follower(coredump);
	crash_analyst_kick(coredump->analyst);
	if (coredump->store.in_memory)
		keep_up_in(coredump, MEND_USEC);
	return 0;
}

static int on_recover(sd_event_source *source, void *userdata)
{
	Coredump *coredump = userdata;

	(void)source;
	if (coredump->index_error)
		(void)mend_index(coredump, coredump->index_error);
	return 0;
}

void coredump_index_failed(Coredump *coredump, int error)
{
	if (!crash_store_is_trouble(error) || coredump->index_error) {
		(void)log_debug_errno(error, "The index did not take something, ignoring: %m");
		return;
	}
	/* Later: whoever calls is in the middle of using it. */
	coredump->index_error = error;
	(void)sd_event_source_set_enabled(coredump->recover, SD_EVENT_ONESHOT);
}

/* The follower keeps its own counsel when the index fails: its status tells. */
static int on_turn(sd_event_source *source, void *userdata)
{
	Coredump *coredump = userdata;
	int error = coredump->follower ? crash_follower_status(coredump->follower)->index_error : 0;

	(void)source;
	if (crash_store_is_trouble(error))
		coredump_index_failed(coredump, error);
	return 0;
}

void coredump_keep_up(Coredump *coredump)
{
	const IndexBounds bounds = config_index_bounds(monitor_config(coredump->monitor));
	usec_t now = now_usec(CLOCK_REALTIME);

	coredump->n_new = 0;
	if (crash_store_go_back(&coredump->store) > 0) {
		coredump->index_error = 0;
		restart_follower(coredump);
		crash_analyst_kick(coredump->analyst);
	}
	int r = crash_store_trim(&coredump->store, &bounds, now);
	if (r < 0)
		coredump_index_failed(coredump, r);
	if (coredump->reporting.cache_fd >= 0)
		(void)kcrash_sweep(coredump->reporting.cache_fd, now);
	keep_up_in(coredump, coredump->store.in_memory ? MEND_USEC : UPKEEP_USEC);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Only for want of memory a source is worth giving up all. */
static int tolerate(int r, const char *what)
{
	if (r < 0 && r != -ENOMEM)
		(void)log_full(LOG_NOTICE, r, "%s: %m", what);
	return r == -ENOMEM ? r : 0;
}

int coredump_open_sources(Coredump *coredump)
{
	sd_event *event = monitor_event(coredump->monitor);
	int r = 0;

	if (is_wanted(coredump, "journal"))
		r = tolerate(open_follower(coredump), "The journal cannot be followed");
	if (r >= 0 && is_wanted(coredump, "socket")) {
		coredump->socket_error = open_socket(coredump);
		r = tolerate(coredump->socket_error,
			"No crashes are taken from the coredump processor, only from the journal");
	}
	if (r >= 0 && is_wanted(coredump, "directory"))
		r = tolerate(open_directory(coredump), "Core files are not looked for");
	if (r >= 0)
		r = sd_event_add_post(event, &coredump->watch, on_turn, coredump);
	if (r >= 0)
		r = sd_event_add_defer(event, &coredump->recover, on_recover, coredump);
	if (r >= 0)
		r = sd_event_source_set_enabled(coredump->recover, SD_EVENT_OFF);
	return r;
}

void coredump_close_sources(Coredump *coredump)
{
	coredump->watch = sd_event_source_disable_unref(coredump->watch);
	coredump->recover = sd_event_source_disable_unref(coredump->recover);
	coredump->upkeep = sd_event_source_disable_unref(coredump->upkeep);
	coredump->follower = crash_follower_free(coredump->follower);
	coredump->directory = crash_directory_free(coredump->directory);
	coredump->socket = crash_socket_free(coredump->socket);
	if (coredump->socket_path)
		(void)unlink(coredump->socket_path);
	free(coredump->socket_path);
	coredump->socket_path = NULL;
}

static json_t *follower_status(const CrashFollower *follower)
{
	const CrashFollowerStatus *status = crash_follower_status(follower);
	json_t *object = json_object();

	json_add_string(object, "mode", crash_follow_mode_to_string(status->mode));
	json_add_bool(object, "caughtUp", status->caught_up);
	json_add_u64(object, "added", status->count.added);
	json_add_u64(object, "unverified", status->count.unverified);
	if (status->journal_error)
		json_add_string(object, "error", strerror(-status->journal_error));
	return object;
}

static json_t *socket_status(const Coredump *coredump)
{
	json_t *object = json_object();
	CrashSocketCount count = {};

	if (coredump->socket)
		crash_socket_count(coredump->socket, &count);
	else
		json_add_string(object, "error", strerror(-coredump->socket_error));
	json_add_u64(object, "genuine", count.genuine);
	json_add_u64(object, "unverified", count.unverified);
	json_add_u64(object, "refused", count.refused);
	return object;
}

json_t *coredump_sources_status(const Coredump *coredump)
{
	json_t *object = json_object();

	if (coredump->follower)
		(void)json_object_set_new(object, "journal", follower_status(coredump->follower));
	if (is_wanted(coredump, "socket"))
		(void)json_object_set_new(object, "socket", socket_status(coredump));
	if (coredump->directory) {
		json_t *directory = json_object();
		size_t folders = 0;
		(void)crash_directory_target(coredump->directory, &folders);
		json_add_u64(directory, "folders", folders);
		(void)json_object_set_new(object, "directory", directory);
	}
	return object;
}
