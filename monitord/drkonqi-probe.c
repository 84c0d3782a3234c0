/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `drkonqi --version`, on the event loop. It is a GUI program that aborts where there is no
 * display, which would be a crash of our own making: it runs on Qt's offscreen platform, and its
 * KCrash is told to stay out of it. */
#include "monitord/drkonqi-probe.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/words.h"
#include "coredump/reporter.h"
#include "monitord/detach.h"
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define OUTPUT_MAX 512

struct DrkonqiProbe {
	char *path;
	unsigned major;
	pid_t child; /* 0: none is running */
	int output;
	sd_event_source *exit_source, *timer;
};

static void end(DrkonqiProbe *probe)
{
	probe->exit_source = sd_event_source_disable_unref(probe->exit_source);
	probe->timer = sd_event_source_disable_unref(probe->timer);
	probe->output = safe_close(probe->output);
	probe->child = 0;
}

static void stop(DrkonqiProbe *probe)
{
	if (probe->child > 0) {
		(void)kill(probe->child, SIGKILL);
		(void)waitpid(probe->child, NULL, 0);
	}
	end(probe);
}

/* Its few words fit a pipe, so they are read when it is over. */
static int on_exit_of_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	DrkonqiProbe *probe = userdata;
	char text[OUTPUT_MAX + 1];

	(void)source;
	ssize_t n = read(probe->output, text, OUTPUT_MAX);
	text[n > 0 ? n : 0] = '\0';
	if (info->si_code == CLD_EXITED && info->si_status == 0)
		probe->major = reporter_parse_version(text);
	if (probe->major)
		log_debug("'%s' is of version %u.", probe->path, probe->major);
	else
		log_warning(
			"'%s --version' does not tell its version; it is taken as 6.", probe->path);
	end(probe);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	DrkonqiProbe *probe = userdata;

	(void)source;
	(void)usec;
	(void)kill(probe->child, SIGKILL); /* its end is reported as any other */
	return 0;
}

static int spawn(const char *path, int output, pid_t *ret)
{
	static const char *const added[] = {"QT_QPA_PLATFORM=offscreen", "KDE_DEBUG=1",
		"KCRASH_DUMP_ONLY=1", "LC_ALL=C.UTF-8", NULL};
	char *const argv[] = {(char *)path, (char *)"--version", NULL};
	_cleanup_(words_freep) char **environment = detach_environment(added);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	if (!environment)
		return -ENOMEM;
	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_RDWR, 0);
	r = -posix_spawn(ret, path, &actions, &attributes, argv, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return r;
}

static int ask(DrkonqiProbe *probe, sd_event *event)
{
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	probe->output = ends[0];
	_cleanup_(closep) int write_end = ends[1];
	r = spawn(probe->path, write_end, &probe->child);
	if (r < 0) {
		probe->child = 0;
		return r;
	}
	r = sd_event_add_child(
		event, &probe->exit_source, probe->child, WEXITED, on_exit_of_child, probe);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &probe->timer, CLOCK_MONOTONIC,
			DRKONQI_PROBE_USEC, USEC_PER_SEC, on_timeout, probe);
	if (r < 0)
		stop(probe);
	return r;
}

int drkonqi_probe_new(sd_event *event, const char *path, DrkonqiProbe **ret)
{
	DrkonqiProbe *probe = calloc(1, sizeof *probe);
	int r;

	if (!probe)
		return -ENOMEM;
	probe->output = -EBADF;
	probe->path = path ? strdup(path) : reporter_find_drkonqi("", getenv("LIBEXEC_PATH"));
	if (probe->path) {
		r = ask(probe, event);
		if (r < 0)
			(void)log_warning_errno(r,
				"Cannot ask '%s' for its version, it is taken as 6: %m",
				probe->path);
	}
	*ret = probe;
	return 0;
}

DrkonqiProbe *drkonqi_probe_free(DrkonqiProbe *probe)
{
	if (!probe)
		return NULL;
	stop(probe);
	free(probe->path);
	free(probe);
	return NULL;
}

const char *drkonqi_probe_path(const DrkonqiProbe *probe)
{
	return probe->path;
}

unsigned drkonqi_probe_major(const DrkonqiProbe *probe)
{
	return probe->major;
}

bool drkonqi_probe_is_done(const DrkonqiProbe *probe)
{
	return probe->child == 0;
}
