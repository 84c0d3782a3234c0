/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Units, applications and containers from cgroup paths; and whose a process is: an application's
 * name is given only to what is its own, so that a terminal is not blamed for what runs in it. */
#include "survey/identity.h"

#include "common/cleanup.h"
#include "common/text.h"
#include <ctype.h>
#include <locale.h>

#define CONTAINER_ID_LENGTH 64	/* hex digits of a container's id */
#define CONTAINER_ID_SHOWN  12	/* of them, as docker ps shows */
#define NAME_BYTES_MAX	    255 /* of a label: file names in cgroupfs have no more */

char *identity_cgroup(const char *text)
{
	const char *unified = NULL, *named = NULL;

	for (const char *line = text; *line; line += *line == '\n') {
		const char *end = line + strcspn(line, "\n");
		const char *controllers = memchr(line, ':', (size_t)(end - line));
		const char *path =
			controllers ? memchr(controllers + 1, ':', (size_t)(end - controllers - 1))
				    : NULL;
		if (path && path[1] == '/') {
			if (!unified && startswith(line, "0::"))
				unified = path + 1;
			else if (!named && startswith(controllers, ":name=systemd:"))
				named = path + 1;
		}
		line = end;
	}
	bool root = unified && (unified[1] == '\0' || unified[1] == '\n');
	const char *found = unified && !(root && named) ? unified : named;
	return found ? strndup(found, strcspn(found, "\n")) : NULL;
}

static bool is_unit(const char *name, size_t length)
{
	static const char *const suffixes[] = {".service", ".scope"};

	for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
		size_t n = strlen(suffixes[i]);
		if (length > n && memcmp(name + length - n, suffixes[i], n) == 0)
			return true;
	}
	return false;
}

char *identity_unit(const char *cgroup)
{
	const char *found = NULL;
	size_t found_length = 0;

	/* The innermost wins, but what a unit makes below itself (Delegate=, container payloads) is
	 * its own affair: the user manager is the only unit that has units of its own beneath it.
	 */
	for (const char *part = cgroup; *part;) {
		part += strspn(part, "/");
		size_t length = strcspn(part, "/");
		bool manager = length > 5 && memcmp(part, "user@", 5) == 0;

		if (length <= NAME_BYTES_MAX && is_unit(part, length)) {
			found = part;
			found_length = length;
			if (!manager)
				break;
		}
		part += length;
	}
	return found ? strndup(found, found_length) : NULL;
}

/* Cuts "-RANDOM" (scopes) or "@RANDOM" (services) and the ending off; gives the length of what is
 * left. */
static size_t app_body_length(const char *body)
{
	const char *end = endswith(body, ".scope");

	if (end) {
		const char *dash = memrchr(body, '-', (size_t)(end - body));
		return (size_t)((dash ? dash : end) - body);
	}
	end = endswith(body, ".service");
	const char *at = end ? memchr(body, '@', (size_t)(end - body)) : NULL;
	return end ? (size_t)((at ? at : end) - body) : 0;
}

static char *snap_app_id(const char *rest)
{
	/* snap.NAME.APP-UUID.scope, snap.NAME.APP.service: the desktop id is NAME_APP */
	size_t name = strcspn(rest, ".");
	size_t app = rest[name] ? strcspn(rest + name + 1, ".-") : 0;
	char *id;

	if (!name || !app)
		return NULL;
	return asprintf(&id, "%.*s_%.*s", (int)name, rest, (int)app, rest + name + 1) < 0 ? NULL
											  : id;
}

/* "dbus-:1.2-org.gnome.Foo@0.service", as dbus-broker names what it starts: bus, name, counter. An
 * application that the bus starts owns the name of its desktop id
 * (https://specifications.freedesktop.org/desktop-entry-spec/latest/dbus.html). */
static char *bus_app_id(const char *rest)
{
	rest += strspn(rest, "0123456789");
	if (*rest != '.')
		return NULL;
	rest += 1 + strspn(rest + 1, "0123456789");
	const char *end = endswith(rest, ".service");
	if (*rest != '-' || !end)
		return NULL;
	const char *id = rest + 1, *at = memrchr(id, '@', (size_t)(end - id));
	size_t length = (size_t)((at ? at : end) - id);
	return length && memchr(id, '.', length) ? unit_name_unescape(id, length) : NULL;
}

char *identity_app_id(const char *unit)
{
	const char *rest = startswith(unit, "snap.");

	if (rest)
		return snap_app_id(rest);
	rest = startswith(unit, "dbus-:");
	if (rest)
		return bus_app_id(rest);
	rest = startswith(unit, "app-");
	if (!rest)
		return NULL;
	size_t length = app_body_length(rest);
	/* A '-' within launcher or id is escaped as \x2d, so the last plain one parts the two. */
	const char *dash = memrchr(rest, '-', length);
	const char *id = dash ? dash + 1 : rest;
	size_t id_length = length - (size_t)(id - rest);
	return id_length ? unit_name_unescape(id, id_length) : NULL;
}

