/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-coredump-processor INSTANCE | --follow: root's messenger from the journal to the users. It
 * takes one word, of letters, digits and :-_.\ only, and no environment but where systemd says that
 * it may keep its cursor. It parses journal entries, never a core; it writes nothing else. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/processor.h"
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* RuntimeDirectory= of the unit. */
static int open_state(void)
{
	const char *path = getenv("RUNTIME_DIRECTORY");

	return path && path[0] == '/' ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
}

static int run(const char *word)
{
	_cleanup_(closep) int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int state_fd = open_state();
	bool follow = streq(word, "--follow");
	usec_t back = MIN_OF(
		follow ? PROCESSOR_START_USEC : PROCESSOR_LOOK_BACK_USEC, now_usec(CLOCK_BOOTTIME));
	const ProcessorSetup setup = {.roots = {.run = "/run/user", .root_fd = root_fd},
		.wait_usec = PROCESSOR_WAIT_USEC,
		.delivery_usec = PROCESSOR_DELIVERY_USEC,
		.since_realtime = now_usec(CLOCK_REALTIME) - back,
		.state_fd = state_fd};

	(void)clearenv();
	return follow ? processor_follow(&setup) : processor_run_instance(&setup, word);
}

/* A crash of this program would start it once more, for its own crash: for ever, if that is what it
 * crashes on. The kernel takes a limit of 1 for "do not pipe this one anywhere" (core(5)). */
static void never_dump_core(void)
{
	const struct rlimit one = {.rlim_cur = 1, .rlim_max = 1};

	(void)setrlimit(RLIMIT_CORE, &one);
	(void)prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv)
{
	log_setup("vigil-coredump-processor", LOG_INFO);
	(void)umask(077);
	never_dump_core();
	if (argc != 2 || (!streq(argv[1], "--follow") && !processor_instance_valid(argv[1]))) {
		log_error(
			"It takes the instance of one systemd-coredump@.service, or --follow; its units start it.");
		return 2;
	}
	return run(argv[1]) < 0;
}
