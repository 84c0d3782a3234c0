/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-coredump-processor's code over other places: processor-test JOURNAL RUN ROOT
 * INSTANCE|--follow [WAIT_MSEC [DELIVERY_MSEC [STATE]]]. Never installed. */
#include "common/log.h"
#include "common/text.h"
#include "coredump/processor.h"
#include <fcntl.h>

static usec_t msec(int argc, char **argv, int at, usec_t otherwise)
{
	uint64_t value;
	return argc > at && parse_u64(argv[at], 600000, &value) == 0 ? value * USEC_PER_MSEC
								     : otherwise;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	log_setup("processor-test", LOG_DEBUG);
	const ProcessorSetup setup = {.place = {.directory = argv[1]},
		.roots = {.run = argv[2], .root_fd = open(argv[3], O_PATH | O_CLOEXEC)},
		.wait_usec = msec(argc, argv, 5, PROCESSOR_WAIT_USEC),
		.delivery_usec = msec(argc, argv, 6, PROCESSOR_DELIVERY_USEC),
		.since_realtime = 1,
		.state_fd = argc > 7 ? open(argv[7], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF};
	int r = streq(argv[4], "--follow") ? processor_follow(&setup)
					   : processor_run_instance(&setup, argv[4]);
	return r < 0;
}
