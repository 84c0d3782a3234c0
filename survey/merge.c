/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which descriptors are one instance. kcmp(2) orders open file descriptions, so duplicates meet
 * while the references are merge-sorted by it: two neighbours in the result were compared with each
 * other on the way, and nothing needs to be asked twice. Where it is not permitted, equal non-empty
 * watch lists of a parent and its child are taken for one, and the survey says that it is
 * approximate. */
#include "common/cleanup.h"
#include "survey/internals.h"
#include <pthread.h>
#include <string.h>

#define SORT_ALONE	256 /* references that are sorted faster than a thread is started */
#define SORT_ROUNDS_MAX 8   /* of processes that end while they are compared */

typedef enum Comparable {
	COMPARABLE,
	COMPARABLE_GONE, /* ended, or closed, since it was found */
	COMPARABLE_NOT,	 /* kcmp(2) refuses */
} Comparable;

typedef struct Merge {
	const SurveyKernel *kernel;
	const SurveyReference *references;
	uint32_t *order, *scratch;
	uint32_t *same_as;	/* of a reference: an earlier one of the same instance, or itself */
	Comparable *comparable; /* of a reference */
} Merge;

static uint32_t first_of(const Merge *merge, uint32_t reference)
{
	while (merge->same_as[reference] != reference)
		reference = merge->same_as[reference];
	return reference;
}

static void unite(Merge *merge, uint32_t a, uint32_t b)
{
	uint32_t x = first_of(merge, a), y = first_of(merge, b);

	merge->same_as[MAX_OF(x, y)] = MIN_OF(x, y);
	merge->same_as[MAX_OF(a, b)] = MIN_OF(x, y);
}

static int ask(const Merge *merge, uint32_t a, uint32_t b)
{
	const SurveyReference *x = &merge->references[a], *y = &merge->references[b];

	return merge->kernel->compare_files(x->pid, x->fd, y->pid, y->fd, merge->kernel->userdata);
}

static void find_out_why(Merge *merge, uint32_t reference)
{
	int r = ask(merge, reference, reference);

	if (r < 0)
		merge->comparable[reference] =
			r == -ESRCH || r == -EBADF ? COMPARABLE_GONE : COMPARABLE_NOT;
}

static int compare(Merge *merge, uint32_t a, uint32_t b)
{
	const SurveyReference *x = &merge->references[a], *y = &merge->references[b];

	if (x->fanotify != y->fanotify)
		return x->fanotify ? 1 : -1;
	int r = ask(merge, a, b);
	if (r == 0)
		unite(merge, a, b);
	if (r < 0) {
		find_out_why(merge, a);
		find_out_why(merge, b);
	}
	if (r >= 0 && r <= 2)
		return r == 1 ? -1 : r == 2;
	return a < b ? -1 : 1; /* unordered: keep them apart */
}

typedef struct Part {
	Merge *merge;
	size_t from, to;
	unsigned threads;
} Part;

static void *sort_part(void *data);

/* Sorts the halves, the first one in a thread of its own where that pays. They share no reference,
 * so they need no lock. */
static void sort_halves(const Part *part, size_t middle)
{
	Part left = {part->merge, part->from, middle, part->threads / 2};
	Part right = {part->merge, middle, part->to, part->threads - part->threads / 2};
	pthread_t thread;

	bool started = part->threads > 1 && part->to - part->from >= SORT_ALONE &&
		       pthread_create(&thread, NULL, sort_part, &left) == 0;
	if (!started)
		(void)sort_part(&left);
	(void)sort_part(&right);
	if (started)
		(void)pthread_join(thread, NULL);
}

/* A merge sort of our own: the comparison may contradict itself when processes end meanwhile, which
 * qsort(3) may answer with undefined behaviour; and it shows each comparison's outcome. */
