/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of names. Only absence is told: whatever is there is looked at by core_look(). */
#include "cli/core-folder.h"

#include "common/cleanup.h"
#include "common/text.h"
#include <dirent.h>
#include <glib.h>

struct CoreFolder {
	GHashTable *names;
	char *prefix; /* "PATH/" */
	size_t prefix_length;
};

CoreFolder *core_folder_free(CoreFolder *folder)
{
	if (!folder)
		return NULL;
	if (folder->names)
		g_hash_table_unref(folder->names);
	free(folder->prefix);
	free(folder);
	return NULL;
}

CoreFolder *core_folder_read(const char *path)
{
	_cleanup_(closedirp) DIR *dir = opendir(path);
	CoreFolder *folder;

	if (!dir && errno != ENOENT)
		return NULL;
	folder = calloc(1, sizeof *folder);
	if (!folder || asprintf(&folder->prefix, "%s/", path) < 0) {
		free(folder);
		return NULL;
	}
	folder->prefix_length = strlen(folder->prefix);
	folder->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (const struct dirent *entry; dir && (entry = readdir(dir));)
		(void)g_hash_table_add(folder->names, g_strdup(entry->d_name));
	return folder;
}

bool core_folder_lacks(const CoreFolder *folder, const Crash *crash)
{
	const char *path = crash->core_file;

	if (!folder || !path || crash->core_in_journal ||
		strncmp(path, folder->prefix, folder->prefix_length) != 0)
		return false;
	const char *name = path + folder->prefix_length;
	return *name && !strchr(name, '/') && !g_hash_table_contains(folder->names, name);
}
