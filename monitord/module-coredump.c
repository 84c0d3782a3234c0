/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The coredump module: what it is made of, from start to stop. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/json.h"
#include "common/text.h"
#include "monitord/coredump.h"
#include "monitord/crash-bus.h"

static void on_index_failed(int error, void *userdata)
{
	coredump_index_failed(userdata, error);
}

static void stop(void *state)
{
	Coredump *coredump = state;

	coredump->analyst = crash_analyst_free(coredump->analyst);
	coredump_close_sources(coredump);
	sd_event_source_disable_unref(coredump->digest);
	coredump->board = crash_board_free(coredump->board);
	coredump->marks = crash_marks_free(coredump->marks);
	crash_reporting_done(&coredump->reporting);
	crash_store_done(&coredump->store);
	free(coredump->digest_summary);
	free(coredump->digest_body);
	free(coredump->own_unit);
	for (size_t i = 0; i < ELEMENTSOF(coredump->own_programs); i++)
		free(coredump->own_programs[i]);
	free(coredump);
}

static int open_store(Coredump *coredump)
{
	const char *directory = monitor_options(coredump->monitor)->state_dir;
	_cleanup_(freep) char *path = NULL;

	if (directory && asprintf(&path, "%s/vigil.db", directory) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return crash_store_open(&coredump->store, path);
}

static int set_up(Coredump *coredump)
{
	sd_event *event = monitor_event(coredump->monitor);
	const CrashBoardHandler handler = {
		.fate = coredump_on_fate, .pressed = coredump_on_pressed, .userdata = coredump};
	const CrashAnalystHandler analyst = {.look = coredump_look,
		.analyzed = coredump_understood,
		.index_failed = on_index_failed,
		.userdata = coredump};
	int r;

	coredump_know_own(coredump);
	r = open_store(coredump);
	if (r >= 0)
		r = crash_marks_new(
			event, &coredump->store.index, on_index_failed, coredump, &coredump->marks);
	if (r >= 0)
		r = crash_board_new(
			event, monitor_notifier(coredump->monitor), &handler, &coredump->board);
	if (r >= 0)
		r = crash_reporting_init(&coredump->reporting, coredump->monitor);
	if (r >= 0)
		r = crash_analyst_new(
			coredump->monitor, &coredump->store, &analyst, &coredump->analyst);
	if (r >= 0)
		r = coredump_open_sources(coredump);
	return r;
}

static int start(Monitor *monitor, void **ret_state)
{
	Coredump *coredump = calloc(1, sizeof *coredump);
	int r;

	if (!coredump)
		return -ENOMEM;
	coredump->monitor = monitor;
	coredump->reporting.cache_fd = -EBADF;
	r = set_up(coredump);
	if (r < 0) {
		stop(coredump);
		return r;
	}
	coredump_keep_up(coredump);
	coredump_digest_in(coredump, 0);
	crash_analyst_kick_later(coredump->analyst);
	*ret_state = coredump;
	return 0;
}

/* Also called when another notification server appears. */
static void refresh(void *state)
{
	Coredump *coredump = state;

	if (coredump->follower)
		crash_follower_refresh(coredump->follower);
	if (coredump->directory)
		crash_directory_refresh(coredump->directory);
	coredump_keep_up(coredump);
	coredump_tell_again(coredump);
	crash_analyst_kick(coredump->analyst);
}

static json_t *index_status(const CrashStore *store)
{
	const CrashQuery all = {}, untold = {.untold = true};
	json_t *object = json_object();
	uint64_t n;

	json_add_string(object, "path", store->path);
	json_add_bool(object, "inMemory", store->in_memory);
	json_add_bool(object, "replaced", store->found == INDEX_REPLACED);
	if (store->trouble)
		json_add_string(object, "error", strerror(-store->trouble));
	if (index_count(store->index, &all, &n) >= 0)
		json_add_u64(object, "crashes", n);
	if (index_count(store->index, &untold, &n) >= 0)
		json_add_u64(object, "untold", n);
	return object;
}

static json_t *status(void *state)
{
	const Coredump *coredump = state;
	json_t *object = json_object();

	(void)json_object_set_new(object, "index", index_status(&coredump->store));
	(void)json_object_set_new(object, "sources", coredump_sources_status(coredump));
	(void)json_object_set_new(object, "unwinding", crash_analyst_status(coredump->analyst));
	json_add_u64(object, "arrived", coredump->arrived);
	json_add_u64(object, "announced", coredump->announced);
	json_add_u64(object, "counted", coredump->counted);
	json_add_u64(object, "shown", crash_board_shown(coredump->board));
	json_add_bool(object, "flood", crash_policy_is_flooded(&coredump->policy));
	json_add_bool(object, "serverAnswers", !coredump->unanswered);
	return object;
}

extern const Module module_coredump;
const Module module_coredump = {
	.name = "coredump",
	.description = N_("tells of programs that crashed, and remembers them"),
	.autoload = true,
	.start = start,
	.stop = stop,
	.refresh = refresh,
	.status = status,
	.interface = CRASH_INTERFACE,
	.vtable = crash_bus_vtable,
};
