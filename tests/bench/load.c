/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The load of the survey's budget: load PROCESSES FDS WATCHES DIRECTORY. Each process has FDS
 * descriptors, one of them an instance with WATCHES watches, and a uid of its own from 20000 on,
 * since instances are limited for each user. Prints "ready", waits for stdin to end. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void hold(int n, int fds, int watches, const char *directory, int done)
{
	char path[512];

	if (setresuid(20000 + (uid_t)n % 500, 20000 + (uid_t)n % 500, 20000 + (uid_t)n % 500) < 0)
		_exit(1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* only now: a change of user forgets it */
	int fd = inotify_init1(0);
	for (int i = 0; i < watches; i++) {
		(void)snprintf(path, sizeof path, "%s/w%d", directory, i);
		if (inotify_add_watch(fd, path, IN_CREATE) < 0)
			_exit(1);
	}
	for (int i = 5; i < fds; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			_exit(1);
	(void)prctl(PR_SET_DUMPABLE, 1);
	(void)!write(done, "x", 1);
	for (;;)
		(void)pause();
}

int main(int argc, char **argv)
{
	int ends[2];
	char path[512], c;

	if (argc != 5 || pipe(ends) < 0)
		return 2;
	int processes = atoi(argv[1]);
	for (int i = 0; i < atoi(argv[3]); i++) {
		(void)snprintf(path, sizeof path, "%s/w%d", argv[4], i);
		(void)mkdir(path, 0755);
	}
	for (int n = 0; n < processes; n++)
		if (fork() == 0)
			hold(n, atoi(argv[2]), atoi(argv[3]), argv[4], ends[1]);
	for (int n = 0; n < processes; n++)
		if (read(ends[0], &c, 1) != 1)
			return 1;
	(void)puts("ready");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
