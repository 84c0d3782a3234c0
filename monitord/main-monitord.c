/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-monitord: options, directories, the loop. */
#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/log.h"
#include "monitord/monitor.h"
#include <fcntl.h>
#include <popt.h>

static int read_options(int argc, const char **argv, int *verbose, int *debug, char **config)
{
	int version = 0;
	const struct poptOption table[] = {
		{NULL, 0, POPT_ARG_INTL_DOMAIN, (void *)I18N_DOMAIN, 0, NULL, NULL},
		{"verbose", 'v', POPT_ARG_NONE, verbose, 0, N_("print one line for each event"),
			NULL},
		{"debug", 0, POPT_ARG_NONE, debug, 0, N_("log debugging messages"), NULL},
		{"config", 0, POPT_ARG_STRING, config, 0,
			N_("read vigil.conf from this directory only"), N_("DIR")},
		{"version", 0, POPT_ARG_NONE, &version, 0, N_("show the version"), NULL},
		POPT_AUTOHELP POPT_TABLEEND,
	};
	poptContext context = poptGetContext("vigil-monitord", argc, argv, table, 0);
	int r = poptGetNextOpt(context);

	if (r < -1)
		(void)fprintf(stderr, _("vigil-monitord: %s: %s. --help shows the options.\n"),
			poptBadOption(context, 0), poptStrerror(r));
	else if (poptPeekArg(context))
		(void)fprintf(stderr, _("vigil-monitord: it takes no arguments, not '%s'.\n"),
			poptPeekArg(context));
	if (version)
		(void)puts("vigil-monitord " VIGIL_VERSION);
	bool bad = r < -1 || poptPeekArg(context);
	poptFreeContext(context);
	return bad ? 2 : version ? 0 : -1;
}

int main(int argc, const char **argv)
{
	_cleanup_(freep) char *config = NULL, *user_dir = NULL;
	int verbose = 0, debug = 0;

	i18n_setup(LOCALEDIR);
	int r = read_options(argc, argv, &verbose, &debug, &config);
	if (r >= 0)
		return r;
	log_setup("vigil-monitord", debug ? LOG_DEBUG : LOG_INFO);
	_cleanup_(closep) int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0) {
		(void)log_error_errno(errno, "Cannot open /proc: %m. Is it mounted?");
		return 1;
	}
	user_dir = xdg_config_dir();
	const char *const all[] = {PREFIX "/lib/vigil", SYSCONFDIR "/vigil", user_dir, NULL};
	const char *const one[] = {config, NULL};
	const MonitorOptions options = {
		.proc_fd = proc_fd, .config_dirs = config ? one : all, .verbose = verbose};
	return monitor_run(&options);
}
