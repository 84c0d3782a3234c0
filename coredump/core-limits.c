/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd's configuration, read the way systemd reads it. */
#include "coredump/core-limits.h"

#include "common/cleanup.h"
#include "common/text.h"
#include "coredump/beneath.h"
#include "coredump/core-store.h"
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#define CONF_MAX ((size_t)256 * 1024)
#define MIB	 ((uint64_t)1024 * 1024)
#define GIB	 (1024 * MIB)
#define PAGE	 ((uint64_t)4096)

static const char *const conf_dirs[] = {"etc", "run", "usr/local/lib", "usr/lib"};

int parse_core_size(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "BKMGTPE";
	uint64_t whole, fraction = 0, scale = 1;
	int r;

	if (streq(text, "infinity")) {
		*ret = UINT64_MAX;
		return 0;
	}
	r = parse_u64_prefix(text, &text, &whole);
	if (r < 0)
		return r;
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text) && scale < 1000000; text++) {
			fraction = fraction * 10 + (uint64_t)(*text - '0');
			scale *= 10;
		}
	const char *suffix = *text ? strchr(suffixes, *text) : suffixes;
	if (!suffix || (*text && text[1]))
		return -EINVAL;
	unsigned shift = 10 * (unsigned)(suffix - suffixes);
	if (whole >= UINT64_MAX >> shift)
		return -ERANGE;
	*ret = (whole << shift) +
	       (uint64_t)((double)fraction / (double)scale * (double)((uint64_t)1 << shift));
	return 0;
}

static int parse_storage(const char *value, CoreStorage *ret)
{
	static const char *const names[] = {"none", "external", "journal"};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (streq(value, names[i])) {
			*ret = (CoreStorage)i;
			return 0;
		}
	return -EINVAL;
}

static void take_setting(CoreLimits *limits, const char *key, const char *value)
{
	const struct {
		const char *key;
		uint64_t *target;
		bool *set;
	} sizes[] = {
		{"ProcessSizeMax", &limits->process_size_max, NULL},
		{"ExternalSizeMax", &limits->external_size_max, NULL},
		{"JournalSizeMax", &limits->journal_size_max, NULL},
		{"MaxUse", &limits->max_use, &limits->max_use_set},
		{"KeepFree", &limits->keep_free, &limits->keep_free_set},
	};
	bool taken = false;

	if (streq(key, "Storage"))
		taken = parse_storage(value, &limits->storage) == 0;
	else if (streq(key, "Compress"))
		taken = parse_boolean(value, &limits->compress) == 0;
	for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
		if (!streq(key, sizes[i].key) || parse_core_size(value, sizes[i].target) < 0)
			continue;
		taken = true;
		if (sizes[i].set)
			*sizes[i].set = true;
	}
	limits->configured = limits->configured || taken;
}

static char *trimmed(char *text)
{
	text += strspn(text, " \t");
	for (size_t n = strlen(text); n > 0 && strchr(" \t\r", text[n - 1]);)
		text[--n] = '\0';
	return text;
}

/* systemd's syntax: comments are whole lines of # or ;. 1 read, 0 not there, -errno. */
static int read_conf(int root_fd, const char *path, CoreLimits *limits)
{
	_cleanup_(freep) char *text = NULL;
	bool ours = false;
	ssize_t n = read_file_beneath(root_fd, path, CONF_MAX, &text);

	if (n < 0)
		return n == -ENOENT || n == -ENOTDIR ? 0 : (int)n;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		line = trimmed(line);
		if (*line == '[')
			ours = streq(line, "[Coredump]");
		char *equals = strchr(line, '=');
		if (!ours || !equals || *line == '#' || *line == ';')
			continue;
		*equals = '\0';
		take_setting(limits, trimmed(line), trimmed(equals + 1));
	}
	return 1;
}

typedef struct DropIn {
	char *name;
	size_t directory;
} DropIn;

static int by_name(const void *a, const void *b)
{
	return strcmp(((const DropIn *)a)->name, ((const DropIn *)b)->name);
}

/* Adds the names of a directory that no earlier one has: /etc beats /run beats /usr. */
static void list_dropins(int root_fd, const char *path, size_t directory, DropIn **list, size_t *n)
{
	int fd = open_beneath(root_fd, path, O_RDONLY | O_DIRECTORY);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		(void)safe_close(fd);
		return;
	}
	for (const struct dirent *entry; (entry = readdir(dir)) && *n < 1024;) {
		size_t i = 0;
		while (i < *n && !streq((*list)[i].name, entry->d_name))
			i++;
		if (i < *n || entry->d_name[0] == '.' || !endswith(entry->d_name, ".conf"))
			continue;
		DropIn *grown = reallocarray(*list, *n + 1, sizeof *grown);
		char *name = strdup(entry->d_name);
		if (grown)
			*list = grown;
		if (!grown || !name) {
			free(name);
			return;
		}
		grown[(*n)++] = (DropIn){name, directory};
	}
}

