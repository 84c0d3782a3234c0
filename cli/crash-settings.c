/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's settings, read for those of them that the command line heeds. */
#include "cli/crash-settings.h"

#include "common/clock.h"
#include "common/log.h"

void crash_settings_load(MonitorConfig *ret)
{
	_cleanup_(config_places_done) ConfigPlaces places = {};

	config_places(&places);
	int level = log_get_max_level();
	log_set_max_level(LOG_ERR);
	config_load(ret, places.dirs);
	log_set_max_level(level);
}

void crash_bounds_apply(CrashIndex *index)
{
	MonitorConfig config;
	IndexTrimmed trimmed;
	int r;

	crash_settings_load(&config);
	const IndexBounds bounds = config_index_bounds(&config);
	r = index_trim(index, &bounds, now_usec(CLOCK_REALTIME), &trimmed);
	if (r < 0)
		(void)log_debug_errno(r, "The index was not trimmed, ignoring: %m");
	config_done(&config);
}
