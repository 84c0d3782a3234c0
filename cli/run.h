/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cli/cli.h"

/* Runs one command line; gives the exit status. */
int cli_run(int argc, const char **argv);
