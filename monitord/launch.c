/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a program for the person, detached from the daemon. */
#include "monitord/launch.h"

#include "common/cleanup.h"
#include "common/log.h"
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define WORDS_MAX 32

extern char **environ;

/* Twice forked, so that nobody has to wait for it; a session of its own, so that our end is not its
 * end. */
static int spawn_detached(const char *const *argv)
{
	sigset_t none;
	int status;

	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)setsid();
		pid_t grandchild;
		_exit(posix_spawnp(&grandchild, argv[0], NULL, NULL, (char *const *)argv, environ));
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/* posix_spawn(3) takes char *const[] for historical reasons and changes nothing. */
static int run(const char *const *command)
{
	static const char *const unit[] = {"systemd-run", "--user", "--quiet", "--collect", "--"};
	const char *argv[WORDS_MAX + 8] = {};
	size_t n = 0;

	if (getenv("INVOCATION_ID"))
		for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
			argv[n++] = unit[i];
	for (size_t i = 0; i < WORDS_MAX && command[i]; i++)
		argv[n++] = command[i];
	return n ? spawn_detached(argv) : -EINVAL;
}

void launch_show(char *const *command)
{
	static const char *const terminals[][8] = {
		{"xdg-terminal-exec", "vigil", "inotify", NULL},
		{"x-terminal-emulator", "-e", "vigil", "inotify", NULL},
		{"konsole", "--hold", "-e", "vigil", "inotify", NULL},
		{"xterm", "-hold", "-e", "vigil", "inotify", NULL},
	};
	int r;

	if (command) {
		r = run((const char *const *)command);
		if (r < 0)
			(void)log_warning_errno(r,
				"Cannot start '%s' (ShowCommand= of vigil.conf): %m",
				command[0] ? command[0] : "");
		return;
	}
	for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++)
		if (run(terminals[i]) == 0)
			return;
	log_warning(
		"No terminal could be started to show 'vigil inotify'; set ShowCommand= in vigil.conf");
}
