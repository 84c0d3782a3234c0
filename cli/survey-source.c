/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The survey that a command shows. */
#include "cli/cli.h"

#include "common/i18n.h"
#include <errno.h>
#include <string.h>

Survey *cli_survey(Cli *cli, bool skip_watches)
{
	/* Another tree's processes are not ours to compare: its pids mean something else here. */
	static const SurveyKernel none = {};
	SurveyOptions options = {.proc_fd = cli->proc_fd,
		.skip_watches = skip_watches,
		.kernel = cli->options.proc ? &none : NULL};
	Survey *survey = NULL;
	int r;

	r = survey_run(&options, &survey);
	if (r < 0)
		(void)cli_fail(EXIT_FAILED, _("Cannot survey the processes: %s."), strerror(-r));
	return survey;
}