static void *sort_part(void *data)
{
	const Part *part = data;
	Merge *merge = part->merge;
	size_t from = part->from, to = part->to;

	if (to - from < 2)
		return NULL;
	size_t middle = from + (to - from) / 2, i = from, j = middle, k = from;
	sort_halves(part, middle);
	while (i < middle && j < to)
		merge->scratch[k++] = compare(merge, merge->order[i], merge->order[j]) <= 0
					      ? merge->order[i++]
					      : merge->order[j++];
	while (i < middle)
		merge->scratch[k++] = merge->order[i++];
	while (j < to)
		merge->scratch[k++] = merge->order[j++];
	memcpy(merge->order + from, merge->scratch + from, (to - from) * sizeof *merge->order);
	return NULL;
}

/* Leaves in order[] what can still be compared; gives how many. */
static size_t drop_incomparable(Merge *merge, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (merge->comparable[merge->order[i]] == COMPARABLE)
			merge->order[kept++] = merge->order[i];
	return kept;
}

/* One that ended in the middle may have led others astray: sort again without it. */
static void find_duplicates(Merge *merge, size_t n, unsigned threads)
{
	for (unsigned round = 0; round < SORT_ROUNDS_MAX; round++) {
		if (n == 1) /* nothing to compare it with, yet it may be gone or refuse */
			find_out_why(merge, merge->order[0]);
		/* What the first round found to be the same may stand in both halves now. */
		(void)sort_part(&(Part){merge, 0, n, round == 0 ? threads : 1});
		size_t kept = drop_incomparable(merge, n);
		if (kept == n)
			return;
		n = kept;
	}
}

/* Gives the reference a new instance, or that of `same`. */
static void assign(
	SurveyInternals *internals, SurveyReference *reference, const SurveyReference *same)
{
	if (!same) {
		reference->instance = (uint32_t)internals->n_instances++;
		internals->instances[reference->instance] = (SurveyInstance){
			.fanotify = reference->fanotify, .payer = reference->process};
	} else {
		reference->instance = same->instance;
	}

	SurveyInstance *instance = &internals->instances[reference->instance];
	instance->references++;
	instance->payer = MIN_OF(instance->payer, reference->process);
	/* Read at different moments, the lists may differ; the longer one is the later. */
	instance->watches = MAX_OF(instance->watches, reference->watches);
}

static int compare_pid(const void *key, const void *process)
{
	pid_t pid = *(const pid_t *)key, other = ((const SurveyProcess *)process)->pid;
	return pid < other ? -1 : pid > other;
}

/* A reference of the parent with the very list that this one has. A parent with a higher pid than
 * its child (wrap-around) has no instances yet, and they stay apart: counted twice, and marked
 * approximate like the rest. */
static const SurveyReference *twin_in_parent(const Survey *survey, const SurveyReference *reference)
{
	const SurveyInternals *in = survey->internals;
	const SurveyProcess *parent = bsearch(&survey->processes[reference->process].parent,
		survey->processes, survey->n_processes, sizeof *survey->processes, compare_pid);

	if (!parent || !reference->list_hash || !reference->watches)
		return NULL;
	const SurveyProcessDetail *detail = &in->details[parent - survey->processes];
	for (uint32_t i = 0; i < detail->n_references; i++) {
		const SurveyReference *other = &in->references[detail->first_reference + i];
		if (other->instance != INSTANCE_NONE && other->fanotify == reference->fanotify &&
			other->list_hash == reference->list_hash &&
			other->watches == reference->watches)
			return other;
	}
	return NULL;
}

