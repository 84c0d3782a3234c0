/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl.d, read as systemd-sysctl(8) reads it, to say who wins at boot. Reads only. */
#include "survey/sysctl.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/text.h"
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (256 * 1024)

static const char *const directories[] = {"etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d",
	"usr/lib/sysctl.d", "lib/sysctl.d"};

typedef struct Candidate {
	char *name;
	size_t directory;
} Candidate;

typedef struct Search {
	int root_fd;
	const char *key;
	Candidate *files;
	size_t n_files;
	SysctlSetting *settings;
	size_t n_settings;
} Search;

/* The first separator decides: "fs/inotify/x" has slashes; "net.ipv4.conf.eth0/1.x" is dotted
 * (sysctl.d(5)). */
static void normalise(char *key)
{
	size_t first = strcspn(key, "./");

	if (key[first] != '/')
		return;
	for (char *p = key; *p; p++)
		*p = *p == '/' ? '.' : *p == '.' ? '/' : *p;
}

bool sysctl_key_matches(const char *left, const char *key)
{
	_cleanup_(freep) char *pattern = strdup(left);

	if (!pattern)
		return false;
	normalise(pattern);
	return fnmatch(pattern, key, 0) == 0;
}

static int add_file(Search *search, const char *name, size_t directory)
{
	for (size_t i = 0; i < search->n_files; i++)
		if (streq(search->files[i].name, name))
			return 0; /* hidden by an earlier directory */
	Candidate *grown = reallocarray(search->files, search->n_files + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	search->files = grown;
	char *copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	search->files[search->n_files++] = (Candidate){copy, directory};
	return 0;
}

static int list_directory(Search *search, size_t at)
{
	_cleanup_(closep) int fd =
		openat(search->root_fd, directories[at], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return 0;
	TAKE_FD(fd);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (!endswith(entry->d_name, ".conf"))
			continue;
		int r = add_file(search, entry->d_name, at);
		if (r < 0)
			return r;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const Candidate *)a)->name, ((const Candidate *)b)->name);
}

static char *trim(char *s)
{
	s += strspn(s, " \t");
	char *end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return s;
}

static int take_line(Search *search, const char *path, unsigned number, char *line)
{
	char *text = trim(line);

	if (!*text || *text == '#' || *text == ';')
		return 0;
	char *equals = strchr(text, '=');
	if (!equals)
		return 0;
	*equals = '\0';
	char *left = trim(text);
	if (*left == '-')
		left = trim(left + 1);
	if (!sysctl_key_matches(left, search->key))
		return 0;

	SysctlSetting *grown =
		reallocarray(search->settings, search->n_settings + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	search->settings = grown;
	SysctlSetting setting = {
		.path = strdup(path), .line = number, .value = strdup(trim(equals + 1))};
	search->settings[search->n_settings++] = setting;
	return setting.path && setting.value ? 0 : -ENOMEM;
}

/* Links are followed beneath the real root only as far as the kernel goes: what is not a regular
 * file counts as empty. */
static int read_settings(Search *search, const Candidate *file)
{
	_cleanup_(freep) char *path = NULL, *data = NULL;
	struct stat st;
	unsigned number = 0;
	int r = 0;

	if (asprintf(&path, "/%s/%s", directories[file->directory], file->name) < 0)
		return -ENOMEM;
	_cleanup_(closep) int fd =
		openat(search->root_fd, path + 1, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		read_fd_max(fd, FILE_MAX_BYTES, &data) < 0)
		return 0;
	for (char *line = data, *next; line && r >= 0; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		r = take_line(search, path, ++number, line);
	}
	return r;
}

int sysctl_find(int root_fd, const char *key, SysctlSetting **ret, size_t *ret_n)
{
	Search search = {.root_fd = root_fd, .key = key};
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(directories) && r >= 0; i++)
		r = list_directory(&search, i);
	if (search.n_files)
		qsort(search.files, search.n_files, sizeof *search.files, by_name);
	for (size_t i = 0; i < search.n_files && r >= 0; i++)
		r = read_settings(&search, &search.files[i]);
	for (size_t i = 0; i < search.n_files; i++)
		free(search.files[i].name);
	free(search.files);
	if (r < 0) {
		sysctl_settings_free(search.settings, search.n_settings);
		return r;
	}
	if (search.n_settings)
		search.settings[search.n_settings - 1].wins = true;
	*ret = search.settings;
	*ret_n = search.n_settings;
	return 0;
}

void sysctl_settings_free(SysctlSetting *settings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(settings[i].path);
		free(settings[i].value);
	}
	free(settings);
}
