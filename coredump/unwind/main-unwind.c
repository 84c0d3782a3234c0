/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-unwind: a core in on an fd, what it says out as one JSON object on stdout. What goes wrong
 * is one line on stderr. It opens nothing by a name that the core gives.
 *   scan --core=FD --image=FD    notes alone: threads, modules, signal. Writes what a compressed
 *                                core holds of stacks into the image, for the second step.
 *   --tid=N                      the thread that crashed, where others know better
 *   --background                 slowly: the daemon asks
 * Exit status: 0 done, 1 failed, 2 bad usage. */
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/unwind/sandbox.h"
#include "coredump/unwind/scan.h"
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#define SCAN_MEMORY_BYTES ((uint64_t)1024 * 1024 * 1024)
#define SCAN_FILE_BYTES	  ((uint64_t)256 * 1024 * 1024) /* what is kept of stacks fits */
#define SCAN_CPU_SECONDS  120
#define SCAN_WALL_SECONDS 300

typedef struct Options {
	int core, image; /* fds; -EBADF: not given */
	pid_t tid;	 /* 0: not known */
	int background;	 /* flag of getopt_long(3) */
} Options;

#if defined(__SANITIZE_ADDRESS__)
/* The leak checker wants threads, ptrace(2) and /proc; the symbolizer a program. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0";
}
#endif

static int fail(int error, const char *what)
{
	switch (-error) {
	case EBADMSG:
		return log_error_errno(error, "%s is no core.", what);
	case ENOMEM:
		return log_error_errno(error, "%s needs more memory than is allowed.", what);
	default:
		return log_error_errno(error, "Reading %s failed: %m", what);
	}
}

/* Before the first byte of the core is read. */
static int enter_sandbox(const Options *options, SandboxState *ret)
{
	const int fds[] = {options->core, options->image};
	const SandboxRequest request = {
		.fds = fds,
		.n_fds = ELEMENTSOF(fds),
		.writes = options->image >= 0,
		.memory_bytes = SCAN_MEMORY_BYTES,
		.file_bytes = SCAN_FILE_BYTES,
		.cpu_seconds = SCAN_CPU_SECONDS,
		.wall_seconds = SCAN_WALL_SECONDS,
		.background = options->background,
	};
	int r;

	json_object_seed(0); /* jansson would open /dev/urandom later */
	r = sandbox_enter(&request, ret);
	if (r < 0)
		return log_error_errno(r,
			"The sandbox cannot be made, so the core is not read: %m. Does the kernel have seccomp filters?");
	return 0;
}

/* extra: keys beside the trace's; stolen. */
static int print_trace(const Trace *trace, const SandboxState *sandbox, json_t *extra)
{
	_cleanup_(json_decrefp) json_t *root = trace_to_json(trace), *more = extra;

	if (root)
		(void)json_object_set_new(root, "sandbox",
			json_pack("{s:b, s:i}", "seccomp", sandbox->seccomp, "landlock",
				sandbox->landlock));

	if (!root || json_object_update(root, more) < 0 ||
		json_dumpf(root, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF ||
		fflush(stdout) == EOF)
		return log_error_errno(errno, "Writing the result failed: %m");
	return 0;
}

/* A plain core may end before its headers say that it does. */
static int tell_cut(CoreElf *elf, Trace *trace)
{
	char ends[32], wanted[32];
	uint64_t extent;
	int r;

	r = core_elf_extent(elf, &extent);
	if (r >= 0)
		trace->stats.core_bytes = extent;
	if (r >= 0 && extent <= elf->file_size)
		return 0;
	if (r < 0)
		r = asprintf(&trace->partial, "the core ends after %s, among its headers",
			format_bytes(elf->file_size, ends));
	else
		r = asprintf(&trace->partial, "the core ends after %s of %s",
			format_bytes(elf->file_size, ends), format_bytes(extent, wanted));
	return r < 0 ? -ENOMEM : 0;
}

static int run_scan(const Options *options)
{
	_cleanup_(trace_donep) Trace trace = {};
	usec_t begin = now_usec(CLOCK_MONOTONIC);
	SandboxState sandbox;
	CoreMemory memory;
	int r;

	r = enter_sandbox(options, &sandbox);
	if (r < 0)
		return r;
	r = core_memory_open(options->core, &memory);
	if (r >= 0)
		r = tell_cut(&memory.elf, &trace);
	if (r >= 0)
		r = scan_core(&memory, options->tid, &trace);
	core_memory_done(&memory);
	if (r < 0)
		return fail(r, "The core");
	trace.stats.usec = now_usec(CLOCK_MONOTONIC) - begin;
	return print_trace(&trace, &sandbox, json_pack("{s:s}", "image", "core"));
}

static const struct {
	const char *name;
	int (*run)(const Options *options);
} steps[] = {{"scan", run_scan}};

static int usage(void)
{
	log_error(
		"usage: vigil-unwind scan --core=FD --image=FD [--tid=N] [--background]; vigil starts it.");
	return 2;
}

static int parse_number(const char *text, int *ret)
{
	uint64_t value;

	if (parse_u64(text, INT32_MAX, &value) < 0)
		return -EINVAL;
	*ret = (int)value;
	return 0;
}

static int parse_options(int argc, char **argv, Options *ret)
{
	const struct option rows[] = {{"core", required_argument, NULL, 'c'},
		{"image", required_argument, NULL, 'i'}, {"tid", required_argument, NULL, 't'},
		{"background", no_argument, &ret->background, true}, {}};
	int c;

	*ret = (Options){.core = -EBADF, .image = -EBADF};
	while ((c = getopt_long(argc, argv, "", rows, NULL)) >= 0) {
		if (c == 0)
			continue;
		int *into = c == 'c' ? &ret->core : c == 'i' ? &ret->image : &ret->tid;
		if (c == '?' || parse_number(optarg, into) < 0)
			return -EINVAL;
	}
	return optind < argc ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	Options options;

	log_setup("vigil-unwind", LOG_INFO);
	(void)umask(077);
	for (size_t i = 0; i < ELEMENTSOF(steps); i++)
		if (argc > 1 && streq(argv[1], steps[i].name)) {
			if (parse_options(argc - 1, argv + 1, &options) < 0 || options.core < 0)
				return usage();
			return steps[i].run(&options) < 0;
		}
	return usage();
}
