/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil: locale, then the command table. */
#include "cli/run.h"
#include "common/i18n.h"
#include "common/log.h"

#ifndef LOCALEDIR
#define LOCALEDIR "/usr/share/locale"
#endif

int main(int argc, const char **argv)
{
	i18n_setup(LOCALEDIR);
	log_setup("vigil", LOG_WARNING);
	return cli_run(argc, argv);
}
