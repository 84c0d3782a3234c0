/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/os-release.h"

#include "coredump/beneath.h"

#define OS_RELEASE_MAX ((size_t)16 * 1024)

char *os_release_read(int root_fd)
{
	static const char *const files[] = {"/etc/os-release", "/usr/lib/os-release"};
	char *text = NULL;

	for (size_t i = 0; i < sizeof files / sizeof files[0] && !text; i++)
		if (read_file_beneath(root_fd, files[i], OS_RELEASE_MAX, &text) < 0)
			text = NULL;
	return text;
}