static int compare_index(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* The distinct instances of one process; gives how many. list: room for all its references. */
static size_t distinct(const SurveyInternals *in, const SurveyProcessDetail *detail, uint32_t *list)
{
	size_t n = 0, kept = 0;

	for (uint32_t i = 0; i < detail->n_references; i++)
		if (in->references[detail->first_reference + i].instance != INSTANCE_NONE)
			list[n++] = in->references[detail->first_reference + i].instance;
	qsort(list, n, sizeof *list, compare_index);
	for (size_t i = 0; i < n; i++)
		if (!i || list[i] != list[i - 1])
			list[kept++] = list[i];
	return kept;
}

static void count_row(Survey *survey, size_t at, uint32_t *list)
{
	SurveyInternals *in = survey->internals;
	SurveyProcess *process = &survey->processes[at];
	const SurveyProcessDetail *detail = &in->details[at];
	size_t n = distinct(in, detail, list);

	for (uint32_t i = 0; i < detail->n_references; i++)
		process->references += !in->references[detail->first_reference + i].fanotify;
	for (size_t i = 0; i < n; i++) {
		const SurveyInstance *instance = &in->instances[list[i]];
		if (instance->fanotify) {
			process->fanotify_groups++;
			process->fanotify_marks += instance->watches;
			continue;
		}
		process->instances++;
		process->shared += instance->holders > 1;
		process->small += survey->has_watches && instance->watches <= 1;
		process->watches += instance->watches;
	}
}

static int count_rows(Survey *survey)
{
	SurveyInternals *in = survey->internals;
	_cleanup_(freep) uint32_t *list = calloc(in->n_references + 1, sizeof *list);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < survey->n_processes; i++) {
		size_t n = distinct(in, &in->details[i], list);
		for (size_t k = 0; k < n; k++)
			in->instances[list[k]].holders++;
	}
	for (size_t i = 0; i < survey->n_processes; i++)
		count_row(survey, i, list);
	for (size_t i = 0; i < in->n_instances; i++)
		survey->shared += in->instances[i].holders > 1 && !in->instances[i].fanotify;
	return 0;
}

/* In order of pid, so that the first holder of an instance is the one with the lowest. taken: of
 * the first reference of a set, the one whose instance stands for all, plus one (it may itself be
 * gone).
 */
static void assign_all(Survey *survey, const Merge *merge, uint32_t *taken)
{
	SurveyInternals *in = survey->internals;
	size_t n_others = 0;

	for (uint32_t i = 0; i < in->n_references; i++) {
		uint32_t first = first_of(merge, i);
		if (merge->comparable[i] != COMPARABLE)
			continue;
		assign(in, &in->references[i],
			taken[first] ? &in->references[taken[first] - 1] : NULL);
		taken[first] = i + 1;
	}
	for (uint32_t i = 0; i < in->n_references; i++) {
		SurveyReference *reference = &in->references[i];
		if (merge->comparable[i] != COMPARABLE_NOT)
			continue;
		assign(in, reference, twin_in_parent(survey, reference));
		n_others++;
	}
	survey->approximate = n_others > 1;
}

int survey_merge(Survey *survey, const SurveyKernel *kernel, unsigned threads)
{
	SurveyInternals *in = survey->internals;
	size_t n = in->n_references;
	_cleanup_(freep) uint32_t *order = calloc(n + 1, sizeof *order);
	_cleanup_(freep) uint32_t *scratch = calloc(n + 1, sizeof *scratch);
	_cleanup_(freep) uint32_t *same_as = calloc(n + 1, sizeof *same_as);
	_cleanup_(freep) Comparable *comparable = calloc(n + 1, sizeof *comparable);
	Merge merge = {.kernel = kernel,
		.references = in->references,
		.order = order,
		.scratch = scratch,
		.same_as = same_as,
		.comparable = comparable};

	in->instances = calloc(n + 1, sizeof *in->instances);
	if (!order || !scratch || !same_as || !comparable || !in->instances)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		order[i] = same_as[i] = i;
		comparable[i] = kernel->compare_files ? COMPARABLE : COMPARABLE_NOT;
	}
	if (kernel->compare_files)
		find_duplicates(&merge, n, threads);
	memset(scratch, 0, n * sizeof *scratch);
	assign_all(survey, &merge, scratch);
	return count_rows(survey);
}
