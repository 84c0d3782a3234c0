/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for programs that are gone. The same rules as for living ones, see identity.c. */
#include "survey/crash-app.h"

#include "common/text.h"

/* Browsers and what is built on them run pages and plug-ins in processes of their own, which the
 * rest outlives: Chromium's and Electron's say --type=renderer, Firefox' -contentproc. */
static bool is_part(const char *cmdline)
{
	return cmdline && (strstr(cmdline, " --type=") || strstr(cmdline, " -contentproc"));
}

/* A service that was written down, and not one that somebody made for the moment: those are gone
 * with their program. */
static bool is_lasting_service(const char *unit)
{
	static const char *const fleeting[] = {"app-", "run-", "dbus-:", "snap.", "user@"};

	for (size_t i = 0; i < ELEMENTSOF(fleeting); i++)
		if (startswith(unit, fleeting[i]))
			return false;
	return endswith(unit, ".service") != NULL;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static char *unit_of(const CrashAppSource *source)
{
	if (source->user_unit && source->user_unit[0])
		return strdup(source->user_unit);
	char *unit = source->cgroup ? identity_unit(source->cgroup) : NULL;
	return unit ? unit : copy(source->unit);
}

/* The words of a command line as systemd writes it down (joined by spaces, quoted as for a shell
 * where need be: "a b", 'a b', $'a\tb'), in the form of SurveyProcess.arguments: a NUL behind each,
 * one more behind the last. NULL: no memory, or nothing. */
static char *split(const char *cmdline)
{
	char *words = calloc(1, strlen(cmdline) + 2), *out = words;
	char quote = '\0';

	if (!words)
		return NULL;
	for (const char *p = cmdline; *p; p++) {
		if (!quote && *p == ' ')
			*out++ = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
		else if (!quote && *p == '$' && p[1] == '\'')
			continue;
		else if (quote && *p == quote)
			quote = '\0';
		else if (*p == '\\' && p[1] && quote != '\0')
			*out++ = *++p;
		else
			*out++ = *p;
	}
	return words;
}

int crash_app_find(IdentityCache *cache, const CrashAppSource *source, CrashApp *ret)
{
	CrashApp app = {.unit = unit_of(source)};
	_cleanup_(freep) char *app_id = app.unit ? identity_app_id(app.unit) : NULL;
	_cleanup_(freep) char *arguments = source->cmdline ? split(source->cmdline) : NULL;
	_cleanup_(freep) char *script = identity_script(source->exe, arguments);
	const DesktopEntry *entry = app_id ? identity_desktop_entry(cache, app_id) : NULL;

	app.container = source->cgroup ? identity_container(source->cgroup, app.unit) : NULL;
	app.interpreted = script != NULL;
	const DesktopEntry *own =
		identity_own_entry(cache, app_id, app.container, source->exe, arguments);
	if (own) {
		app.app_id = copy(app_id);
		app.icon = copy(own->icon);
		app.part = is_part(source->cmdline);
		app.name = strdup(own->name);
	} else {
		app.name = identity_program(source->exe, arguments, source->comm, source->pid);
		app.inside = entry && !entry->terminal ? strdup(entry->name) : NULL;
	}
	app.service = !own && source->user_unit && is_lasting_service(source->user_unit);
	if (!app.name || (own && !app.app_id)) {
		crash_app_done(&app);
		return -ENOMEM;
	}
	*ret = app;
	return 0;
}

void crash_app_done(CrashApp *app)
{
	free(app->name);
	free(app->icon);
	free(app->app_id);
	free(app->inside);
	free(app->unit);
	free(app->container);
	*app = (CrashApp){};
}
