/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks first, the crashed thread's before all; they share one bound. */
#include "coredump/unwind/image-plan.h"

#include "coredump/unwind/core-image.h"
#include "coredump/unwind/core-memory.h"
#include "coredump/unwind/core-process.h"
#include "coredump/unwind/core-threads.h"

#define PAGE	     ((uint64_t)4096)
#define VDSO_MAX     ((uint64_t)64 * 1024)
#define OVERFLOW_MAX ((uint64_t)1024 * 1024) /* the kernel's stack_guard_gap */

/* As much as the mapping's part in the core allows, from address on. */
static int add(ImagePlan *plan, uint64_t address, uint64_t bytes, bool header)
{
	const CoreSegment *load = core_loads_find(plan->loads, plan->n_loads, address);

	if (!load || address - load->address >= load->file_bytes || bytes == 0)
		return 0;
	if ((plan->n_ranges & (plan->n_ranges - 1)) == 0) {
		size_t room = plan->n_ranges ? plan->n_ranges * 2 : 1;
		ImageRange *grown = realloc(plan->range, room * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		plan->range = grown;
	}
	uint64_t skipped = address - load->address;
	plan->range[plan->n_ranges++] = (ImageRange){
		.load = (size_t)(load - plan->loads),
		.offset = load->offset + skipped,
		.end = load->offset + skipped + MIN_OF(bytes, load->file_bytes - skipped),
		.header = header,
	};
	return 0;
}

/* Counted against what all stacks may take together. */
static int add_stack(ImagePlan *plan, uint64_t address, uint64_t bytes, uint64_t *left)
{
	size_t before = plan->n_ranges;
	int r;

	r = add(plan, address, MIN_OF(bytes, *left), false);
	if (r >= 0 && plan->n_ranges > before)
		*left -= plan->range[before].end - plan->range[before].offset;
	return r;
}

/* The mapping of the stack that sp points into; of one that has overflown, the next above: sp is in
 * its guard, or has jumped over it. NULL: none. */
static const CoreSegment *find_stack(const ImagePlan *plan, uint64_t sp)
{
	const CoreSegment *load = core_loads_find(plan->loads, plan->n_loads, sp);
	const CoreSegment *end = plan->loads + plan->n_loads;
	size_t low = 0, high = plan->n_loads;

	if (load && load->file_bytes > 0)
		return load;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (plan->loads[middle].address <= sp)
			low = middle + 1;
		else
			high = middle;
	}
	for (load = plan->loads + low; load < end && load->address - sp <= OVERFLOW_MAX; load++)
		if (load->file_bytes > 0)
			return load;
	return NULL;
}

/* Around where a stack begins, whoever runs on it. */
static int add_base(ImagePlan *plan, uint64_t address, uint64_t *left)
{
	const CoreSegment *load = core_loads_find(plan->loads, plan->n_loads, address);

	if (address == 0 || !load)
		return 0;
	uint64_t begin = address - MIN_OF(address - load->address, IMAGE_STACK_BASE);
	begin = MAX_OF(begin & ~(PAGE - 1), load->address);
	return add_stack(plan, begin, address - begin + PAGE, left);
}

static int add_thread(ImagePlan *plan, const CoreThread *thread, uint64_t bytes, uint64_t *left)
{
	const CoreSegment *load = thread->sp ? find_stack(plan, thread->sp) : NULL;
	int r = 0;

	if (load) {
		uint64_t below = MAX_OF(thread->sp, PAGE) - PAGE;
		r = add_stack(plan, MAX_OF(below & ~(PAGE - 1), load->address), bytes, left);
	}
	return r < 0 ? r : add_base(plan, thread->thread_pointer, left);
}

static int add_threads(ImagePlan *plan, CoreElf *elf, pid_t tid, uint64_t random_at)
{
	_cleanup_(core_threads_donep) CoreThreads threads = {};
	uint64_t left = IMAGE_STACKS_MAX;
	size_t crashed = 0;
	int r;

	r = core_threads_read(elf, &threads);
	if (r < 0 || threads.n == 0)
		return r;
	for (size_t i = 0; i < threads.n; i++)
		if (tid > 0 && threads.thread[i].tid == tid) {
			crashed = i;
			break;
		}
	plan->n_threads = threads.n;
	plan->stacks_unknown = !core_machine(elf);
	r = add_thread(plan, &threads.thread[crashed], IMAGE_STACK_CRASHED, &left);
	if (r >= 0)
		r = add_base(plan, random_at, &left);
	for (size_t i = 0; i < threads.n && r >= 0; i++)
		if (i != crashed)
			r = add_thread(plan, &threads.thread[i], IMAGE_STACK_OTHER, &left);
	return r;
}

static int add_files(ImagePlan *plan, const CoreProcess *process)
{
	int r;

	r = add(plan, process->vdso_at, VDSO_MAX, false);
	for (size_t i = 0; i < process->files.n && r >= 0; i++)
		if (process->files.row[i].offset == 0)
			r = add(plan, process->files.row[i].start, PAGE, true);
	return r;
}

static int by_offset(const void *a, const void *b)
{
	const ImageRange *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

/* Windows of the same mapping that touch become one; of mappings that share bytes of the file, as
 * only a forged core has them, the first keeps them. */
static void settle(ImagePlan *plan)
{
	size_t n = 0;

	if (plan->n_ranges > 1)
		qsort(plan->range, plan->n_ranges, sizeof *plan->range, by_offset);
	for (size_t i = 0; i < plan->n_ranges; i++) {
		ImageRange range = plan->range[i], *last = n ? &plan->range[n - 1] : NULL;
		if (last && range.load == last->load && range.offset <= last->end) {
			last->header &= range.header;
			last->end = MAX_OF(last->end, range.end);
			continue;
		}
		if (last)
			range.offset = MAX_OF(range.offset, last->end);
		if (range.offset < range.end)
			plan->range[n++] = range;
	}
	plan->n_ranges = n;
}

int image_plan_make(CoreElf *elf, pid_t tid, ImagePlan *ret)
{
	_cleanup_(core_process_donep) CoreProcess process = {};
	_cleanup_(image_plan_donep) ImagePlan plan = {};
	int r;

	r = core_loads_read(elf, &plan.loads, &plan.n_loads);
	if (r >= 0)
		r = core_process_read(elf, &process);
	if (r >= 0)
		r = add_threads(&plan, elf, tid, process.random_at);
	if (r >= 0)
		r = add_files(&plan, &process);
	if (r < 0)
		return r;
	settle(&plan);
	*ret = plan;
	plan = (ImagePlan){};
	return 0;
}

void image_plan_done(ImagePlan *plan)
{
	free(plan->loads);
	free(plan->range);
	*plan = (ImagePlan){};
}
