/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-helper's changes, killed before one of their steps: helper-kill raise VALUE STEP,
 * helper-kill reset STEP. Works on the real /proc/sys/fs/inotify and /etc/sysctl.d: for the system
 * tests, in their container. Never installed. */
#include "common/clock.h"
#include "common/text.h"
#include "helper/change.h"
#include <fcntl.h>
#include <signal.h>

static uint64_t fatal_step;

static void die_at(int number)
{
	if ((uint64_t)number == fatal_step)
		(void)raise(SIGKILL);
}

int main(int argc, char **argv)
{
	ChangeRoots roots = {.step = die_at};
	ChangeReset reset;
	uint64_t value = 0, in_force;
	bool raising = argc == 4 && streq(argv[1], "raise");

	if (!raising && !(argc == 3 && streq(argv[1], "reset")))
		return 2;
	if (raising && parse_u64(argv[2], INT32_MAX, &value) < 0)
		return 2;
	if (parse_u64(argv[argc - 1], 9, &fatal_step) < 0)
		return 2;
	roots.inotify_fd = open("/proc/sys/fs/inotify", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	roots.sysctl_fd = open("/etc/sysctl.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ChangeError error = raising ? change_raise(&roots, INOTIFY_INSTANCES, value, 0,
					      now_usec(CLOCK_REALTIME), &in_force)
				    : change_reset(&roots, &reset);
	return error == CHANGE_OK ? 0 : 10 + (int)error;
}
