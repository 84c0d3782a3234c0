/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-helper: opens the two directories that it may change and the one it may read, then serves.
 * It takes no argument and no environment. */
#include "common/cleanup.h"
#include "common/log.h"
#include "helper/serve.h"
#include "helper/stored-core.h"
#include <fcntl.h>
#include <sys/stat.h>

#define IDLE_USEC (30 * USEC_PER_SEC)

static int open_roots(int *inotify_fd, int *sysctl_fd)
{
	*inotify_fd = open("/proc/sys/fs/inotify", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*inotify_fd < 0)
		return log_error_errno(errno, "Cannot open /proc/sys/fs/inotify: %m");
	(void)mkdir("/etc/sysctl.d", 0755);
	*sysctl_fd = open("/etc/sysctl.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*sysctl_fd < 0)
		return log_error_errno(errno, "Cannot open /etc/sysctl.d: %m");
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(closep) int inotify_fd = -EBADF, sysctl_fd = -EBADF;
	InotifyLimits limits;
	int r;

	(void)argv;
	log_setup("vigil-helper", LOG_INFO);
	(void)clearenv();
	(void)umask(022);
	if (argc > 1) {
		log_error("vigil-helper takes no arguments; the system bus starts it.");
		return 2;
	}
	if (open_roots(&inotify_fd, &sysctl_fd) < 0)
		return 1;
	_cleanup_(closep) int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	inotify_limits_read(proc_fd, &limits);
	r = sd_bus_open_system(&bus);
	if (r < 0) {
		(void)log_error_errno(r, "Cannot reach the system bus: %m");
		return 1;
	}
	_cleanup_(closep) int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Not there without systemd-coredump; what stores its first core makes it, and the next
	 * helper finds it. */
	_cleanup_(closep) int cores_fd =
		open(STORED_CORE_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const ChangeRoots roots = {.inotify_fd = inotify_fd,
		.sysctl_fd = sysctl_fd,
		.root_fd = root_fd,
		.memory_bytes = limits.memory_bytes};
	return helper_serve(bus, &roots, cores_fd, IDLE_USEC) < 0;
}
