/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second step: what the plan names can be read, nothing be written. */
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/unwind/scan.h"
#include "coredump/unwind/step.h"
#include "coredump/unwind/walk.h"
#include <sys/stat.h>

/* On top of the files, which are mapped: what libdw makes of them, twice their size at the worst.
 */
#define MEMORY_BYTES ((uint64_t)2 * 1024 * 1024 * 1024)
#define CPU_SECONDS  60 /* walk() itself stops earlier and gives what it has */
#define WALL_SECONDS 180

typedef struct Files {
	const char **path; /* borrowed from the plan */
	size_t n;
	uint64_t bytes;
} Files;

static void files_done(Files *files)
{
	free(files->path);
}

static void add_file(Files *files, const char *path)
{
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return;
	files->path[files->n++] = path;
	files->bytes += (uint64_t)st.st_size;
}

static size_t count(char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

static int collect(const Plan *plan, Files *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_modules; i++)
		n += 1 + count(plan->module[i].debug_files) + count(plan->module[i].alt_files);
	ret->path = calloc(n + 1, sizeof *ret->path);
	if (!ret->path)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n_modules; i++) {
		const PlanModule *module = &plan->module[i];
		add_file(ret, module->file);
		for (char **path = module->debug_files; path && *path; path++)
			add_file(ret, *path);
		for (char **path = module->alt_files; path && *path; path++)
			add_file(ret, *path);
	}
	return 0;
}

static int lock(const StepOptions *options, const Files *files, SandboxState *ret)
{
	const SandboxRequest request = {
		.fds = &options->image,
		.n_fds = 1,
		.files = files->path,
		.n_files = files->n,
		.memory_bytes = MEMORY_BYTES + 3 * files->bytes,
		.file_bytes = TRACE_JSON_MAX,
		.cpu_seconds = CPU_SECONDS,
		.wall_seconds = WALL_SECONDS,
		.background = options->background,
	};

	return step_lock(&request, ret);
}

static int trace_core(const StepOptions *options, const Plan *plan, Trace *trace)
{
	const WalkLimits limits = WALK_LIMITS_INIT;
	CoreMemory memory;
	int r;

	r = core_memory_open(options->image, &memory);
	if (r >= 0)
		r = step_tell_cut(&memory.elf, trace);
	if (r >= 0)
		r = scan_core(&memory, options->tid, trace);
	if (r >= 0)
		r = walk(&memory, plan, &limits, trace);
	trace->stats.read_bytes = core_memory_bytes_read(&memory);
	core_memory_done(&memory);
	return r;
}

int step_trace(const StepOptions *options)
{
	_cleanup_(trace_donep) Trace trace = {};
	_cleanup_(plan_donep) Plan plan = {};
	_cleanup_(files_done) Files files = {};
	usec_t begin = now_usec(CLOCK_MONOTONIC);
	SandboxState sandbox;
	int r;

	r = plan_read(options->plan, &plan);
	if (r >= 0)
		r = collect(&plan, &files);
	if (r < 0)
		return log_error_errno(r, "The plan cannot be read: %m");
	r = lock(options, &files, &sandbox);
	if (r < 0)
		return r;
	r = trace_core(options, &plan, &trace);
	if (r < 0)
		return step_fail(r, options->image);
	trace.stats.usec = now_usec(CLOCK_MONOTONIC) - begin;
	return step_print(&trace, &sandbox, NULL);
}
