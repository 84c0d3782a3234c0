/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What vigil doctor is made of. */
#include "cli/cli.h"

typedef enum Health {
	HEALTH_OK,
	HEALTH_NOTE, /* works, but less than it could */
	HEALTH_BAD,
} Health;

typedef struct Doctor {
	Cli *cli;
	json_t *checks;
	bool bad;
} Doctor;

/* One link (N_): what was found, and the command that mends it (NULL: nothing to mend). */
void doctor_report(
	Doctor *doctor, Health health, const char *link, const char *found, const char *mend);
/* The links of the crash pipeline, from the kernel to the index. */
void doctor_check_crashes(Doctor *doctor);
