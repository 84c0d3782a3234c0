/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which reporter, and how it is told. */
#include "coredump/reporter.h"

#include "common/cleanup.h"
#include "common/text.h"
#include "common/words.h"
#include "coredump/drkonqi.h"
#include <glob.h>
#include <limits.h>

void reporter_done(Reporter *reporter)
{
	words_free(reporter->argv);
	words_free(reporter->environment);
	free(reporter->input);
	*reporter = (Reporter){};
}

static int choose_drkonqi(const ReporterSetup *setup, const Crash *crash, Reporter *ret)
{
	_cleanup_(freep) char *path = NULL, *variable = NULL;
	int r;

	r = drkonqi_write(setup, crash, &path);
	if (r < 0)
		return r;
	if (asprintf(&variable, "DRKONQI_METADATA_FILE=%s", path) < 0) {
		variable = NULL;
		return -ENOMEM;
	}
	const char *const environment[] = {"DRKONQI_BACKEND=COREDUMPD", variable, NULL};
	ret->kind = REPORTER_DRKONQI;
	ret->argv = drkonqi_arguments(setup->drkonqi, crash->kcrash);
	ret->environment = words_copy(environment);
	return ret->argv && ret->environment ? 0 : -ENOMEM;
}

static int choose_builtin(const Crash *crash, Reporter *ret)
{
	char id[CRASH_ID_DIGITS + 1];
	const char *const argv[] = {"vigil", "--wait", "crash", "report", id, NULL};

	(void)crash_short_id(crash, id);
	ret->kind = REPORTER_BUILTIN;
	ret->argv = words_copy(argv);
	ret->terminal = true;
	return ret->argv ? 0 : -ENOMEM;
}

/* ---- a command ------------------------------------------------------------------------------ */

static void add_variable(char **environment, const char *name, const char *value)
{
	_cleanup_(freep) char *safe = value && value[0] ? escaped_terminal(value) : NULL;
	size_t n = 0;

	if (!safe)
		return;
	while (environment[n])
		n++;
	if (asprintf(&environment[n], "VIGIL_CRASH_%s=%s", name, safe) < 0)
		environment[n] = NULL;
}

static void add_number(char **environment, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	add_variable(environment, name, text);
}

static char **command_environment(const Crash *crash)
{
	char **environment = calloc(16, sizeof *environment), id[CRASH_ID_DIGITS + 1];
	char name[16], program[32];

	if (!environment)
		return NULL;
	(void)crash_short_id(crash, id);
	add_variable(environment, "ID", id);
	add_variable(environment, "PROGRAM", crash_program(crash, program));
	add_variable(environment, "EXE", crash->exe);
	add_variable(environment, "COMM", crash->comm);
	if (crash->pid)
		add_number(environment, "PID", (uint64_t)crash->pid);
	if (crash->uid != CRASH_UID_UNKNOWN)
		add_number(environment, "UID", crash->uid);
	if (crash->signal)
		add_number(environment, "SIGNAL", (uint64_t)crash->signal);
	add_variable(environment, "SIGNAL_NAME", crash_signal_name(crash->signal, name));
	if (crash->when_realtime)
		add_number(environment, "TIMESTAMP", crash->when_realtime);
	add_variable(environment, "UNIT", crash->user_unit ? crash->user_unit : crash->unit);
	add_variable(environment, "CORE_FILE", crash->core_file);
	add_variable(environment, "HOSTNAME", crash->hostname);
	add_variable(environment, "BOOT_ID", crash->boot_id);
	add_variable(environment, "MACHINE_ID", crash->machine_id);
	return environment;
}

static char *command_input(const Crash *crash)
{
	_cleanup_(json_decrefp) json_t *json = crash_to_json(crash, true);
	_cleanup_(freep) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	char *line;

	return text && asprintf(&line, "%s\n", text) >= 0 ? line : NULL;
}

static int choose_command(const ReporterSetup *setup, const Crash *crash, Reporter *ret)
{
	if (!setup->command || !setup->command[0])
		return -EINVAL;
	ret->kind = REPORTER_COMMAND;
	ret->argv = words_copy(setup->command);
	ret->environment = command_environment(crash);
	ret->input = command_input(crash);
	return ret->argv && ret->environment && ret->input ? 0 : -ENOMEM;
}

