/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads where cores go, keeps a CoreDirectory for it, and looks. */
#include "monitord/crash-directory.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/log.h"
#include "common/text.h"
#include <limits.h>
#include <systemd/sd-id128.h>

#define MORE_USEC (20 * USEC_PER_MSEC) /* others have their turn in between */

struct CrashDirectory {
	sd_event_source *timer;
	int proc_fd;
	char **directories; /* owned, NULL-terminated */
	usec_t poll_usec, cursor;
	char machine_id[33], boot_id[33], hostname[HOST_NAME_MAX + 1];
	usec_t boot_realtime;
	char text[CORE_PATTERN_MAX + 1]; /* of the pattern, as last read */
	bool uses_pid;
	CorePattern pattern;
	CoreDirectory *cores; /* NULL while cores do not go to files */
	void (*arrived)(const Crash *crash, void *userdata);
	void *userdata;
};

static int copy_strings(const char *const *from, char ***ret)
{
	size_t n = 0;

	while (from[n])
		n++;
	char **copy = calloc(n + 1, sizeof *copy);
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(from[i]);
		if (!copy[i]) {
			while (i > 0)
				free(copy[--i]);
			free(copy);
			copy = NULL;
		}
	}
	*ret = copy;
	return copy ? 0 : -ENOMEM;
}

/* "btime SECONDS" of proc_stat(5); 0 where it cannot be told: then every core is of this boot. */
static usec_t read_boot_time(int proc_fd)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t seconds;

	if (read_file_at(proc_fd, "stat", (size_t)1024 * 1024, &text) <= 0)
		return 0;
	const char *at = strstr(text, "\nbtime ");
	if (!at || parse_u64_prefix(at + strlen("\nbtime "), &at, &seconds) < 0 ||
		seconds > UINT32_MAX * 64ULL)
		return 0;
	return seconds * USEC_PER_SEC;
}

static void read_machine(CrashDirectory *directory)
{
	char line[64];
	sd_id128_t id;
	size_t n = 0;

	if (sd_id128_get_machine(&id) >= 0)
		(void)sd_id128_to_string(id, directory->machine_id);
	if (read_line_at(directory->proc_fd, "sys/kernel/random/boot_id", line, sizeof line) > 0)
		for (const char *p = line; *p && n < 32; p++)
			if (*p != '-')
				directory->boot_id[n++] = *p;
	directory->boot_realtime = read_boot_time(directory->proc_fd);
	(void)read_line_at(directory->proc_fd, "sys/kernel/hostname", directory->hostname,
		sizeof directory->hostname);
}

static void open_cores(CrashDirectory *directory)
{
	CoreDirectorySetup setup = {
		.pattern = &directory->pattern,
		.directories = (const char *const *)directory->directories,
		.hostname = directory->hostname,
		.uid = geteuid(),
		.gid = getegid(),
		.proc_fd = directory->proc_fd,
		.machine_id = directory->machine_id,
		.boot_id = directory->boot_id,
		.boot_realtime = directory->boot_realtime,
	};
	int r;

	directory->cores = core_directory_free(directory->cores);
	if (directory->pattern.target < CORE_TARGET_ABSOLUTE)
		return;
	r = core_directory_new(&setup, directory->cursor, &directory->cores);
	if (r == -ENOTSUP)
		log_notice("Cores go to '%s', a folder that differs from crash to crash: they are "
			   "not seen. Set kernel.core_pattern to one folder.",
			directory->text);
	else if (r < 0)
		log_warning_errno(r, "Cannot look for core files: %m");
}

static void read_pattern(CrashDirectory *directory)
{
	char text[sizeof directory->text] = "";
	uint64_t uses_pid = 0;

	(void)read_line_at(directory->proc_fd, "sys/kernel/core_pattern", text, sizeof text);
	(void)read_u64_at(directory->proc_fd, "sys/kernel/core_uses_pid", &uses_pid);
	if (streq(text, directory->text) && directory->uses_pid == (uses_pid != 0))
		return;
	memcpy(directory->text, text, sizeof text);
	directory->uses_pid = uses_pid != 0;
	if (core_pattern_parse(text, directory->uses_pid, &directory->pattern) < 0)
		directory->pattern = (CorePattern){};
	open_cores(directory);
}

static void look(CrashDirectory *directory)
{
	int r;

	read_pattern(directory);
	if (!directory->cores)
		return;
	r = core_directory_look(directory->cores, now_usec(CLOCK_REALTIME), directory->arrived,
		directory->userdata);
	if (r < 0)
		log_warning_errno(r, "Cannot look at the core files: %m");
	directory->cursor = MAX_OF(directory->cursor, core_directory_cursor(directory->cores));
}

static int on_timer(sd_event_source *source, uint64_t when, void *userdata)
{
	CrashDirectory *directory = userdata;
	int r;

	(void)when;
	look(directory);
	usec_t next = !directory->cores			    ? CRASH_DIRECTORY_IDLE_USEC
		      : crash_directory_has_more(directory) ? MORE_USEC
							    : directory->poll_usec;
	r = sd_event_source_set_time_relative(source, next);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int crash_directory_new(sd_event *event, const CrashDirectoryOptions *options,
	void (*arrived)(const Crash *crash, void *userdata), void *userdata, CrashDirectory **ret)
{
	CrashDirectory *directory = calloc(1, sizeof *directory);
	int r;

	if (!directory)
		return -ENOMEM;
	directory->proc_fd = options->proc_fd;
	directory->poll_usec = options->poll_usec ? options->poll_usec : CRASH_DIRECTORY_POLL_USEC;
	directory->cursor = options->since_realtime;
	directory->arrived = arrived;
	directory->userdata = userdata;
	read_machine(directory);
	r = copy_strings(options->directories, &directory->directories);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &directory->timer, CLOCK_MONOTONIC, 0,
			directory->poll_usec / 4, on_timer, directory);
	if (r < 0) {
		crash_directory_free(directory);
		return r;
	}
	(void)sd_event_source_set_description(directory->timer, "core files");
	*ret = directory;
	return 0;
}

CrashDirectory *crash_directory_free(CrashDirectory *directory)
{
	if (!directory)
		return NULL;
	sd_event_source_disable_unref(directory->timer);
	core_directory_free(directory->cores);
	for (char **path = directory->directories; path && *path; path++)
		free(*path);
	free(directory->directories);
	free(directory);
	return NULL;
}

void crash_directory_refresh(CrashDirectory *directory)
{
	(void)sd_event_source_set_time_relative(directory->timer, 0);
	(void)sd_event_source_set_enabled(directory->timer, SD_EVENT_ONESHOT);
}

bool crash_directory_has_more(const CrashDirectory *directory)
{
	return directory->cores && core_directory_has_more(directory->cores);
}

usec_t crash_directory_cursor(const CrashDirectory *directory)
{
	/* Within a look the newest one is known to the cores alone. */
	return directory->cores ? MAX_OF(directory->cursor, core_directory_cursor(directory->cores))
				: directory->cursor;
}

CoreTarget crash_directory_target(const CrashDirectory *directory, size_t *ret_folders)
{
	*ret_folders = directory->cores ? core_directory_n_folders(directory->cores) : 0;
	return directory->pattern.target;
}
