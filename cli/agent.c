/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pkttyagent around a call that may ask for a password. */
#include "cli/agent.h"

#include "common/cleanup.h"
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>

#define REGISTER_TIMEOUT_MSEC 3000

/* Whether a desktop's own agent may be asked instead of ours, which then only steps in. Where
 * polkit finds no login session (su, a container, cron) it asks no agent that calls itself a
 * fallback: polkitbackendinteractiveauthority.c, get_authentication_agent_for_subject(). */
static bool in_login_session(void)
{
	_cleanup_(freep) char *session = NULL;
	return sd_pid_get_session(0, &session) >= 0;
}

void polkit_agent_start(PolkitAgent *agent)
{
	char notify[32];
	int ends[2];

	if (!isatty(STDIN_FILENO) || geteuid() == 0 || pipe(ends) < 0)
		return;
	(void)snprintf(notify, sizeof notify, "--notify-fd=%d", ends[1]);
	const char *fallback = in_login_session() ? "--fallback" : NULL;
	pid_t child = fork();
	if (child == 0) {
		(void)close(ends[0]);
		(void)execlp("pkttyagent", "pkttyagent", notify, fallback, NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	if (child > 0) {
		/* It closes its end once it is registered, and the kernel does so if it could not
		 * start. */
		struct pollfd closed = {.fd = ends[0], .events = POLLIN};
		(void)poll(&closed, 1, REGISTER_TIMEOUT_MSEC);
		agent->pid = child;
	}
	(void)close(ends[0]);
}

void polkit_agent_stop(PolkitAgent *agent)
{
	if (agent->pid <= 0)
		return;
	(void)kill(agent->pid, SIGTERM);
	while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
		;
	agent->pid = 0;
}
