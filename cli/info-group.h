/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What `vigil crash info` tells of the crashes that are the same. */
#include "cli/crash-source.h"

typedef struct InfoGroup {
	uint64_t count;
	usec_t first_realtime, last_realtime;
	char *versions; /* one a line, newest first; NULL */
	char *note;	/* the person's own; NULL */
	bool muted;
} InfoGroup;

/* 0 or -errno; empties with info_group_done(). */
int info_group_read(const CrashSource *source, const char *signature, InfoGroup *ret);
void info_group_done(InfoGroup *group);
static inline void info_group_donep(InfoGroup *group)
{
	info_group_done(group);
}

void info_group(Cli *cli, const InfoGroup *group);
/* New reference. */
json_t *info_group_json(const InfoGroup *group);
/* Lines of a group's versions as JSON. New reference. */
json_t *info_versions_json(const char *versions);

/* `info --similar`: the others of the row's group, newest last. The caller shows cli->out. An exit
 * status; the error line is printed. */
int info_similar(Cli *cli, const CrashSource *source, const CrashRow *row);
