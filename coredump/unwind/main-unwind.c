/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-unwind: a core in on an fd, what it says out as one JSON object on stdout. What goes wrong
 * is one line on stderr. It opens nothing by a name that the core gives.
 *   scan --core=FD --image=FD    notes alone: threads, modules, signal. Writes what a compressed
 *                                core holds of stacks into the image, for the second step; "image"
 *                                in the answer says which of the two fds that reads.
 *   trace --image=FD --plan=FD   the same with frames, by the files that the plan names (plan.h)
 *   --tid=N                      the thread that crashed, where others know better
 *   --background                 slowly: the daemon asks
 * Exit status: 0 done, 1 failed, 2 bad usage. */
#include "common/log.h"
#include "common/text.h"
#include "coredump/unwind/step.h"
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

static const struct {
	const char *name;
	int (*run)(const StepOptions *options);
	bool needs_core, needs_image, needs_plan;
} steps[] = {
	{"scan", step_scan, .needs_core = true, .needs_image = true},
	{"trace", step_trace, .needs_image = true, .needs_plan = true},
};

static int usage(void)
{
	log_error(
		"usage: vigil-unwind scan --core=FD --image=FD | trace --image=FD --plan=FD [--tid=N] [--background]; vigil starts it.");
	return 2;
}

static int *option_target(int c, StepOptions *options)
{
	switch (c) {
	case 'c':
		return &options->core;
	case 'i':
		return &options->image;
	case 'p':
		return &options->plan;
	case 't':
		return &options->tid;
	default:
		return NULL;
	}
}

static int parse_options(int argc, char **argv, StepOptions *ret)
{
	const struct option rows[] = {{"core", required_argument, NULL, 'c'},
		{"image", required_argument, NULL, 'i'}, {"plan", required_argument, NULL, 'p'},
		{"tid", required_argument, NULL, 't'},
		{"background", no_argument, &ret->background, true}, {}};
	uint64_t value;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", rows, NULL)) >= 0) {
		int *into = option_target(c, ret);
		if (c == 0)
			continue;
		if (!into || parse_u64(optarg, INT32_MAX, &value) < 0)
			return -EINVAL;
		*into = (int)value;
	}
	return optind < argc ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	StepOptions options = {.core = -EBADF, .image = -EBADF, .plan = -EBADF};

	log_setup("vigil-unwind", LOG_INFO);
	(void)umask(077);
	for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
		if (argc < 2 || !streq(argv[1], steps[i].name))
			continue;
		if (parse_options(argc - 1, argv + 1, &options) < 0 ||
			(steps[i].needs_core && options.core < 0) ||
			(steps[i].needs_image && options.image < 0) ||
			(steps[i].needs_plan && options.plan < 0))
			return usage();
		return steps[i].run(&options) < 0;
	}
	return usage();
}
