/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index between file and memory. */
#include "monitord/crash-store.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include <string.h>

/* A cursor of ours: its time is when this index began. */
#define BEGIN "begin"

#define CARRIED_MAX	10000 /* untold crashes taken over from a file that can only be read */
#define MEMORY_ROWS_MAX 5000

bool crash_store_is_trouble(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EROFS || error == -EIO ||
	       error == -EACCES || error == -EPERM || error == -EUCLEAN;
}

/* A new index: what the sources still have from before is listed, not told. */
static int read_begin(CrashIndex *index, usec_t *ret)
{
	_cleanup_(freep) char *cursor = NULL;
	usec_t now = now_usec(CLOCK_REALTIME);
	int r;

	r = index_get_cursor(index, BEGIN, &cursor, ret);
	if (r != -ENOENT)
		return r;
	*ret = now;
	return index_set_cursor(index, BEGIN, NULL, now);
}

static int open_file(const char *path, CrashIndex **ret, IndexFound *ret_found, usec_t *ret_begin)
{
	_cleanup_(index_closep) CrashIndex *index = NULL;
	int r;

	r = index_open(path, INDEX_CHECKED, &index, ret_found);
	if (r >= 0)
		r = read_begin(index, ret_begin);
	if (r >= 0)
		*ret = TAKE_PTR(index);
	return r;
}

/* ---- from one to another --------------------------------------------------------------------- */

static int carry_cursor(const char *source, const char *cursor, usec_t realtime, void *userdata)
{
	return index_set_cursor(userdata, source, cursor, realtime);
}

static int carry_row(const CrashRow *row, void *userdata)
{
	CrashIndex *to = userdata;
	IndexAdded added;
	int r;

	r = index_add(to, &row->crash, row->told == CRASH_TOLD, &added);
	if (r >= 0 && added != INDEX_FORGOTTEN && row->told != CRASH_UNTOLD)
		r = index_set_told(to, row->crash.hash, row->told);
	return r < 0 ? r : 0;
}

static int carry_mute(MuteKind kind, const char *value, usec_t until_realtime, void *userdata)
{
	return index_mute(userdata, kind, value, until_realtime);
}

/* All that memory learned, and how far the sources were read, in one transaction. */
static int carry_all(CrashIndex *from, CrashIndex *to)
{
	const CrashQuery all = {.full = true};
	int r;

	r = index_begin(to);
	if (r < 0)
		return r;
	r = index_query(from, &all, carry_row, to);
	if (r >= 0)
		r = index_mutes(from, carry_mute, to);
	if (r >= 0)
		r = index_cursors(from, carry_cursor, to);
	if (r < 0) {
		index_rollback(to);
		return r;
	}
	return index_commit(to);
}

/* What is needed of a file that can still be read: how far it is, what the person wants to hear,
 * and what nobody was told yet. Whatever of it cannot be had is left out. */
static void carry_on(CrashIndex *from, CrashIndex *to)
{
	const CrashQuery untold = {
		.untold = true, .full = true, .newest_first = true, .limit = CARRIED_MAX};

	(void)index_begin(to);
	(void)index_cursors(from, carry_cursor, to);
	(void)index_mutes(from, carry_mute, to);
	(void)index_query(from, &untold, carry_row, to);
	(void)index_commit(to);
}

static int open_memory(CrashStore *store, int trouble, CrashIndex *from)
{
	CrashIndex *index;
	int r;

	r = index_open(NULL, INDEX_MEMORY, &index, NULL);
	if (r < 0)
		return log_error_errno(r, "Cannot keep crashes even in memory: %m");
	(void)log_warning_errno(trouble,
		"The index of crashes '%s' cannot be used, they are kept in memory until it can: %m",
		store->path);
	if (from)
		carry_on(from, index);
	(void)index_close(store->index);
	store->index = index;
	store->in_memory = true;
	store->trouble = trouble;
	return 0;
}

/* Where there is a file that can be read, its beginning is ours. */
static int open_without_file(CrashStore *store, int trouble)
{
	_cleanup_(index_closep) CrashIndex *file = NULL;
	_cleanup_(freep) char *cursor = NULL;

	store->begin_realtime = now_usec(CLOCK_REALTIME);
	if (index_open(store->path, INDEX_READ_ONLY, &file, NULL) >= 0)
		(void)index_get_cursor(file, BEGIN, &cursor, &store->begin_realtime);
	return open_memory(store, trouble, file);
}

int crash_store_open(CrashStore *store, const char *path)
{
	int r;

	*store = (CrashStore){.path = path ? strdup(path) : index_default_path()};
	if (!store->path)
		return -ENOMEM;
	r = open_file(store->path, &store->index, &store->found, &store->begin_realtime);
	if (r >= 0)
		return 0;
	r = open_without_file(store, r);
	if (r < 0)
		crash_store_done(store);
	return r;
}

void crash_store_done(CrashStore *store)
{
	(void)index_close(store->index);
	free(store->path);
	*store = (CrashStore){};
}

int crash_store_fall_back(CrashStore *store, int error)
{
	CrashIndex *index = NULL;
	usec_t begin = 0;
	int r = error;

	if (error == -EUCLEAN && !store->in_memory)
		r = open_file(store->path, &index, &store->found, &begin);
	if (r < 0)
		return open_memory(store, r, store->index);
	(void)index_close(store->index);
	store->index = index;
	store->begin_realtime = begin;
	return 0;
}

int crash_store_go_back(CrashStore *store)
{
	_cleanup_(index_closep) CrashIndex *file = NULL;
	usec_t begin;
	int r;

	if (!store->in_memory)
		return 0;
	r = open_file(store->path, &file, &store->found, &begin);
	if (r >= 0)
		r = carry_all(store->index, file);
	if (r < 0) {
		store->trouble = r;
		return r == -ENOMEM ? r : 0;
	}
	(void)index_close(store->index);
	store->index = TAKE_PTR(file);
	store->begin_realtime = begin;
	store->in_memory = false;
	store->trouble = 0;
	log_notice("The index of crashes '%s' can be written again", store->path);
	return 1;
}

int crash_store_trim(CrashStore *store, const IndexBounds *bounds, usec_t now_realtime)
{
	IndexBounds within = *bounds;
	IndexTrimmed trimmed = {};
	int r;

	if (store->in_memory)
		within.max_rows = MIN_OF(within.max_rows, (uint64_t)MEMORY_ROWS_MAX);
	r = index_trim(store->index, &within, now_realtime, &trimmed);
	if (r < 0)
		return log_warning_errno(
			r, "The index of crashes could not be brought within its bounds: %m");
	if (trimmed.unreported)
		log_notice(
			"%llu crashes that were never reported went out of the index, for MaxAge= and MaxUse= of vigil.conf",
			(unsigned long long)trimmed.unreported);
	return 0;
}
