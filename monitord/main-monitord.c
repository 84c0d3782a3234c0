/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil-monitord: options, directories, the loop. */
#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/log.h"
#include "monitord/monitor.h"
#include <fcntl.h>
#include <popt.h>

typedef struct Arguments {
	int verbose, debug;
	char *config, *journal, *state, *pressure, *power;
} Arguments;

static int read_options(int argc, const char **argv, Arguments *ret)
{
	int version = 0;
	const struct poptOption table[] = {
		{NULL, 0, POPT_ARG_INTL_DOMAIN, (void *)I18N_DOMAIN, 0, NULL, NULL},
		{"verbose", 'v', POPT_ARG_NONE, &ret->verbose, 0,
			N_("print one line for each event"), NULL},
		{"debug", 0, POPT_ARG_NONE, &ret->debug, 0, N_("log debugging messages"), NULL},
		{"config", 0, POPT_ARG_STRING, &ret->config, 0,
			N_("read vigil.conf from this directory only"), N_("DIR")},
		{"journal", 0, POPT_ARG_STRING, &ret->journal, 0,
			N_("follow the journals of this directory"), N_("DIR")},
		{"state", 0, POPT_ARG_STRING, &ret->state, 0,
			N_("keep the index of crashes in this directory"), N_("DIR")},
		{"pressure", 0, POPT_ARG_STRING, &ret->pressure, 0,
			N_("read from this file how short memory is"), N_("FILE")},
		{"power", 0, POPT_ARG_STRING, &ret->power, 0,
			N_("look for power supplies in this directory"), N_("DIR")},
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

static void arguments_done(Arguments *arguments)
{
	free(arguments->config);
	free(arguments->journal);
	free(arguments->state);
	free(arguments->pressure);
	free(arguments->power);
}

int main(int argc, const char **argv)
{
	_cleanup_(arguments_done) Arguments arguments = {};
	_cleanup_(config_places_done) ConfigPlaces places = {};

	i18n_setup(LOCALEDIR);
	int r = read_options(argc, argv, &arguments);
	if (r >= 0)
		return r;
	log_setup("vigil-monitord", arguments.debug ? LOG_DEBUG : LOG_INFO);
	_cleanup_(closep) int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0) {
		(void)log_error_errno(errno, "Cannot open /proc: %m. Is it mounted?");
		return 1;
	}
	config_places(&places);
	const char *const one[] = {arguments.config, NULL};
	const MonitorOptions options = {.proc_fd = proc_fd,
		.config_dirs = arguments.config ? one : places.dirs,
		.journal_dir = arguments.journal,
		.state_dir = arguments.state,
		.strain_places = {.pressure = arguments.pressure, .power = arguments.power},
		.verbose = arguments.verbose};
	return monitor_run(&options);
}
