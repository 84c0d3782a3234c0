/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-helper's code over other directories: helper-test INOTIFY_DIR SYSCTL_DIR ROOT_DIR
 * [CORES_DIR]. The bus is the one of DBUS_SYSTEM_BUS_ADDRESS. Ends after two seconds without work.
 * Never installed. */
#include "common/log.h"
#include "helper/serve.h"
#include <fcntl.h>

int main(int argc, char **argv)
{
	ChangeRoots roots = {.memory_bytes = 16ull << 30};
	sd_bus *bus = NULL;

	if (argc != 4 && argc != 5)
		return 2;
	log_setup("helper-test", LOG_INFO);
	roots.inotify_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	roots.sysctl_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	roots.root_fd = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sd_bus_open_system(&bus) < 0)
		return 1;
	int cores_fd = argc == 5 ? open(argv[4], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
	int r = helper_serve(bus, &roots, cores_fd, 2 * USEC_PER_SEC);
	sd_bus_flush_close_unref(bus);
	return r < 0;
}
