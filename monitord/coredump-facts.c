/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy wants to know of a crash, looked up: whose it is, whether it is muted, what the
 * index remembers, what lies beside it. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include "coredump/kcrash.h"
#include "coredump/sibling.h"
#include "monitord/coredump.h"
#include <fnmatch.h>

#define CGROUP_BYTES_MAX 65536

/* The service that the daemon is; in a scope it is one program of several, and no unit of its own.
 */
static char *find_own_unit(int proc_fd)
{
	_cleanup_(freep) char *text = NULL, *cgroup = NULL, *unit = NULL;

	if (read_file_at(proc_fd, "self/cgroup", CGROUP_BYTES_MAX, &text) < 0)
		return NULL;
	cgroup = identity_cgroup(text);
	unit = cgroup ? identity_unit(cgroup) : NULL;
	return unit && endswith(unit, ".service") ? TAKE_PTR(unit) : NULL;
}

void coredump_know_own(Coredump *coredump)
{
	static const char *const names[COREDUMP_OWN_PROGRAMS] = {
		"vigil-unwind", "vigil-debuginfod"};

	coredump->own_unit = find_own_unit(monitor_proc_fd(coredump->monitor));
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		_cleanup_(freep) char *path = sibling_path(names[i]);
		coredump->own_programs[i] = path ? realpath(path, NULL) : NULL;
	}
}

static bool is_own_program(const Coredump *coredump, const char *exe)
{
	for (size_t i = 0; exe && i < ELEMENTSOF(coredump->own_programs); i++)
		if (coredump->own_programs[i] && streq(coredump->own_programs[i], exe))
			return true;
	return false;
}

/* Whatever Vigil starts for itself is in a unit called vigil-…; an application that was started
 * again is not. */
bool coredump_is_own(const Coredump *coredump, const Crash *crash)
{
	_cleanup_(freep) char *unit = crash->cgroup ? identity_unit(crash->cgroup) : NULL;
	const char *const names[] = {unit, crash->user_unit, crash->unit};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (names[i] &&
			(startswith(names[i], "vigil-") ||
				(coredump->own_unit && streq(names[i], coredump->own_unit))))
			return true;
	return is_own_program(coredump, crash->exe) ||
	       crash_analyst_is_child(coredump->analyst, crash);
}

bool coredump_is_foreign(const Coredump *coredump, const Crash *crash)
{
	return !monitor_config(coredump->monitor)->crash_other_users &&
	       crash->uid != CRASH_UID_UNKNOWN && crash->uid != getuid();
}

static bool is_ignored(const MonitorConfig *config, const Crash *crash)
{
	char buf[32];
	const char *const names[] = {crash->exe, crash->comm, crash_program(crash, buf)};

	for (char **pattern = config->crash_ignore; pattern && *pattern; pattern++)
		for (size_t i = 0; i < ELEMENTSOF(names); i++)
			if (names[i] && fnmatch(*pattern, names[i], 0) == 0)
				return true;
	return false;
}

bool coredump_is_muted(Coredump *coredump, const Crash *crash, const char *signature)
{
	const MonitorConfig *config = monitor_config(coredump->monitor);
	int r;

	if (!config->crash_notify || is_ignored(config, crash))
		return true;
	r = index_is_muted(coredump->store.index, crash, signature, now_usec(CLOCK_REALTIME));
	if (r < 0)
		coredump_index_failed(coredump, r);
	return r > 0;
}

const char *coredump_program_key(const Crash *crash, char buf[static 32])
{
	return crash->exe && crash->exe[0] ? crash->exe : crash_program(crash, buf);
}

void coredump_expect(
	Coredump *coredump, const char *signature, char ret[static CRASH_SIGNATURE_SIZE])
{
	int r;

	(void)snprintf(ret, CRASH_SIGNATURE_SIZE, "%s", signature);
	r = index_expected_signature(coredump->store.index, signature, ret);
	if (r < 0)
		coredump_index_failed(coredump, r);
}

static int take_time(const CrashRow *row, void *userdata)
{
	*(usec_t *)userdata = row->crash.when_realtime;
	return 1;
}

/* Crashes from before the index were listed, not told. What anybody may have made up counts for
 * nothing; nor does one that says it is yet to come (the clock was set back): it would keep all
 * that follow quiet until then. */
void coredump_look_up(Coredump *coredump, CrashArrival *arrival, const char *own)
{
	usec_t now = now_usec(CLOCK_REALTIME), told = 0;
	const CrashMatch either[] = {{.field = "signature", .value = arrival->signature},
		{.field = "signature", .value = own}};
	const CrashQuery all = {
		.matches = either, .n_matches = ELEMENTSOF(either), .genuine = true};
	const CrashQuery last = {
		.since_realtime =
			MAX_OF(coredump->store.begin_realtime, now - CRASH_NEWS_AGAIN_USEC),
		.until_realtime = now + USEC_PER_MINUTE,
		.matches = either,
		.n_matches = ELEMENTSOF(either),
		.told = true,
		.genuine = true,
		.newest_first = true,
		.limit = 1,
	};
	uint64_t count = 0;
	int r;

	arrival->told_ago_usec = USEC_INFINITY;
	if (crash_policy_knows(&coredump->policy, arrival->signature))
		return;
	r = index_count(coredump->store.index, &all, &count);
	if (r >= 0)
		r = index_query(coredump->store.index, &last, take_time, &told);
	if (r < 0)
		coredump_index_failed(coredump, r);
	arrival->earlier = count ? count - 1 : 0;
	if (told)
		arrival->told_ago_usec = now > told ? now - told : 0;
}

void coredump_take_kcrash(Coredump *coredump, Crash *crash)
{
	int cache_fd = coredump->reporting.cache_fd;
	_cleanup_(freep) char *name = NULL;
	int r;

	if (cache_fd < 0 || crash->uid != getuid() || crash->trust != CRASH_GENUINE)
		return;
	int found = kcrash_find(cache_fd, crash, &name);
	if (found < 0)
		(void)log_debug_errno(found, "KCrash metadata of crash %.*s is left alone: %m",
			CRASH_ID_DIGITS, crash->hash);
	crash->not_responding = crash->not_responding || kcrash_was_hung(cache_fd, crash) > 0;
	if (found <= 0 && !crash->not_responding)
		return;
	r = index_set_kcrash(coredump->store.index, crash->hash, found > 0 ? crash->kcrash : NULL,
		crash->not_responding);
	if (r < 0)
		coredump_index_failed(coredump, r);
	else if (found > 0)
		(void)kcrash_remove(cache_fd, name);
}
