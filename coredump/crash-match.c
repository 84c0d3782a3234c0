/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people type to choose crashes, into matches of the index: the same at the terminal and over
 * the bus. */
#include "coredump/crash-match.h"

#include "common/text.h"
#include <stdio.h>

#define COMM_BYTES 15 /* what the kernel keeps of a name */

int crash_matches_add_field(CrashMatches *matches, const char *field, const char *value, bool glob)
{
	if (matches->n == CRASH_MATCHES_MAX)
		return -E2BIG;
	matches->rows[matches->n++] = (CrashMatch){.field = field, .value = value, .glob = glob};
	return 0;
}

/* The same with a value that is made here. */
static int add_made(CrashMatches *matches, const char *field, char *value, bool glob)
{
	int r = value ? crash_matches_add_field(matches, field, value, glob) : -ENOMEM;

	if (r < 0) {
		free(value);
		return r;
	}
	matches->owned[matches->n - 1] = value;
	return 0;
}

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* The index's own name of a field, so that one field typed in two spellings is one field, whose
 * matches are alternatives. NULL: it has none. */
static const char *canonical_field(const char *name)
{
	static const char *const spellings[][2] = {{"COREDUMP_PID", "pid"}, {"COREDUMP_UID", "uid"},
		{"COREDUMP_GID", "gid"}, {"COREDUMP_SIGNAL", "signal"},
		{"COREDUMP_SIGNAL_NAME", "signal"}, {"_BOOT_ID", "boot"},
		{"_MACHINE_ID", "machine"}, {"_HOSTNAME", "hostname"}};
	const CrashText *text = crash_text_find(name);

	for (size_t i = 0; i < ELEMENTSOF(spellings); i++)
		if (streq(name, spellings[i][0]))
			return spellings[i][1];
	return text ? text->key : NULL;
}

/* FIELD=VALUE: the name has to be kept apart from the value, so one copy holds both. */
static int add_field_match(CrashMatches *matches, const char *argument, const char *equals)
{
	char *copy;
	int r;

	if (equals == argument)
		return -EINVAL;
	copy = strdup(argument);
	if (!copy)
		return -ENOMEM;
	copy[equals - argument] = '\0';
	const char *value = copy + (equals - argument) + 1;
	const char *known = canonical_field(copy);
	r = crash_matches_add_field(matches, known ? known : copy, value, is_pattern(value));
	if (r < 0) {
		free(copy);
		return r;
	}
	matches->owned[matches->n - 1] = copy;
	return 0;
}

static int add_path(CrashMatches *matches, const char *argument, const char *directory)
{
	char *absolute;

	if (argument[0] == '/')
		return crash_matches_add_field(matches, "exe", argument, is_pattern(argument));
	if (!directory)
		return -EINVAL;
	if (startswith(argument, "./"))
		argument += 2;
	if (asprintf(&absolute, "%s/%s", directory, argument) < 0)
		return -ENOMEM;
	return add_made(matches, "exe", absolute, is_pattern(argument));
}

int crash_matches_add(CrashMatches *matches, const char *argument, const char *directory)
{
	const char *equals = strchr(argument, '=');
	uint64_t pid;

	if (equals)
		return add_field_match(matches, argument, equals);
	if (strchr(argument, '/'))
		return add_path(matches, argument, directory);
	if (parse_u64(argument, INT32_MAX, &pid) == 0)
		return crash_matches_add_field(matches, "pid", argument, false);
	/* The journal's name of a program is cut; its path is not. */
	if (strlen(argument) > COMM_BYTES)
		return crash_matches_add_field(matches, "program", argument, is_pattern(argument));
	return crash_matches_add_field(matches, "comm", argument, is_pattern(argument));
}

void crash_matches_done(CrashMatches *matches)
{
	for (size_t i = 0; i < matches->n; i++)
		free(matches->owned[i]);
	*matches = (CrashMatches){};
}
