/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/crash-places.h"

#include "common/text.h"
#include "coredump/beneath.h"
#include <fcntl.h>

void crash_places_open(const Crash *crash, int root_fd, bool elsewhere, CrashPlaces *ret)
{
	*ret = (CrashPlaces)CRASH_PLACES_INIT;
	ret->cache = module_cache_path(
		getenv("DEBUGINFOD_CACHE_PATH"), getenv("XDG_CACHE_HOME"), getenv("HOME"));
	ret->places = (ModulePlaces){.root_fd = root_fd,
		.elsewhere = elsewhere || crash->container_cmdline,
		.debug_root = MODULE_DEBUG_ROOT,
		.cache = ret->cache};
	if (!crash->root || streq(crash->root, "/"))
		return;
	ret->own_root = open_beneath(root_fd, crash->root, O_PATH | O_DIRECTORY);
	if (ret->own_root >= 0)
		ret->places.root_fd = ret->own_root;
	else
		ret->places.elsewhere = true;
}

void crash_places_done(CrashPlaces *places)
{
	free(places->cache);
	closep(&places->own_root);
	*places = (CrashPlaces)CRASH_PLACES_INIT;
}
