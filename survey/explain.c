/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two lying errors, explained with figures. */
#include "survey/explain.h"

#include "common/cleanup.h"
#include "common/i18n.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <sys/statvfs.h>

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
	if (row.state == EXPLAIN_OK)
		row.state = explain_state(row.used, row.max);
	if (explanation->n_rows < EXPLAIN_ROWS_MAX)
		explanation->rows[explanation->n_rows++] = row;
}

static uint64_t known(InotifyLimit limit)
{
	return limit.source == LIMIT_UNKNOWN ? 0 : limit.value;
}

static ExplainState refused(const Explanation *explanation, CanaryResult result)
{
	return explanation->canary_asked && explanation->canary == result ? EXPLAIN_EXHAUSTED
									  : EXPLAIN_OK;
}

static void explain_inotify(const Survey *survey, Explanation *explanation)
{
	static const SurveyAccount nobody;
	const SurveyAccount *account = survey_account(survey, explanation->uid);

	if (!account)
		account = &nobody;
	add_row(explanation, (ExplainRow){.what = N_("inotify watches"),
				     .error = "ENOSPC",
				     .scope = "user",
				     .used = account->watches,
				     .max = known(survey->limits.watches),
				     .state = refused(explanation, CANARY_WATCHES_EXHAUSTED)});
	add_row(explanation, (ExplainRow){.what = N_("inotify instances"),
				     .error = "EMFILE",
				     .scope = "user",
				     .used = account->instances,
				     .max = known(survey->limits.instances),
				     .state = refused(explanation, CANARY_INSTANCES_EXHAUSTED)});
}

/* "Max open files            1024                 524288               files" */
static uint64_t soft_nofile(int proc_fd, const char *pid)
{
	char path[32];
	_cleanup_(freep) char *limits = NULL;
	uint64_t soft = 0;

	(void)snprintf(path, sizeof path, "%s/limits", pid);
	if (read_file_at(proc_fd, path, 8192, &limits) < 0)
		return 0;
	const char *line = strstr(limits, "Max open files");
	if (!line)
		return 0;
	line += strlen("Max open files");
	line += strspn(line, " ");
	return parse_u64_prefix(line, &line, &soft) == 0 ? soft : 0;
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
	int64_t used = open_descriptors(proc_fd, pid);
	uint64_t max = used < 0 ? 0 : soft_nofile(proc_fd, pid);
	char line[128];

	add_row(explanation, (ExplainRow){.what = N_("open files (RLIMIT_NOFILE)"),
				     .error = "EMFILE",
				     .scope = "process",
				     .used = used < 0 ? 0 : (uint64_t)used,
				     .max = max});
	/* "allocated  0  maximum" */
	if (read_line_at(proc_fd, "sys/fs/file-nr", line, sizeof line) > 0) {
		uint64_t allocated = 0, unused = 0, file_max = 0;
		const char *p = line;
		if (parse_u64_prefix(p, &p, &allocated) == 0 && *p++ == '\t' &&
			parse_u64_prefix(p, &p, &unused) == 0 && *p++ == '\t')
			(void)parse_u64_prefix(p, &p, &file_max);
		add_row(explanation, (ExplainRow){.what = N_("open files of all (fs.file-max)"),
					     .error = "ENFILE",
					     .scope = "system",
					     .used = allocated - MIN_OF(unused, allocated),
					     .max = file_max});
	}
}

/* The filesystem of its working directory: the one meaning of "no space left" that is no lie. */
static void explain_disk(int proc_fd, const char *pid, Explanation *explanation)
{
	char path[32];
	struct statvfs fs;

	(void)snprintf(path, sizeof path, "%s/cwd", pid);
	_cleanup_(closep) int fd = openat(proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatvfs(fd, &fs) < 0 || fs.f_blocks == 0)
		return;
	/* What an ordinary user may fill: blocks minus what is kept back for root. */
	uint64_t kept = fs.f_bfree - fs.f_bavail,
		 max = fs.f_blocks - MIN_OF(kept, (uint64_t)fs.f_blocks);
	add_row(explanation,
		(ExplainRow){.what = N_("disk space where it works"),
			.error = "ENOSPC",
			.scope = "filesystem",
			.used = (max - MIN_OF(max, (uint64_t)fs.f_bavail)) * fs.f_frsize,
			.max = max * fs.f_frsize,
			.bytes = true});
	if (fs.f_files)
		add_row(explanation, (ExplainRow){.what = N_("inodes where it works"),
					     .error = "ENOSPC",
					     .scope = "filesystem",
					     .used = fs.f_files - fs.f_favail,
					     .max = fs.f_files});
}

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
	line += strspn(line, "\t ");
	if (parse_u64_prefix(line, &line, &uid) < 0 || uid > UINT32_MAX)
		return -ESRCH;
	(void)snprintf(path, sizeof path, "%s/comm", pid);
	if (read_line_at(proc_fd, path, comm, sizeof comm) > 0)
		ret->name = strdup(comm);
	ret->uid = (uid_t)uid;
	return 0;
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
	}
	if (explanation.uid == survey->viewer) {
		explanation.canary_asked = true;
		explanation.canary = inotify_canary("/");
	}
	explain_inotify(survey, &explanation);
	explain_descriptors(proc_fd, name, &explanation);
	explain_disk(proc_fd, name, &explanation);
	*ret = explanation;
	return 0;
}

void explanation_done(Explanation *explanation)
{
	free(explanation->name);
	*explanation = (Explanation){};
}
