/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first step: no file can be opened, one can be written, the image. */
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/unwind/core-image.h"
#include "coredump/unwind/scan.h"
#include "coredump/unwind/step.h"
#include <stdio.h>

/* zstd's largest window is 128 MiB, the notes 16 MiB. */
#define MEMORY_BYTES ((uint64_t)1024 * 1024 * 1024)
/* Decompressing xz goes at some 50 MiB a second, and cores have gigabytes. */
#define CPU_SECONDS  300
#define WALL_SECONDS 600

static int lock(const StepOptions *options, SandboxState *ret)
{
	const int fds[] = {options->core, options->image};
	const SandboxRequest request = {
		.fds = fds,
		.n_fds = ELEMENTSOF(fds),
		.writes = options->image >= 0,
		.memory_bytes = MEMORY_BYTES,
		.file_bytes = IMAGE_MAX,
		.cpu_seconds = CPU_SECONDS,
		.wall_seconds = WALL_SECONDS,
		.background = options->background,
	};

	return step_lock(&request, ret);
}

/* Why a compressed core does not tell everything; the first reason counts. */
static int tell_partial(CoreElf *elf, const CoreImage *image, Trace *trace)
{
	char ends[32], wanted[32];
	uint64_t extent = 0;
	int r = 0;

	(void)core_elf_extent(elf, &extent);
	trace->stats.core_bytes = MIN_OF(extent, (uint64_t)INT64_MAX);
	(void)format_bytes(image->core_bytes, ends);
	(void)format_bytes(extent, wanted);
	if (image->damaged && extent > image->core_bytes)
		r = asprintf(&trace->partial,
			"the compressed core is cut or damaged: %s of %s can be read", ends,
			wanted);
	else if (image->damaged || image->core_bytes < extent)
		r = asprintf(&trace->partial, "the core ends after %s of %s", ends, wanted);
	else if (image->notes_missing)
		r = asprintf(&trace->partial,
			"the compressed core does not begin with its notes: it has to be decompressed first");
	else if (image->stacks_unknown)
		r = asprintf(&trace->partial,
			"the registers of this machine are not known: its compressed cores have to be decompressed first");
	return r < 0 ? -ENOMEM : 0;
}

static int make_image(CoreElf *elf, const StepOptions *options, Trace *trace)
{
	CoreImage image;
	int r;

	r = core_image_make(elf, options->image, options->tid, &image);
	if (r < 0)
		return r;
	trace->stats.written_bytes = image.written_bytes;
	trace->stats.read_bytes = elf->file_size;
	return tell_partial(elf, &image, trace);
}

/* Which fd the second step is to read: the core itself where it is plain. */
static int prepare(const StepOptions *options, Trace *trace, int *ret_fd)
{
	CoreElf elf;
	int r;

	r = core_elf_open(options->core, &elf);
	if (r >= 0 && elf.compression == CORE_PLAIN) {
		*ret_fd = options->core;
		r = step_tell_cut(&elf, trace);
	} else if (r >= 0) {
		*ret_fd = options->image;
		r = make_image(&elf, options, trace);
	}
	core_elf_done(&elf);
	return r;
}

static int scan(int fd, pid_t tid, Trace *trace)
{
	CoreMemory memory;
	int r;

	r = core_memory_open(fd, &memory);
	if (r >= 0)
		r = scan_core(&memory, tid, trace);
	if (r >= 0 && trace->stats.written_bytes == 0)
		trace->stats.read_bytes = core_memory_bytes_read(&memory);
	core_memory_done(&memory);
	return r;
}

int step_scan(const StepOptions *options)
{
	_cleanup_(trace_donep) Trace trace = {};
	usec_t begin = now_usec(CLOCK_MONOTONIC);
	SandboxState sandbox;
	int fd = -EBADF, r;

	r = lock(options, &sandbox);
	if (r < 0)
		return r;
	r = prepare(options, &trace, &fd);
	if (r >= 0)
		r = scan(fd, options->tid, &trace);
	if (r < 0)
		return step_fail(r, options->core);
	trace.stats.usec = now_usec(CLOCK_MONOTONIC) - begin;
	return step_print(&trace, &sandbox, fd == options->core ? "core" : "image");
}
