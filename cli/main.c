/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil: locale, then the command table. */
#include "cli/run.h"
#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/log.h"
#include <fcntl.h>

#ifndef LOCALEDIR
#define LOCALEDIR "/usr/share/locale"
#endif

/* Started without them (<&-), the next files that are opened would stand in their place. What takes
 * it gives an error when it is used, as the missing one would. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", fcntl(STDIN_FILENO, F_GETFD) < 0 ? O_WRONLY : O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	(void)safe_close(fd);
}

int main(int argc, const char **argv)
{
	open_standard_fds();
	i18n_setup(LOCALEDIR);
	log_setup("vigil", LOG_WARNING);
	return cli_run(argc, argv);
}
