/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Marks on rows of the index, a slice each turn of the loop. */
#include "monitord/crash-marks.h"

#include "common/cleanup.h"
#include "common/log.h"
#include <string.h>

#define SLICE 256

typedef struct MarkJob {
	struct MarkJob *next;
	CrashHashes list;
	size_t at;
	CrashMark mark;
	void (*done)(CrashHashes *list, void *userdata);
	void *userdata;
} MarkJob;

struct CrashMarks {
	CrashIndex *const *index;
	sd_event_source *turn;
	MarkJob *first, *last;
	void (*failed)(int error, void *userdata);
	void *userdata;
};

int crash_hashes_add(CrashHashes *list, const char *hash)
{
	if (list->n == list->allocated) {
		size_t allocated = list->allocated ? list->allocated * 2 : 8;
		void *grown = reallocarray(list->hashes, allocated, sizeof *list->hashes);
		if (!grown)
			return -ENOMEM;
		list->hashes = grown;
		list->allocated = allocated;
	}
	(void)snprintf(list->hashes[list->n++], CRASH_HASH_SIZE, "%s", hash);
	return 0;
}

void crash_hashes_done(CrashHashes *list)
{
	free(list->hashes);
	*list = (CrashHashes){};
}

static int mark_row(CrashIndex *index, const char *hash, CrashMark mark)
{
	int r = -EINVAL;

	switch (mark) {
	case MARK_TOLD:
		r = index_set_told(index, hash, CRASH_TOLD);
		break;
	case MARK_COUNTED:
		r = index_set_told(index, hash, CRASH_COUNTED);
		break;
	case MARK_ATTEMPT:
		r = index_add_attempt(index, hash);
		break;
	case MARK_DROP_ATTEMPT:
		r = index_drop_attempt(index, hash);
		break;
	}
	return r == -ENOENT ? 0 : r; /* forgotten, or trimmed, meanwhile */
}

static int mark_slice(CrashMarks *marks, MarkJob *job)
{
	CrashIndex *index = *marks->index;
	size_t end = MIN_OF(job->list.n, job->at + SLICE);
	int r;

	r = index_begin(index);
	if (r < 0)
		return r;
	for (size_t i = job->at; i < end && r >= 0; i++)
		r = mark_row(index, job->list.hashes[i], job->mark);
	if (r < 0) {
		index_rollback(index);
		return r;
	}
	r = index_commit(index);
	job->at = end;
	return r;
}

static void job_free(MarkJob *job)
{
	crash_hashes_done(&job->list);
	free(job);
}

static void arm(CrashMarks *marks)
{
	(void)sd_event_source_set_enabled(
		marks->turn, marks->first ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_turn(sd_event_source *source, void *userdata)
{
	CrashMarks *marks = userdata;
	MarkJob *job = marks->first;
	int r;

	(void)source;
	if (!job)
		return 0;
	r = mark_slice(marks, job);
	if (r >= 0 && job->at < job->list.n) {
		arm(marks);
		return 0;
	}
	marks->first = job->next;
	if (!marks->first)
		marks->last = NULL;
	arm(marks);
	if (r < 0)
		marks->failed(r, marks->userdata);
	if (job->done)
		job->done(&job->list, job->userdata);
	job_free(job);
	return 0;
}

int crash_marks_new(sd_event *event, CrashIndex *const *index,
	void (*failed)(int error, void *userdata), void *userdata, CrashMarks **ret)
{
	CrashMarks *marks = calloc(1, sizeof *marks);
	int r;

	if (!marks)
		return -ENOMEM;
	marks->index = index;
	marks->failed = failed;
	marks->userdata = userdata;
	r = sd_event_add_defer(event, &marks->turn, on_turn, marks);
	if (r >= 0)
		r = sd_event_source_set_enabled(marks->turn, SD_EVENT_OFF);
	/* whatever arrives goes first */
	if (r >= 0)
		r = sd_event_source_set_priority(marks->turn, SD_EVENT_PRIORITY_IDLE);
	if (r < 0) {
		(void)crash_marks_free(marks);
		return r;
	}
	*ret = marks;
	return 0;
}

CrashMarks *crash_marks_free(CrashMarks *marks)
{
	if (!marks)
		return NULL;
	while (marks->first) {
		MarkJob *job = marks->first;
		while (job->at < job->list.n && mark_slice(marks, job) >= 0)
			;
		marks->first = job->next;
		job_free(job);
	}
	sd_event_source_disable_unref(marks->turn);
	free(marks);
	return NULL;
}

int crash_marks_queue(CrashMarks *marks, CrashHashes *list, CrashMark mark,
	void (*done)(CrashHashes *list, void *userdata), void *userdata)
{
	MarkJob *job = calloc(1, sizeof *job);

	if (!job)
		return -ENOMEM;
	*job = (MarkJob){.list = *list, .mark = mark, .done = done, .userdata = userdata};
	*list = (CrashHashes){};
	if (marks->last)
		marks->last->next = job;
	else
		marks->first = job;
	marks->last = job;
	arm(marks);
	return 0;
}

bool crash_marks_are_done(const CrashMarks *marks)
{
	return !marks->first;
}

int crash_marks_one(CrashMarks *marks, const char *hash, CrashMark mark)
{
	int r = mark_row(*marks->index, hash, mark);

	if (r < 0)
		marks->failed(r, marks->userdata);
	return r;
}
