/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks for the metadata of a crash that was just caught up with. */
#include "cli/crash-metadata.h"

#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"
#include "coredump/kcrash.h"
#include <fcntl.h>
#include <string.h>

/* Its folder's name is ours, "…/vigil"; the metadata stands beside it. */
static int open_cache(void)
{
	_cleanup_(freep) char *own = xdg_cache_dir();
	char *slash = own ? strrchr(own, '/') : NULL;

	if (!slash)
		return -ENXIO;
	*slash = '\0';
	return open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void crash_metadata_open(CrashMetadata *metadata, CrashIndex *index)
{
	*metadata = (CrashMetadata){.index = index, .cache_fd = open_cache()};
	/* Most machines have none: thousands of crashes need not ask one by one. */
	if (metadata->cache_fd >= 0 &&
		faccessat(metadata->cache_fd, "kcrash-metadata", F_OK, 0) < 0 &&
		faccessat(metadata->cache_fd, "drkonqi", F_OK, 0) < 0)
		metadata->cache_fd = safe_close(metadata->cache_fd);
}

void crash_metadata_close(CrashMetadata *metadata)
{
	metadata->cache_fd = safe_close(metadata->cache_fd);
}

void crash_metadata_take(const CaughtCrash *caught, void *userdata)
{
	const CrashMetadata *metadata = userdata;
	Crash crash = *caught->crash; /* borrowed, but for .kcrash */
	_cleanup_(freep) char *name = NULL;
	int r = 0;

	if (metadata->cache_fd < 0 || crash.uid != getuid() || crash.trust != CRASH_GENUINE ||
		crash.when_realtime + KCRASH_KEEP_USEC < now_usec(CLOCK_REALTIME))
		return;
	crash.kcrash = json_incref(crash.kcrash);
	int found = kcrash_find(metadata->cache_fd, &crash, &name);
	bool hung = crash.not_responding || kcrash_was_hung(metadata->cache_fd, &crash) > 0;
	if (found > 0 || hung)
		r = index_set_kcrash(
			metadata->index, crash.hash, found > 0 ? crash.kcrash : NULL, hung);
	if (r < 0)
		(void)log_debug_errno(r, "KCrash metadata was not indexed, ignoring: %m");
	json_decref(crash.kcrash);
}
