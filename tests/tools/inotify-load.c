/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A known load: inotify-load INSTANCES WATCHES [forks N] [dup] [undumpable] [equal] [grow]
 * takes INSTANCES instances with WATCHES watches each (on directories that it makes below $TMPDIR),
 * prints "ready" and what it got, then waits for stdin to end ("wait": for a signal). "grow": takes
 * one more instance for each line read, and answers it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int watches_of(int fd, int n, const char *base, int from)
{
	char path[512];
	int got = 0;

	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof path, "%s/w%d", base, from + i);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			break;
		got += inotify_add_watch(fd, path, IN_CREATE) >= 0;
	}
	return got;
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	int instances = 0, watches = 0, forks = 0, grow = 0, equal = 0, wait_for_signal = 0,
	    fd = -1;
	char base[256], line[64];

	if (argc < 3)
		return 2;
	(void)snprintf(base, sizeof base, "%s/inotify-load-%d", tmp ? tmp : "/tmp", getpid());
	(void)mkdir(base, 0700);
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "equal") == 0)
			equal = 1;
		else if (strcmp(argv[i], "grow") == 0)
			grow = 1;
		else if (strcmp(argv[i], "wait") == 0)
			wait_for_signal = 1;
	}
	for (int i = 0; i < atoi(argv[1]); i++) {
		fd = inotify_init1(IN_CLOEXEC);
		if (fd < 0)
			break;
		instances++;
		watches += watches_of(fd, atoi(argv[2]), base, equal ? 0 : i * atoi(argv[2]));
	}
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "dup") == 0)
			(void)!dup(fd);
		else if (strcmp(argv[i], "undumpable") == 0)
			(void)prctl(PR_SET_DUMPABLE, 0);
		else if (strcmp(argv[i], "forks") == 0)
			forks = atoi(argv[++i]);
	}
	for (int i = 0; i < forks; i++)
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				(void)pause();
		}
	printf("ready %d %d\n", instances, watches);
	(void)fflush(stdout);
	while (wait_for_signal)
		(void)pause();
	while (fgets(line, sizeof line, stdin))
		if (grow) {
			fd = inotify_init1(IN_CLOEXEC);
			printf("%s\n", fd < 0 ? "refused" : "granted");
			(void)fflush(stdout);
		}
	return 0;
}
