/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pkttyagent around a call that may ask for a password. */
#include "cli/agent.h"

#include "common/cleanup.h"
#include "common/forward.h"
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <termios.h>

#define REGISTER_TIMEOUT_MSEC 3000

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* Here, and not the caller's: a signal's handler gets no argument. */
static struct {
	volatile sig_atomic_t pid; /* 0: none */
	struct termios terminal;   /* as it was before */
	struct sigaction before[ELEMENTSOF(deadly)];
} agent;

/* Reaps it and undoes what it did to the terminal, unless that is another's by now.
 * Async-signal-safe: signal-safety(7). */
static void end_agent(int signal)
{
	(void)kill(agent.pid, signal);
	while (waitpid(agent.pid, NULL, 0) < 0 && errno == EINTR)
		;
	agent.pid = 0;
	if (tcgetpgrp(STDIN_FILENO) == getpgrp())
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &agent.terminal);
}

/* A Ctrl-C reaches the agent as well, but nobody can tell which of us two it ends first. */
static void die(int signal)
{
	if (agent.pid > 0)
		end_agent(SIGKILL);
	(void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	(void)raise(signal);
}

/* What was ignored (nohup) stays so. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = die};

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ELEMENTSOF(deadly); i++)
		(void)sigaddset(&action.sa_mask, deadly[i]);
	for (size_t i = 0; i < ELEMENTSOF(deadly); i++) {
		(void)sigaction(deadly[i], NULL, &agent.before[i]);
		if (agent.before[i].sa_handler != SIG_IGN)
			(void)sigaction(deadly[i], &action, NULL);
	}
}

static void release_signals(void)
{
	for (size_t i = 0; i < ELEMENTSOF(deadly); i++)
		(void)sigaction(deadly[i], &agent.before[i], NULL);
}

/* Whether a desktop's own agent may be asked instead of ours, which then only steps in. Where
 * polkit finds no login session (su, a container, cron) it asks no agent that calls itself a
 * fallback: polkitbackendinteractiveauthority.c, get_authentication_agent_for_subject(). */
static bool in_login_session(void)
{
	_cleanup_(freep) char *session = NULL;
	return sd_pid_get_session(0, &session) >= 0;
}

void polkit_agent_start(void)
{
	char notify[32];
	int ends[2];

	if (geteuid() == 0 || tcgetattr(STDIN_FILENO, &agent.terminal) < 0 || pipe(ends) < 0)
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
		agent.pid = child;
		catch_signals();
		/* It closes its end once it is registered, and the kernel does so if it could not
		 * start. */
		struct pollfd closed = {.fd = ends[0], .events = POLLIN};
		(void)poll(&closed, 1, REGISTER_TIMEOUT_MSEC);
	}
	(void)close(ends[0]);
}

void polkit_agent_stop(void)
{
	sigset_t set, before;

	if (agent.pid <= 0)
		return;
	(void)kill(agent.pid, SIGTERM);
	while (waitid(P_PID, (id_t)agent.pid, &(siginfo_t){}, WEXITED | WNOWAIT) < 0 &&
		errno == EINTR)
		;
	/* From here on the pid may become another's: the handler must not come in between. */
	(void)sigfillset(&set);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	end_agent(0);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	release_signals();
}
