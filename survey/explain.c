/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two lying errors, explained with figures. */
#include "survey/explain.h"

#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/text.h"
#include "survey/internals.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

ExplainState explain_state(uint64_t used, uint64_t max)
{
	if (max == 0)
		return EXPLAIN_UNKNOWN;
	if (used >= max)
		return EXPLAIN_EXHAUSTED;
	return (double)used >= 0.8 * (double)max ? EXPLAIN_NEAR : EXPLAIN_OK;
}

const char *explain_state_to_string(ExplainState state)
{
	static const char *const names[] = {"ok", "near", "exhausted", "unknown"};
	return names[state];
}

static void add_row(Explanation *explanation, ExplainRow row)
{
	if (explanation->n_rows < EXPLAIN_ROWS_MAX)
		explanation->rows[explanation->n_rows++] = row;
}

static uint64_t known(InotifyLimit limit)
{
	return limit.source == LIMIT_UNKNOWN ? 0 : limit.value;
}

/* The kernel's own answer goes above the figures: it knows what the survey could not see, and what
 * it grants is not used up. */
static ExplainState inotify_state(
	const Explanation *explanation, const ExplainRow *row, CanaryResult refused, bool granted)
{
	ExplainState state = explain_state(row->used, row->max);

	if (!explanation->canary_asked)
		return state;
	if (explanation->canary == refused)
		return EXPLAIN_EXHAUSTED;
	return granted && state == EXPLAIN_EXHAUSTED ? EXPLAIN_NEAR : state;
}

static ExplainRow inotify_row(
	const char *what, const char *error, uint64_t used, InotifyLimit limit)
{
	return (ExplainRow){.what = what,
		.error = error,
		.scope = limit.source == LIMIT_NAMESPACE ? "namespace" : "user",
		.used = used,
		.max = known(limit)};
}

static void explain_inotify(const Survey *survey, Explanation *explanation)
{
	static const SurveyAccount nobody;
	const SurveyAccount *account = survey_account(survey, explanation->uid);

	if (!account)
		account = &nobody;
	explanation->complete = account->unreadable == 0;
	ExplainRow watches = inotify_row(
		N_("inotify watches"), "ENOSPC", account->watches, survey->limits.watches);
	watches.state = inotify_state(
		explanation, &watches, CANARY_WATCHES_EXHAUSTED, explanation->canary == CANARY_OK);
	add_row(explanation, watches);
	ExplainRow instances = inotify_row(
		N_("inotify instances"), "EMFILE", account->instances, survey->limits.instances);
	instances.state = inotify_state(explanation, &instances, CANARY_INSTANCES_EXHAUSTED,
		explanation->canary == CANARY_OK ||
			explanation->canary == CANARY_WATCHES_EXHAUSTED);
	add_row(explanation, instances);
}

/* "Max open files            1024                 524288               files", the first is the
 * soft limit; it may be "unlimited". 0 or -errno; *ret UINT64_MAX: no limit. */
static int soft_nofile(int proc_fd, const char *pid, uint64_t *ret)
{
	static const char key[] = "Max open files";
	char path[32];
	_cleanup_(freep) char *limits = NULL;
	ssize_t n;

	(void)snprintf(path, sizeof path, "%s/limits", pid);
	n = read_file_at(proc_fd, path, 8192, &limits);
	if (n < 0)
		return (int)n;
	const char *line = strstr(limits, key);
	if (!line)
		return -EINVAL;
	line += strlen(key);
	line += strspn(line, " ");
	if (startswith(line, "unlimited")) {
		*ret = UINT64_MAX;
		return 0;
	}
	return parse_u64_prefix(line, &line, ret);
}

/* How many descriptors are open, -1 where that cannot be seen. */
static int64_t open_descriptors(int proc_fd, const char *pid)
{
	char path[32];
	int64_t n = 0;

	(void)snprintf(path, sizeof path, "%s/fd", pid);
	_cleanup_(closep) int fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -1;
	TAKE_FD(fd);
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	return n;
}

static void explain_descriptors(int proc_fd, const char *pid, Explanation *explanation)
{
	ExplainRow row = {.what = N_("open files (RLIMIT_NOFILE)"),
		.error = "EMFILE",
		.scope = "process",
		.state = EXPLAIN_UNKNOWN};
	int64_t used = open_descriptors(proc_fd, pid);
	uint64_t soft;

	if (used >= 0)
		row.used = (uint64_t)used;
	if (soft_nofile(proc_fd, pid, &soft) == 0) {
		row.max = soft == UINT64_MAX ? 0 : soft;
		if (used >= 0)
			row.state = soft == UINT64_MAX ? EXPLAIN_OK : explain_state(row.used, soft);
	}
	add_row(explanation, row);
}

static bool next_number(const char **p, uint64_t *ret)
{
	*p += strspn(*p, " \t");
	return parse_u64_prefix(*p, p, ret) == 0;
}

/* file-nr: "allocated  unused  maximum" (the middle one is 0 since 2.6). */
static void explain_system(int proc_fd, Explanation *explanation)
{
	ExplainRow row = {.what = N_("open files of all (fs.file-max)"),
		.error = "ENFILE",
		.scope = "system",
		.state = EXPLAIN_UNKNOWN};
	uint64_t allocated, unused, max;
	char line[128];

	if (read_line_at(proc_fd, "sys/fs/file-nr", line, sizeof line) > 0) {
		const char *p = line;
		if (next_number(&p, &allocated) && next_number(&p, &unused) &&
			next_number(&p, &max)) {
			row.used = allocated - MIN_OF(unused, allocated);
			row.max = max;
			row.state = explain_state(row.used, row.max);
		}
	}
	add_row(explanation, row);
}

