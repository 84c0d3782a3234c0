/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/crash-executable.h"

#include "cli/debugger.h"
#include "common/text.h"
#include "common/words.h"
#include "coredump/crash-places.h"
#include "survey/identity.h"
#include <ctype.h>
#include <fcntl.h>
#include <string.h>

/* Reverse-DNS names, https://docs.flatpak.org/en/latest/conventions.html: nothing that flatpak
 * could take for an option. */
static bool is_app_id(const char *id)
{
	if (!isalpha((unsigned char)id[0]) || !strchr(id, '.') || strlen(id) > 255)
		return false;
	for (const char *p = id; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return true;
}

char *crash_flatpak(const Crash *crash)
{
	_cleanup_(freep) char *unit = crash->cgroup ? identity_unit(crash->cgroup) : NULL;
	const char *own = unit ? unit : crash->user_unit;
	_cleanup_(freep) char *container =
		own ? identity_container(crash->cgroup ? crash->cgroup : "", own) : NULL;
	const char *id = container ? startswith(container, "flatpak:") : NULL;

	return id && is_app_id(id) ? strdup(id) : NULL;
}

/* "/app/bin/x" is files/bin/x of where the application is deployed, for this user or for all;
 * flatpak(1), "FILES". */
static int open_deployment(const char *app)
{
	_cleanup_(freep) char *user = NULL, *all = NULL;
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (asprintf(&all, "/var/lib/flatpak/app/%s/current/active/files", app) < 0) {
		all = NULL;
		return -ENOMEM;
	}
	if (asprintf(&user, "%s%s/flatpak/app/%s/current/active/files",
		    data && *data == '/' ? data
		    : home		 ? home
					 : "",
		    data && *data == '/' ? "" : "/.local/share", app) < 0) {
		user = NULL;
		return -ENOMEM;
	}
	int fd = open(user, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = open(all, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What was "/" to the process, as far as it can be told: the system of --root, in it the root that
 * the process had changed to. */
static int sysroot_of(const CrashSource *source, const Crash *crash, char **ret)
{
	const char *system = source->place.root ? source->place.root : "";
	const char *own = crash->root && !streq(crash->root, "/") ? crash->root : "";
	_cleanup_(freep) char *real = *system ? realpath(system, NULL) : NULL;
	char *path;

	*ret = NULL;
	if (!*system && !*own)
		return 0;
	if (asprintf(&path, "%s%s", real ? real : system, own) < 0)
		return -ENOMEM;
	*ret = path;
	return 0;
}

static int module_of(const Trace *trace)
{
	for (size_t i = 0; trace && i < trace->n_modules; i++)
		if (trace->modules[i].is_executable_file)
			return (int)i;
	return -1;
}

/* In the sandbox the path is the one the process had; whether what is there is what crashed can be
 * seen outside. */
static int find_in_flatpak(const TraceModule *module, CrashExecutable *ret)
{
	const char *beneath = startswith(module->path, "/newroot");
	const char *path = startswith(beneath ? beneath : module->path, "/app");
	int r;

	if (!path || *path != '/')
		return 0;
	_cleanup_(closep) int root = open_deployment(ret->flatpak);
	if (root < 0)
		return root == -ENOMEM ? root : 0;
	const ModulePlaces places = {.root_fd = root, .debug_root = MODULE_DEBUG_ROOT};
	_cleanup_(module_files_donep) ModuleFiles files = {};
	TraceModule there = *module;
	there.path = (char *)path;
	const Trace one = {.modules = &there, .n_modules = 1};
	r = module_files_find(&one, &places, &files);
	if (r < 0)
		return r;
	ret->state = files.files[0].state;
	if (!files.files[0].file)
		return 0;
	char *file;
	if (asprintf(&file, "/app%s", path) < 0)
		return -ENOMEM;
	ret->file = file;
	return 0;
}

static int find_here(const CrashSource *source, const Crash *crash, const Trace *trace,
	size_t module, CrashExecutable *ret)
{
	_cleanup_(module_files_donep) ModuleFiles files = {};
	CrashPlaces places;
	int r;

	crash_places_open(crash, source->root_fd, crash_source_lacks_files(source, crash), &places);
	r = module_files_find(trace, &places.places, &files);
	crash_places_done(&places);
	if (r < 0)
		return r;
	ret->state = files.files[module].state;
	ret->file = TAKE_PTR(files.files[module].file);
	for (size_t i = 0; i < files.n; i++)
		ret->n_replaced += i != module && (files.files[i].state == MODULE_REPLACED ||
							  files.files[i].state == MODULE_DELETED);
	return 0;
}

int crash_executable_find(
	const CrashSource *source, const Crash *crash, const Trace *trace, CrashExecutable *ret)
{
	CrashExecutable found = {.flatpak = source->elsewhere ? NULL : crash_flatpak(crash)};
	int module = module_of(trace);
	int r;

	r = found.flatpak ? 0 : sysroot_of(source, crash, &found.sysroot);
	if (r >= 0 && module >= 0) {
		found.told = strdup(trace->modules[module].path);
		r = !found.told	    ? -ENOMEM
		    : found.flatpak ? find_in_flatpak(&trace->modules[module], &found)
				    : find_here(source, crash, trace, (size_t)module, &found);
	}
	if (r < 0) {
		crash_executable_done(&found);
		return r;
	}
	*ret = found;
	return 0;
}

void crash_executable_done(CrashExecutable *executable)
{
	free(executable->file);
	free(executable->told);
	free(executable->sysroot);
	free(executable->flatpak);
	*executable = (CrashExecutable){};
}
