/* SPDX-License-Identifier: GPL-2.0-or-later */
/* COREDUMP_PACKAGE_JSON: {"elfType": "coredump", "/usr/bin/foo": {"type": "deb", "name": "foo",
 * "version": "1.2-3", "buildId": "…"}, "libc.so.6": {…}}; a module is named as the core maps it. */
#include "coredump/crash-version.h"

#include "common/text.h"

static char *bounded(const char *version)
{
	return version && *version ? strndup(version, CRASH_VERSION_MAX) : NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The entry of the executable: by its path, else by its name without folders. */
static const json_t *executable_of(json_t *packages, const char *exe)
{
	const json_t *entry = json_object_get(packages, exe), *value;
	const char *name;

	if (entry)
		return entry;
	json_object_foreach (packages, name, value)
		if (json_is_object(value) && streq(base_name(name), base_name(exe)))
			return value;
	return NULL;
}

char *crash_version(const Crash *crash)
{
	const char *told =
		json_string_value(json_object_get(crash->fields, "COREDUMP_PACKAGE_VERSION"));

	if (told || !crash->package || !crash->exe)
		return bounded(told);
	_cleanup_(json_decrefp) json_t *packages = json_loads(crash->package, 0, NULL);
	const json_t *entry = packages ? executable_of(packages, crash->exe) : NULL;
	return bounded(json_string_value(json_object_get(entry, "version")));
}
