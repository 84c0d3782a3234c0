/* SPDX-License-Identifier: GPL-2.0-or-later */
/* We stay the debugger's parent, so that its folder can be removed when it ends; SIGKILL to us
 * leaves at most that folder, as the core has no name. */
#include "cli/debugger-run.h"

#include "common/cleanup.h"
#include "common/text.h"
#include "common/words.h"
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define FOLDER_FDS 16

int debug_folder_make(const char *directory, char **ret)
{
	_cleanup_(freep) char *folder = NULL;

	if (asprintf(&folder, "%s/vigil-debug-XXXXXX", directory) < 0) {
		folder = NULL;
		return -ENOMEM;
	}
	if (!mkdtemp(folder))
		return -errno;
	*ret = TAKE_PTR(folder);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

void debug_folder_remove(const char *folder)
{
	(void)nftw(folder, remove_one, FOLDER_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* The environment without the servers that debug information would be fetched from: older gdbs know
 * no setting for it. Words borrowed; NULL: no memory. */
static char **environment_of(bool network)
{
	size_t n = 0;
	char **copy = calloc(words_count((const char *const *)environ) + 1, sizeof *copy);

	for (char **word = environ; copy && *word; word++)
		if (network || !startswith(*word, "DEBUGINFOD_URLS="))
			copy[n++] = *word;
	return copy;
}

static int spawn(char *const *argv, char *const *environment, const char *folder, int keep_fd,
	const sigset_t *mask, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGINT);
	(void)sigaddset(&defaults, SIGQUIT);
	int r = posix_spawn_file_actions_addchdir_np(&actions, folder);
	/* A descriptor made the same as itself stays open over exec. */
	if (r == 0 && keep_fd >= 0)
		r = posix_spawn_file_actions_adddup2(&actions, keep_fd, keep_fd);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(&attributes, &defaults);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&attributes, mask);
	if (r == 0)
		r = posix_spawnattr_setflags(
			&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (r == 0)
		r = posix_spawnp(ret, argv[0], &actions, &attributes, argv, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* The signals are blocked: none is lost between looking and waiting. */
static int wait_for(pid_t child, const sigset_t *signals)
{
	int status, signal;
	bool told_to_end = false;

	for (;;) {
		pid_t ended = waitpid(child, &status, WNOHANG);
		if (ended == child)
			return told_to_end ? -EINTR : status;
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (sigwait(signals, &signal) == 0 && (signal == SIGTERM || signal == SIGHUP)) {
			told_to_end = true;
			(void)kill(child, signal);
		}
	}
}

int debugger_run(char *const *argv, const char *folder, int keep_fd, bool network, int *ret_status)
{
	static const int waited[] = {SIGCHLD, SIGTERM, SIGHUP};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction old_int, old_quit;
	sigset_t signals, old_mask;
	pid_t child = 0;
	int r;

	_cleanup_(freep) char **environment = environment_of(network);
	if (!environment)
		return -ENOMEM;
	(void)sigemptyset(&signals);
	for (size_t i = 0; i < ELEMENTSOF(waited); i++)
		(void)sigaddset(&signals, waited[i]);
	(void)sigprocmask(SIG_BLOCK, &signals, &old_mask);
	(void)sigaction(SIGINT, &ignore, &old_int);
	(void)sigaction(SIGQUIT, &ignore, &old_quit);
	r = spawn(argv, environment, folder, keep_fd, &old_mask, &child);
	if (r >= 0)
		r = wait_for(child, &signals);
	(void)sigaction(SIGINT, &old_int, NULL);
	(void)sigaction(SIGQUIT, &old_quit, NULL);
	(void)sigprocmask(SIG_SETMASK, &old_mask, NULL);
	if (r < 0)
		return r;
	*ret_status = r;
	return 0;
}
