/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's settings, read for those of them that the command line heeds. */
#include "cli/crash-settings.h"

#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"

#ifndef PREFIX
#define PREFIX "/usr"
#endif
#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

void crash_settings_load(MonitorConfig *ret)
{
	_cleanup_(freep) char *user_dir = xdg_config_dir();
	const char *const dirs[] = {PREFIX "/lib/vigil", SYSCONFDIR "/vigil", user_dir, NULL};

	int level = log_get_max_level();
	log_set_max_level(LOG_ERR);
	config_load(ret, dirs);
	log_set_max_level(level);
}

void crash_bounds_apply(CrashIndex *index)
{
	MonitorConfig config;
	IndexTrimmed trimmed;
	int r;

	crash_settings_load(&config);
	const IndexBounds bounds = {.max_rows = INDEX_MAX_ROWS,
		.max_bytes = config.crash_max_use_bytes,
		.max_age_usec = config.crash_max_age_usec};
	r = index_trim(index, &bounds, now_usec(CLOCK_REALTIME), &trimmed);
	if (r < 0)
		(void)log_debug_errno(r, "The index was not trimmed, ignoring: %m");
	config_done(&config);
}