static ExplainRow disk_row(const char *what, uint64_t total, uint64_t available, uint64_t unit)
{
	ExplainRow row = {.what = what,
		.error = "ENOSPC",
		.scope = "filesystem",
		.bytes = unit > 1,
		.state = EXPLAIN_UNKNOWN};

	if (total == 0 || total > UINT64_MAX / unit)
		return row;
	row.used = (total - MIN_OF(available, total)) * unit;
	row.max = total * unit;
	row.state = explain_state(row.used, row.max);
	return row;
}

void explain_disk_rows(const struct statvfs *fs, ExplainRow *ret_space, ExplainRow *ret_inodes)
{
	/* What an ordinary user may fill: blocks minus what is kept back for root. */
	uint64_t kept = fs->f_bfree - MIN_OF(fs->f_bavail, fs->f_bfree);
	uint64_t kept_inodes = fs->f_ffree - MIN_OF(fs->f_favail, fs->f_ffree);

	*ret_space = disk_row(N_("disk space where it works"),
		fs->f_blocks - MIN_OF(kept, (uint64_t)fs->f_blocks), fs->f_bavail,
		fs->f_frsize ? fs->f_frsize : 1);
	*ret_inodes = disk_row(N_("inodes where it works"),
		fs->f_files - MIN_OF(kept_inodes, (uint64_t)fs->f_files), fs->f_favail, 1);
}

/* The filesystem of its working directory: the one meaning of "no space left" that is no lie. */
static void explain_disk(int proc_fd, const char *pid, Explanation *explanation)
{
	ExplainRow space, inodes;
	struct statvfs fs = {};
	char path[32];

	(void)snprintf(path, sizeof path, "%s/cwd", pid);
	_cleanup_(closep) int fd = openat(proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool seen = fd >= 0 && fstatvfs(fd, &fs) == 0;
	if (seen && fs.f_blocks == 0)
		return; /* /proc and its like have no end */
	explain_disk_rows(&fs, &space, &inodes);
	add_row(explanation, space);
	if (fs.f_files) /* btrfs counts none */
		add_row(explanation, inodes);
}

/* Name and effective uid, whom the kernel charges (inotify_new_group: current_euid()). */
static int identify(int proc_fd, const char *pid, Explanation *ret)
{
	char path[32], comm[128];
	_cleanup_(freep) char *status = NULL;
	uint64_t uid;

	(void)snprintf(path, sizeof path, "%s/status", pid);
	if (read_file_at(proc_fd, path, 16384, &status) < 0)
		return -ESRCH;
	const char *line = strstr(status, "\nUid:");
	if (!line)
		return -ESRCH;
	line += strlen("\nUid:");
	if (!next_number(&line, &uid) || !next_number(&line, &uid) || uid > UINT32_MAX)
		return -ESRCH;
	(void)snprintf(path, sizeof path, "%s/comm", pid);
	if (read_line_at(proc_fd, path, comm, sizeof comm) > 0)
		ret->name = strdup(comm);
	ret->uid = (uid_t)uid;
	return 0;
}

/* Where the survey knows better who pays: a holder in a namespace below belongs to its owner. */
static void find_payer(const Survey *survey, Explanation *explanation)
{
	for (size_t i = 0; i < survey->n_processes; i++)
		if (survey->processes[i].pid == explanation->pid)
			(void)survey_payer(&survey->internals->details[i], &explanation->uid);
}

static bool in_other_namespace(int proc_fd, const char *pid)
{
	char path[32], its[64], ours[64];

	(void)snprintf(path, sizeof path, "%s/ns/user", pid);
	ssize_t n = readlinkat(proc_fd, path, its, sizeof its);
	ssize_t m = readlinkat(proc_fd, "self/ns/user", ours, sizeof ours);
	return n > 0 && m > 0 && (n != m || memcmp(its, ours, (size_t)n) != 0);
}

static bool is_real_proc(int proc_fd)
{
	struct statfs fs;

	return fstatfs(proc_fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

int survey_explain(const Survey *survey, int proc_fd, pid_t pid, Explanation *ret)
{
	char name[16] = "self";
	Explanation explanation = {.pid = pid,
		.uid = survey->viewer,
		.queued_events = known(survey->limits.queued_events)};
	int r;

	if (pid > 0) {
		(void)snprintf(name, sizeof name, "%d", pid);
		r = identify(proc_fd, name, &explanation);
		if (r < 0)
			return r;
		find_payer(survey, &explanation);
		explanation.other_namespace = in_other_namespace(proc_fd, name);
	}
	if (explanation.uid == geteuid() && !explanation.other_namespace && is_real_proc(proc_fd)) {
		explanation.canary_asked = true;
		explanation.canary = inotify_canary("/");
	}
	explain_inotify(survey, &explanation);
	explain_descriptors(proc_fd, name, &explanation);
	explain_system(proc_fd, &explanation);
	explain_disk(proc_fd, name, &explanation);
	*ret = explanation;
	return 0;
}

void explanation_done(Explanation *explanation)
{
	free(explanation->name);
	*explanation = (Explanation){};
}
