/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The canary: one inotify instance and one watch, taken and let go. EMFILE from inotify_init1(2)
 * means "no more instances" or "no more descriptors"; a second descriptor of another kind tells
 * which. */
#include "common/cleanup.h"
#include "survey/limits.h"
#include <fcntl.h>
#include <sys/inotify.h>

static bool descriptors_left(void)
{
	_cleanup_(closep) int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd >= 0)
		return true;
	if (errno != EBADF)
		return false;
	fd = open("/", O_PATH | O_CLOEXEC); /* stderr is closed */
	return fd >= 0;
}

CanaryResult inotify_canary(const char *directory)
{
	_cleanup_(closep) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0) {
		if (errno == ENFILE)
			return CANARY_DESCRIPTORS_EXHAUSTED;
		if (errno != EMFILE)
			return CANARY_UNKNOWN;
		return descriptors_left() ? CANARY_INSTANCES_EXHAUSTED
					  : CANARY_DESCRIPTORS_EXHAUSTED;
	}
	if (inotify_add_watch(fd, directory, IN_DELETE_SELF) >= 0)
		return CANARY_OK;
	return errno == ENOSPC ? CANARY_WATCHES_EXHAUSTED : CANARY_UNKNOWN;
}

const char *canary_to_string(CanaryResult result)
{
	switch (result) {
	case CANARY_OK:
		return "ok";
	case CANARY_INSTANCES_EXHAUSTED:
		return "instances-exhausted";
	case CANARY_WATCHES_EXHAUSTED:
		return "watches-exhausted";
	case CANARY_DESCRIPTORS_EXHAUSTED:
		return "descriptors-exhausted";
	case CANARY_UNKNOWN:
		break;
	}
	return "unknown";
}