static size_t hex_run(const char *s)
{
	size_t n = 0;
	while (isxdigit((unsigned char)s[n]))
		n++;
	return n;
}

static char *labelled(const char *kind, const char *name, size_t length)
{
	char *label;
	return asprintf(&label, "%s:%.*s", kind, (int)MIN_OF(length, (size_t)NAME_BYTES_MAX),
		       name) < 0
		       ? NULL
		       : label;
}

typedef struct ContainerForm {
	const char *prefix; /* of one component of the path */
	const char *kind;
	bool hex; /* an id of 64 hex digits follows; else a name up to the unit's ending */
} ContainerForm;

static const ContainerForm container_forms[] = {
	{"docker-", "docker", true},
	{"libpod-payload-", "podman", true},
	{"libpod-", "podman", true},
	{"cri-containerd-", "pod", true},
	{"crio-", "pod", true},
	{"nerdctl-", "container", true},
	{"machine-", "machine", false},
	{"lxc.payload.", "lxc", false},
	{"systemd-nspawn@", "machine", false},
};

static char *container_of_component(const char *part, size_t length, const char *previous)
{
	for (size_t i = 0; i < ELEMENTSOF(container_forms); i++) {
		const ContainerForm *form = &container_forms[i];
		size_t n = strlen(form->prefix);
		if (length <= n || memcmp(part, form->prefix, n) != 0)
			continue;
		if (form->hex) {
			if (hex_run(part + n) == CONTAINER_ID_LENGTH)
				return labelled(form->kind, part + n, CONTAINER_ID_SHOWN);
			continue;
		}
		size_t rest = length - n;
		const char *dot = memrchr(part + n, '.', rest);
		if (dot && is_unit(part, length)) /* "lxc.payload.scope" is a container "scope" */
			rest = (size_t)(dot - part) - n;
		_cleanup_(freep) char *name = unit_name_unescape(part + n, rest);
		return name && *name ? labelled(form->kind, name, strlen(name)) : NULL;
	}
	/* cgroupfs driver: /docker/<64 hex>, /kubepods/…/pod<uid>/<64 hex>; others by any name */
	if (length == CONTAINER_ID_LENGTH && hex_run(part) == CONTAINER_ID_LENGTH && previous)
		return labelled(startswith(previous, "docker/") ? "docker"
				: startswith(previous, "pod")	? "pod"
								: "container",
			part, CONTAINER_ID_SHOWN);
	/* /lxc/NAME and /lxc.payload/NAME of older ones */
	if (previous && (startswith(previous, "lxc/") || startswith(previous, "lxc.payload/")))
		return labelled("lxc", part, length);
	return NULL;
}

char *identity_container(const char *cgroup, const char *unit)
{
	const char *flatpak = unit ? startswith(unit, "app-flatpak-") : NULL;
	const char *snap = unit ? startswith(unit, "snap.") : NULL;
	const char *previous = NULL;

	for (const char *part = cgroup; *part;) {
		part += strspn(part, "/");
		size_t length = strcspn(part, "/");
		char *found = container_of_component(part, length, previous);
		if (found)
			return found;
		if (length)
			previous = part;
		part += length;
	}
	if (flatpak) {
		_cleanup_(freep) char *id = identity_app_id(unit);
		return id ? labelled("flatpak", id, strlen(id)) : NULL;
	}
	return snap ? labelled("snap", snap, strcspn(snap, ".")) : NULL;
}

/* ---- whose it is ----------------------------------------------------------------------------- */

/* Words of ids and folders that name a vendor or nothing at all. */
static bool says_nothing(const char *word, size_t length)
{
	static const char *const words[] = {"org", "com", "net", "gnome", "kde", "linux", "desktop",
		"app", "application", "usr", "bin", "lib", "lib64", "libexec", "share", "local",
		"opt", "home", "snap", "stable", "beta", "google", "mozilla", "apache"};

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strlen(words[i]) == length && strncasecmp(words[i], word, length) == 0)
			return true;
	return length < 3;
}

/* Whether text and other have a word in common that says something: "google-chrome" and "chrome".
 */
static bool share_word(const char *text, size_t length, const char *other)
{
	static const char separators[] = "-_. ";

	for (const char *p = text, *end = text + length; p < end; p++) {
		size_t n = 0;
		while (p + n < end && !strchr(separators, p[n]))
			n++;
		for (const char *q = other; n && !says_nothing(p, n) && *q;) {
			size_t m = strcspn(q, separators);
			if (m == n && strncasecmp(p, q, n) == 0)
				return true;
			q += m + (q[m] != '\0');
		}
		p += n;
	}
	return false;
}

