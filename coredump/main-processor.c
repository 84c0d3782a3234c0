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
#include <systemd/sd-id128.h>

/* RuntimeDirectory= of the unit. */
static int open_state(void)
{
	const char *path = getenv("RUNTIME_DIRECTORY");

	return path && path[0] == '/' ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
}

static int run(const char *word, const char *boot_id)
{
	_cleanup_(closep) int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int state_fd = open_state();
	const ProcessorSetup setup = {.roots = {.run = "/run/user", .root_fd = root_fd},
		.boot_id = boot_id,
		.wait_usec = PROCESSOR_WAIT_USEC,
		.delivery_usec = PROCESSOR_DELIVERY_USEC,
		.state_fd = state_fd};

	(void)clearenv();
	if (!streq(word, "--follow"))
		return processor_run_instance(&setup, word);
	ProcessorSetup following = setup;
	following.since_realtime = now_usec(CLOCK_REALTIME);
	return processor_follow(&following);
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
	char boot_id[SD_ID128_STRING_MAX] = "";
	sd_id128_t boot;

	log_setup("vigil-coredump-processor", LOG_INFO);
	(void)umask(077);
	never_dump_core();
	if (argc != 2 || (!streq(argv[1], "--follow") && !processor_instance_valid(argv[1]))) {
		log_error(
			"It takes the instance of one systemd-coredump@.service, or --follow; its units start it.");
		return 2;
	}
	if (sd_id128_get_boot(&boot) >= 0)
		(void)sd_id128_to_string(boot, boot_id);
	return run(argv[1], boot_id) < 0;
}