int reporter_choose(const ReporterSetup *setup, const Crash *crash, Reporter *ret)
{
	Reporter reporter = {};
	bool drkonqi = setup->choice <= REPORTER_DRKONQI && drkonqi_takes(setup, crash);
	int r;

	if (drkonqi)
		r = choose_drkonqi(setup, crash, &reporter);
	else if (setup->choice == REPORTER_DRKONQI)
		return -ENOENT;
	else if (setup->choice == REPORTER_COMMAND)
		r = choose_command(setup, crash, &reporter);
	else
		r = choose_builtin(crash, &reporter);
	if (r < 0) {
		reporter_done(&reporter);
		return r;
	}
	*ret = reporter;
	return 0;
}

/* ---- what DrKonqi is told of the entry ------------------------------------------------------- */

static void add_field(json_t *fields, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	json_add_string(fields, name, text);
}

static void add_known(json_t *fields, const char *name, const char *value)
{
	json_add_string(fields, name, value && value[0] ? value : NULL);
}

json_t *reporter_journal_fields(const Crash *crash)
{
	json_t *fields = json_object();
	char name[16];

	if (!fields || (crash->fields && json_object_update(fields, crash->fields) < 0)) {
		json_decref(fields);
		return NULL;
	}
	for (size_t i = 0; i < crash_n_texts; i++)
		json_add_string(fields, crash_texts[i].field, crash_text(crash, &crash_texts[i]));
	add_field(fields, "COREDUMP_PID", (uint64_t)crash->pid);
	if (crash->uid != CRASH_UID_UNKNOWN)
		add_field(fields, "COREDUMP_UID", crash->uid);
	if (crash->gid != (gid_t)-1)
		add_field(fields, "COREDUMP_GID", crash->gid);
	add_field(fields, "COREDUMP_SIGNAL", (uint64_t)crash->signal);
	add_known(fields, "COREDUMP_SIGNAL_NAME", crash_signal_name(crash->signal, name));
	add_field(fields, "COREDUMP_TIMESTAMP", crash->when_realtime);
	if (crash->truncated)
		json_add_string(fields, "COREDUMP_TRUNCATED", "1");
	if (crash->dumpable >= 0)
		add_field(fields, "COREDUMP_DUMPABLE", (uint64_t)crash->dumpable);
	json_add_string(fields, "MESSAGE_ID", CRASH_MESSAGE_ID_COREDUMP);
	add_known(fields, "_BOOT_ID", crash->boot_id);
	add_known(fields, "_MACHINE_ID", crash->machine_id);
	add_known(fields, "_DRKONQI_SD_CURSOR", crash->cursor);
	return fields;
}

/* ---- where it is ----------------------------------------------------------------------------- */

static char *find_in(const char *root, const char *folder, size_t length)
{
	char path[PATH_MAX];

	if (folder[0] != '/' ||
		(size_t)snprintf(path, sizeof path, "%s%.*s/drkonqi", root,
			(int)MIN_OF(length, (size_t)PATH_MAX), folder) >= sizeof path)
		return NULL;
	return access(path, X_OK) == 0 ? strdup(path) : NULL;
}

/* Debian's folder is named by the machine's triplet. */
static char *find_by_pattern(const char *root, const char *pattern)
{
	char path[PATH_MAX];
	glob_t found = {};
	char *first = NULL;

	(void)snprintf(path, sizeof path, "%s%s/drkonqi", root, pattern);
	if (glob(path, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !first; i++)
			if (access(found.gl_pathv[i], X_OK) == 0)
				first = strdup(found.gl_pathv[i]);
	globfree(&found);
	return first;
}

char *reporter_find_drkonqi(const char *root, const char *libexec_path)
{
	static const char *const patterns[] = {"/usr/lib/*-linux-*/libexec", "/usr/libexec",
		"/usr/libexec/kf6", "/usr/libexec/kf5", "/usr/lib/libexec", "/usr/lib64/libexec",
		"/usr/lib", "/usr/lib*/kf6", "/usr/lib*/kf5", "/usr/local/libexec",
		"/run/current-system/sw/libexec"};
	char *path = NULL;

	for (const char *at = libexec_path; at && *at && !path; at += strspn(at, ":")) {
		size_t length = strcspn(at, ":");
		path = find_in("", at, length);
		at += length;
	}
	for (size_t i = 0; i < ELEMENTSOF(patterns) && !path; i++)
		path = find_by_pattern(root, patterns[i]);
	return path;
}

unsigned reporter_parse_version(const char *output)
{
	const char *digits = output + strcspn(output, "0123456789");
	uint64_t major;

	return parse_u64_prefix(digits, &digits, &major) == 0 && *digits == '.' && major < 100
		       ? (unsigned)major
		       : 0;
}
