/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for processes, decided from text alone. */
#include "survey/identity.h"

#include "common/cleanup.h"
#include "common/text.h"
#include <ctype.h>

#define CONTAINER_ID_SHOWN 12 /* hex digits, as docker ps shows them */

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

		if (is_unit(part, length)) {
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

char *identity_app_id(const char *unit)
{
	const char *rest = startswith(unit, "snap.");

	if (rest)
		return snap_app_id(rest);
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
	return asprintf(&label, "%s:%.*s", kind, (int)length, name) < 0 ? NULL : label;
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
			if (hex_run(part + n) >= CONTAINER_ID_SHOWN)
				return labelled(form->kind, part + n, CONTAINER_ID_SHOWN);
			continue;
		}
		size_t rest = length - n;
		if (is_unit(part, length))
			rest = (size_t)((const char *)memrchr(part, '.', length) - part) - n;
		_cleanup_(freep) char *name = unit_name_unescape(part + n, rest);
		return name ? labelled(form->kind, name, strlen(name)) : NULL;
	}
	/* cgroupfs driver: /docker/<64 hex>, /kubepods/…/pod<uid>/<64 hex> */
	if (length == 64 && hex_run(part) == 64 && previous)
		return labelled(startswith(previous, "docker/") ? "docker" : "pod", part,
			CONTAINER_ID_SHOWN);
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
		previous = part;
		part += length;
	}
	if (flatpak) {
		_cleanup_(freep) char *id = identity_app_id(unit);
		return id ? labelled("flatpak", id, strlen(id)) : NULL;
	}
	return snap ? labelled("snap", snap, strcspn(snap, ".")) : NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

/* node, python3.11, java, … : a name that says nothing about the program it runs. */
static bool is_interpreter(const char *name)
{
	static const char *const stems[] = {"python", "node", "nodejs", "perl", "ruby", "java",
		"php", "bun", "deno", "electron", "lua", "bash", "sh", "dash", "zsh"};

	for (size_t i = 0; i < ELEMENTSOF(stems); i++) {
		const char *rest = startswith(name, stems[i]);
		if (rest && rest[strspn(rest, "0123456789.")] == '\0')
			return true;
	}
	return false;
}

/* The script in an interpreter's command line: its first argument that is no option, nor code given
 * by -c or -e. */
static const char *script_in(const char *cmdline, size_t *ret_length)
{
	const char *p = cmdline + strcspn(cmdline, " ");

	while (*p) {
		p += strspn(p, " ");
		size_t length = strcspn(p, " ");
		if (length == 2 && p[0] == '-' && strchr("ce", p[1]))
			return NULL;
		if (length == 2 && p[0] == '-' && p[1] == 'm') {
			p += length + strspn(p + length, " ");
			*ret_length = strcspn(p, " ");
			return *ret_length ? p : NULL;
		}
		if (length && p[0] != '-') {
			const char *slash = memrchr(p, '/', length);
			const char *name = slash && slash + 1 < p + length ? slash + 1 : p;
			*ret_length = length - (size_t)(name - p);
			return name;
		}
		p += length;
	}
	return NULL;
}

char *identity_program(const char *exe, const char *cmdline, const char *comm, pid_t pid)
{
	char *name;

	if (!exe && comm)
		return strdup(comm);
	if (!exe)
		return asprintf(&name, "pid %d", pid) < 0 ? NULL : name;
	const char *program = base_name(exe);
	size_t length = 0;
	const char *script =
		cmdline && is_interpreter(program) ? script_in(cmdline, &length) : NULL;
	if (!script)
		return strdup(program);
	return asprintf(&name, "%s (%.*s)", program, (int)MIN_OF(length, (size_t)64), script) < 0
		       ? NULL
		       : name;
}

int survey_identify(SurveyProcess *process)
{
	if (process->cgroup) {
		process->unit = identity_unit(process->cgroup);
		process->app_id = process->unit ? identity_app_id(process->unit) : NULL;
		process->container = identity_container(process->cgroup, process->unit);
	}
	process->app_name =
		identity_program(process->exe, process->cmdline, process->comm, process->pid);
	return process->app_name ? 0 : -ENOMEM;
}