static void read_dropins(int root_fd, CoreLimits *limits)
{
	char path[512];
	DropIn *list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ELEMENTSOF(conf_dirs); i++) {
		(void)snprintf(path, sizeof path, "/%s/systemd/coredump.conf.d", conf_dirs[i]);
		list_dropins(root_fd, path, i, &list, &n);
	}
	if (n)
		qsort(list, n, sizeof *list, by_name);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(path, sizeof path, "/%s/systemd/coredump.conf.d/%s",
			conf_dirs[list[i].directory], list[i].name);
		(void)read_conf(root_fd, path, limits);
		free(list[i].name);
	}
	free(list);
}

/* Only the first of the main files counts; drop-ins of all directories come after it. */
static void read_configuration(int root_fd, CoreLimits *limits)
{
	char path[512];

	for (size_t i = 0; i < ELEMENTSOF(conf_dirs); i++) {
		(void)snprintf(path, sizeof path, "/%s/systemd/coredump.conf", conf_dirs[i]);
		if (read_conf(root_fd, path, limits) != 0)
			break;
	}
	read_dropins(root_fd, limits);
}

static uint64_t page_align(uint64_t bytes)
{
	return bytes > UINT64_MAX - PAGE ? bytes : (bytes + PAGE - 1) / PAGE * PAGE;
}

void core_limits_clamp(CoreLimits *limits, uint64_t disk_size, uint64_t disk_free)
{
	limits->disk_size = disk_size;
	limits->disk_free = disk_free;
	if (!limits->max_use_set)
		limits->max_use = MAX_OF(MIB, MIN_OF(4 * GIB, page_align(disk_size / 10)));
	if (!limits->keep_free_set)
		limits->keep_free =
			disk_size ? MIN_OF(4 * GIB, page_align(disk_size / 20 * 3)) : MIB;
}

uint64_t core_limits_left(const CoreLimits *limits, uint64_t used_bytes)
{
	uint64_t left = UINT64_MAX;

	if (limits->max_use > 0)
		left = limits->max_use > used_bytes ? limits->max_use - used_bytes : 0;
	if (limits->keep_free > 0 && limits->disk_size > 0) {
		uint64_t room = limits->disk_free > limits->keep_free
					? limits->disk_free - limits->keep_free
					: 0;
		left = MIN_OF(left, room);
	}
	return left;
}

/* ---- tmpfiles.d(5): "d /var/lib/systemd/coredump 0755 root root 2w" -------------------------- */

/* The age of the line for the cores' folder. 1 found (0: kept), 0 no such line. */
static int age_in(char *text, usec_t *ret)
{
	for (char *save, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		char *fields[6] = {}, *part_save;
		size_t n = 0;
		for (char *part = strtok_r(line, " \t", &part_save); part && n < 6;
			part = strtok_r(NULL, " \t", &part_save))
			fields[n++] = part;
		if (n < 2 || !strchr("dDeqQv", fields[0][0]) ||
			!streq(fields[1], CORE_STORE_SYSTEMD))
			continue;
		*ret = 0;
		if (n == 6 && !streq(fields[5], "-"))
			(void)parse_span(fields[5] + strspn(fields[5], "~:abcmABCM"), ret);
		return 1;
	}
	return 0;
}

/* Names sort over all directories, and the first line for a path counts; systemd's own line is in
 * systemd.conf. */
static void read_age(int root_fd, CoreLimits *limits)
{
	DropIn *list = NULL;
	char path[512];
	size_t n = 0;
	bool found = false;

	for (size_t i = 0; i < ELEMENTSOF(conf_dirs); i++) {
		(void)snprintf(path, sizeof path, "/%s/tmpfiles.d", conf_dirs[i]);
		list_dropins(root_fd, path, i, &list, &n);
	}
	if (n)
		qsort(list, n, sizeof *list, by_name);
	for (size_t i = 0; i < n; i++) {
		_cleanup_(freep) char *text = NULL;
		(void)snprintf(path, sizeof path, "/%s/tmpfiles.d/%s", conf_dirs[list[i].directory],
			list[i].name);
		if (!found && read_file_beneath(root_fd, path, CONF_MAX, &text) > 0)
			found = age_in(text, &limits->max_age_usec) > 0;
		free(list[i].name);
	}
	free(list);
}

void core_limits_read(int root_fd, CoreLimits *ret)
{
	uint64_t size_max = sizeof(void *) == 4 ? GIB : 32 * GIB; /* coredump-config.c, from 251 */
	struct statvfs disk;

	*ret = (CoreLimits){
		.storage = CORE_STORAGE_EXTERNAL,
		.compress = true,
		.process_size_max = size_max,
		.external_size_max = size_max,
		.journal_size_max = 767 * MIB,
	};
	read_configuration(root_fd, ret);
	ret->journal_size_max = MIN_OF(ret->journal_size_max, 767 * MIB);
	read_age(root_fd, ret);
	_cleanup_(closep) int fd = open_beneath(root_fd, CORE_STORE_SYSTEMD, O_PATH);
	if (fd >= 0 && fstatvfs(fd, &disk) == 0)
		core_limits_clamp(ret, disk.f_frsize * disk.f_blocks, disk.f_frsize * disk.f_bfree);
	else
		core_limits_clamp(ret, 0, 0);
}