static const char *last_part(const char *text, int separator)
{
	const char *at = strrchr(text, separator);
	return at && at[1] ? at + 1 : text;
}

/* A terminal runs whatever its user likes: only the emulator itself ("gnome-terminal-server" of
 * "gnome-terminal") is its own. */
static bool is_emulator(const char *path, const DesktopEntry *entry)
{
	const char *name = last_part(path, '/');
	const char *rest = entry->program ? startswith(name, last_part(entry->program, '/')) : NULL;

	return rest && (*rest == '\0' || *rest == '-');
}

bool identity_is_own(const char *path, const DesktopEntry *entry)
{
	const char *program = entry->program ? last_part(entry->program, '/') : NULL;
	const char *id = last_part(entry->id, '.');

	if (entry->terminal || !program)
		return is_emulator(path, entry);
	/* /opt/idea/bin/idea.sh starts /opt/idea/bin/fsnotifier */
	size_t folder = (size_t)(program - entry->program);
	if (folder > 1 && !startswith(entry->program, "/usr/bin/") &&
		!startswith(entry->program, "/bin/") && strncmp(path, entry->program, folder) == 0)
		return true;
	if (streq(last_part(path, '/'), program))
		return true;
	for (const char *p = path; *p;) {
		size_t length = strcspn(p, "/");
		bool name = p[length] == '\0';
		/* the file's own name must fit whole: a folder speaks for all that is in it */
		if (length && (name ? strlen(id) == length && strncasecmp(p, id, length) == 0
				    : share_word(p, length, id) || share_word(p, length, program)))
			return true;
		p += length + !name;
	}
	return false;
}

/* ---- all of it, for a row -------------------------------------------------------------------- */

IdentityCache *identity_cache_new(const char *const *dirs, const char *locale)
{
	IdentityCache *cache = calloc(1, sizeof *cache);

	if (!cache)
		return NULL;
	if (!dirs)
		cache->own_dirs = desktop_entry_dirs();
	cache->dirs = dirs ? dirs : (const char *const *)cache->own_dirs;
	cache->locale = locale ? locale : setlocale(LC_MESSAGES, NULL);
	return cache->dirs ? cache : identity_cache_free(cache);
}

IdentityCache *identity_cache_free(IdentityCache *cache)
{
	if (!cache)
		return NULL;
	for (size_t i = 0; i < cache->n; i++) {
		desktop_entry_done(&cache->known[i].entry);
		free(cache->known[i].id);
	}
	(void)desktop_entry_dirs_free(cache->own_dirs);
	free(cache);
	return NULL;
}

const DesktopEntry *identity_desktop_entry(IdentityCache *cache, const char *app_id)
{
	for (size_t i = 0; i < cache->n; i++)
		if (streq(cache->known[i].id, app_id))
			return cache->known[i].found ? &cache->known[i].entry : NULL;
	if (cache->n == IDENTITY_APPS_MAX)
		return NULL;
	IdentityApp *app = &cache->known[cache->n];
	app->id = strdup(app_id);
	if (!app->id)
		return NULL;
	app->found = desktop_entry_find(cache->dirs, app_id, cache->locale, &app->entry) == 0;
	cache->n++;
	return app->found ? &app->entry : NULL;
}

const DesktopEntry *identity_own_entry(IdentityCache *cache, const char *app_id,
	const char *container, const char *exe, const char *arguments)
{
	const DesktopEntry *entry = app_id ? identity_desktop_entry(cache, app_id) : NULL;

	if (!entry || !exe)
		return NULL;
	bool sandboxed =
		container && (startswith(container, "flatpak:") || startswith(container, "snap:"));
	if ((sandboxed && !entry->terminal) || identity_is_own(exe, entry))
		return entry;
	_cleanup_(freep) char *script = identity_script(exe, arguments);
	return script && identity_is_own(script, entry) ? entry : NULL;
}

int survey_identify(SurveyProcess *process, IdentityCache *cache)
{
	if (process->cgroup) {
		process->unit = identity_unit(process->cgroup);
		process->app_id = process->unit ? identity_app_id(process->unit) : NULL;
		process->container = identity_container(process->cgroup, process->unit);
	}
	const DesktopEntry *entry = identity_own_entry(
		cache, process->app_id, process->container, process->exe, process->arguments);
	process->app_name = entry ? strdup(entry->name)
				  : identity_program(process->exe, process->arguments,
					    process->comm, process->pid);
	return process->app_name ? 0 : -ENOMEM;
}
