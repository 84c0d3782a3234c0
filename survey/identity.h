/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who a process is to a person: its unit, its desktop application, its container, and a name for
 * it. All from the cgroup path, the executable and the command line; systemd's rules for unit names
 * are in systemd.unit(5), those for application units in https://systemd.io/DESKTOP_ENVIRONMENTS/.
 * Foreign text: results are bounded and raw. */
#include "common/cleanup.h"
#include "survey/desktop-entry.h"
#include "survey/survey.h"

/* The path in the text of /proc/PID/cgroup ("ID:CONTROLLERS:PATH" a line, cgroups(7)): the unified
 * hierarchy's, but systemd's named one where the unified one says only "/" (hybrid, v1). NULL:
 * none. Caller frees. Pure. */
char *identity_cgroup(const char *text);
/* The innermost unit of a cgroup path, a user's before the system's
 * ("…/user@1000.service/app.slice/foo.service" → foo.service). NULL: none. Caller frees. Pure. */
char *identity_unit(const char *cgroup);
/* The application id of a unit name: app[-LAUNCHER]-APPID[@RANDOM].service,
 * app[-LAUNCHER]-APPID-RANDOM.scope, dbus-:BUS-NAME@N.service, snap.NAME.…, with \xNN undone. NULL:
 * no application unit. Caller frees. Pure. */
char *identity_app_id(const char *unit);
/* "docker:1f2e3d4c5b6a", "podman:…", "machine:NAME", "lxc:NAME", "flatpak:ID", "snap:NAME",
 * "pod:…"; NULL: none. Caller frees. Pure. */
char *identity_container(const char *cgroup, const char *unit);
/* What a person would call it by what it runs: the executable's name, the script of an interpreter
 * ("node (vite)", "java (com.x.Main)", or what it wrote over its command line: "node (npm)"), the
 * kernel's name, "pid N". arguments: as SurveyProcess has them, may be NULL. Never NULL but without
 * memory. Caller frees. Pure. */
char *identity_program(const char *exe, const char *arguments, const char *comm, pid_t pid);
/* The script, module, jar or class that an interpreter runs, as its command line has it. NULL: exe
 * is no interpreter, or runs none. Caller frees. Pure. */
char *identity_script(const char *exe, const char *arguments);
/* Whether the program (or script) at path is the application's own rather than something started in
 * it: the file that Exec= names, one beside it or in a folder called like the application. In a
 * terminal emulator only the emulator is. Pure. */
bool identity_is_own(const char *path, const DesktopEntry *entry);

#define IDENTITY_APPS_MAX                                                                          \
	256 /* a survey that meets more shows the rest by their program's name                     \
	     */

typedef struct IdentityApp {
	char *id;
	bool found;
	DesktopEntry entry;
} IdentityApp;

/* Desktop entries met, each looked up once, those that are missing too. Not thread-safe. */
typedef struct IdentityCache {
	const char *const *dirs; /* borrowed, or own_dirs */
	char **own_dirs;
	const char *locale; /* borrowed */
	IdentityApp known[IDENTITY_APPS_MAX];
	size_t n;
} IdentityCache;

/* dirs: NULL-terminated, borrowed for the cache's life; NULL: desktop_entry_dirs(). locale:
 * borrowed; NULL: setlocale(LC_MESSAGES, NULL). NULL: no memory. */
IdentityCache *identity_cache_new(const char *const *dirs, const char *locale);
IdentityCache *identity_cache_free(IdentityCache *cache); /* takes NULL, gives NULL */
DEFINE_CLEANUP(IdentityCache *, identity_cache_free)
/* The entry of an application id; NULL: none. Owned by the cache. */
const DesktopEntry *identity_desktop_entry(IdentityCache *cache, const char *app_id);
/* The entry of app_id if the program is the application's own: see identity_is_own(); in a flatpak
 * or snap (container as of identity_container()) all of it is. NULL: it is not, or there is none.
 * Owned by the cache. All but cache may be NULL. */
const DesktopEntry *identity_own_entry(IdentityCache *cache, const char *app_id,
	const char *container, const char *exe, const char *arguments);

/* Fills unit, app_id, container and app_name of a row. 0 or -ENOMEM. */
int survey_identify(SurveyProcess *process, IdentityCache *cache);
