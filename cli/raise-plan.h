/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What vigil-helper would do, reckoned by its own code without doing it: the value, the file to the
 * byte, and the commands with which root does the same by hand. A file made that way is one that
 * vigil-helper knows as its own, so a later raise or reset works on it. */
#include "cli/cli.h"
#include "common/forward.h"
#include "helper/change.h"

#define RAISE_FILE "/etc/sysctl.d/60-vigil-inotify.conf"

typedef struct RaisePlan {
	InotifyResource resource;
	uint64_t old_value, new_value; /* equal: there is no higher sensible step */
	char content[DROPIN_MAX_BYTES];
} RaisePlan;

/* What to raise to where no VALUE was given: as inotify_limit_request(), over a survey. */
uint64_t raise_sensible_value(const Cli *cli, InotifyResource resource);
/* value 0: the helper's own step. An exit status; the error line is printed. */
int raise_plan(Cli *cli, InotifyResource resource, uint64_t value, RaisePlan *ret);
/* The commands, ready to paste into a shell. */
void raise_plan_commands(const RaisePlan *plan, StrBuf *out);
/* The commands that undo what the drop-in records, as vigil-helper's reset would; nothing where
 * there is no drop-in. An exit status; the error line is printed. */
int reset_plan_commands(Cli *cli, StrBuf *out);
