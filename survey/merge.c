/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which descriptors are one instance. kcmp(2) orders open file descriptions, so duplicates stand
 * side by side once the references are sorted by it. Where it is not permitted, equal non-empty
 * watch lists of a parent and its child are taken for one, and the survey says that it is
 * approximate. */
#include "common/cleanup.h"
#include "survey/internals.h"
#include <string.h>

typedef struct Merge {
	Survey *survey;
	const SurveyKernel *kernel;
	SurveyReference **order;
	SurveyReference **scratch;
} Merge;

static int compare(const Merge *merge, const SurveyReference *a, const SurveyReference *b)
{
	if (a->fanotify != b->fanotify)
		return a->fanotify ? 1 : -1;
	int r = merge->kernel->compare_files(a->pid, a->fd, b->pid, b->fd, merge->kernel->userdata);
	if (r == 0)
		return 0;
	if (r == 1 || r == 2)
		return r == 1 ? -1 : 1;
	return a < b ? -1 : 1; /* died meanwhile, or unordered: keep them apart */
}

/* A merge sort of our own: the comparison may contradict itself when processes end meanwhile, which
 * qsort(3) may answer with undefined behaviour; this one merely leaves two equal ones apart. */
static void sort_references(Merge *merge, size_t from, size_t to)
{
	if (to - from < 2)
		return;
	size_t middle = from + (to - from) / 2, i = from, j = middle, k = from;

	sort_references(merge, from, middle);
	sort_references(merge, middle, to);
	while (i < middle && j < to)
		merge->scratch[k++] = compare(merge, merge->order[i], merge->order[j]) <= 0
					      ? merge->order[i++]
					      : merge->order[j++];
	while (i < middle)
		merge->scratch[k++] = merge->order[i++];
	while (j < to)
		merge->scratch[k++] = merge->order[j++];
	memcpy(merge->order + from, merge->scratch + from, (to - from) * sizeof *merge->order);
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

/* Can the kernel compare this one at all? 0 yes, -ESRCH/-EBADF it is gone, else not permitted. */
static int probe(const Merge *merge, const SurveyReference *reference)
{
	int r = merge->kernel->compare_files(reference->pid, reference->fd, reference->pid,
		reference->fd, merge->kernel->userdata);
	return r >= 0 ? 0 : r;
}

static void merge_comparable(Merge *merge, size_t n)
{
	sort_references(merge, 0, n);
	for (size_t i = 0; i < n; i++) {
		const SurveyReference *before = i ? merge->order[i - 1] : NULL;
		bool same = before && compare(merge, before, merge->order[i]) == 0;
		assign(merge->survey->internals, merge->order[i], same ? before : NULL);
	}
}

/* A reference of the parent with the very list that this one has. */
static const SurveyReference *twin_in_parent(const Survey *survey, const SurveyReference *reference)
{
	const SurveyInternals *in = survey->internals;
	pid_t parent = survey->processes[reference->process].parent;

	if (!reference->list_hash || !reference->watches)
		return NULL;
	/* Rows stand in order of pid; a parent with a higher pid than its child (wrap-around) is
	 * assigned later and stays apart: counted twice, and marked approximate like the rest. */
	for (uint32_t p = 0; p < reference->process; p++) {
		if (survey->processes[p].pid != parent)
			continue;
		const SurveyProcessDetail *detail = &in->details[p];
		for (uint32_t i = 0; i < detail->n_references; i++) {
			const SurveyReference *other = &in->references[detail->first_reference + i];
			if (other->instance != INSTANCE_NONE &&
				other->fanotify == reference->fanotify &&
				other->list_hash == reference->list_hash &&
				other->watches == reference->watches)
				return other;
		}
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

int survey_merge(Survey *survey, const SurveyKernel *kernel)
{
	SurveyInternals *in = survey->internals;
	size_t n = in->n_references, n_comparable = 0;
	_cleanup_(freep) SurveyReference **order = calloc(n + 1, sizeof *order);
	_cleanup_(freep) SurveyReference **scratch = calloc(n + 1, sizeof *scratch);
	_cleanup_(freep) SurveyReference **others = calloc(n + 1, sizeof *others);
	Merge merge = {.survey = survey, .kernel = kernel, .order = order, .scratch = scratch};
	size_t n_others = 0;

	in->instances = calloc(n + 1, sizeof *in->instances);
	if (!order || !scratch || !others || !in->instances)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = kernel->compare_files ? probe(&merge, &in->references[i]) : -EPERM;
		if (r == 0)
			order[n_comparable++] = &in->references[i];
		else if (r != -ESRCH && r != -EBADF)
			others[n_others++] = &in->references[i];
	}
	merge_comparable(&merge, n_comparable);
	for (size_t i = 0; i < n_others; i++)
		assign(in, others[i], twin_in_parent(survey, others[i]));
	survey->approximate = n_others > 1;
	return count_rows(survey);
}
