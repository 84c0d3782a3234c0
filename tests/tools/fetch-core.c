/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls FetchCore: fetch-core CRASH TARGET [KIND] [interactive]. KIND: write (TARGET is made or
 * opened for writing), read, append, folder, pipe, closed (a pipe nobody reads), socket, memory (a
 * memfd; its size is printed). Prints "done", or the error's name and text. The bus is the one of
 * DBUS_SYSTEM_BUS_ADDRESS. */
#include "common/cleanup.h"
#include "common/text.h"
#include "helper/methods.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int open_target(const char *path, const char *kind)
{
	int fds[2];

	if (streq(kind, "write"))
		return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (streq(kind, "read"))
		return open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (streq(kind, "append"))
		return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (streq(kind, "folder"))
		return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (streq(kind, "memory"))
		return memfd_create("target", MFD_CLOEXEC);
	if (streq(kind, "socket"))
		return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 ? -1 : fds[0];
	if (pipe(fds) < 0)
		return -1;
	if (streq(kind, "closed"))
		(void)close(fds[0]);
	return fds[1];
}

int main(int argc, char **argv)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	struct stat st;
	int r;

	if (argc < 3)
		return 2;
	int fd = open_target(argv[2], argc > 3 ? argv[3] : "write");
	if (fd < 0) {
		perror(argv[2]);
		return 2;
	}
	r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_message_new_method_call(
			bus, &call, HELPER_NAME, HELPER_PATH, HELPER_NAME, "FetchCore");
	if (r >= 0)
		r = sd_bus_message_append(call, "sh", argv[1], fd);
	if (r >= 0)
		r = sd_bus_message_set_allow_interactive_authorization(call, argc > 4);
	if (r >= 0)
		r = sd_bus_call(bus, call, 60 * USEC_PER_SEC, &error, NULL);
	if (r < 0)
		printf("%s: %s\n", error.name ? error.name : strerror(-r),
			error.message ? error.message : "");
	else
		printf("done, %lld bytes\n", fstat(fd, &st) == 0 ? (long long)st.st_size : -1);
	return r < 0;
}
