/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/package-owner.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "common/words.h"
#include "coredump/child.h"
#include <string.h>

#define OUTPUT_MAX    ((size_t)4 * 1024 * 1024)
#define ARGUMENTS_MAX ((size_t)256 * 1024) /* bytes of all paths, of execve(2)'s 2 MiB */
#define NOTE_TEXT_MAX 256

/* ---- notes ----------------------------------------------------------------------------------- */

static int copy_text(const json_t *note, const char *key, char **ret)
{
	const char *text = json_string_value(json_object_get(note, key));

	if (!text || !*text || strlen(text) > NOTE_TEXT_MAX)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int package_note_parse(const json_t *note, char **ret_package, char **ret_version)
{
	_cleanup_(freep) char *package = NULL, *version = NULL;
	int r;

	r = copy_text(note, "name", &package);
	if (r >= 0 && package)
		r = copy_text(note, "version", &version);
	if (r < 0)
		return r;
	*ret_package = TAKE_PTR(package);
	*ret_version = TAKE_PTR(version);
	return 0;
}

static int take_note(TraceModule *module, const json_t *note)
{
	return module->package ? 0 : package_note_parse(note, &module->package, &module->version);
}

/* That of the file itself, if it is the one that crashed; else what systemd found in the process.
 */
static int take_notes(const ModuleFiles *files, const Crash *crash, Trace *trace)
{
	_cleanup_(json_decrefp) json_t *told =
		crash->package ? json_loads(crash->package, 0, NULL) : NULL;
	int r = 0;

	for (size_t i = 0; i < trace->n_modules && r >= 0; i++) {
		const char *text = i < files->n ? files->files[i].package_note : NULL;
		_cleanup_(json_decrefp) json_t *own = text ? json_loads(text, 0, NULL) : NULL;
		r = take_note(&trace->modules[i], own);
		if (r >= 0 && trace->modules[i].path)
			r = take_note(
				&trace->modules[i], json_object_get(told, trace->modules[i].path));
	}
	return r;
}

/* ---- package managers ------------------------------------------------------------------------ */

/* 1 with its answer; 0: it has none; -ENOMEM. Some leave with a failure as soon as one path is
 * nobody's. */
static int run(const char *program, char *const *arguments, usec_t deadline, ChildResult *ret)
{
	static const char *const environment[] = {"LC_ALL=C", "PATH=/usr/bin:/bin", NULL};
	usec_t now = now_usec(CLOCK_MONOTONIC);
	int r;

	if (!arguments)
		return -ENOMEM;
	if (now >= deadline)
		return 0;
	r = child_run(&(ChildRequest){.path = program,
			      .argv = (const char *const *)arguments,
			      .environment = environment,
			      .max_output = OUTPUT_MAX,
			      .timeout_usec = deadline - now},
		ret);
	if (r < 0 && r != -ENOENT)
		log_debug_errno(r, "Asking '%s' failed, ignoring: %m", program);
	return r < 0 ? (r == -ENOMEM ? r : 0) : 1;
}

typedef struct Manager {
	const char *program;
	char **(*arguments)(const char *const *paths, size_t n);
	int (*take)(const char *text, const char *const *paths, size_t n, PackageOwner *owners);
	bool versions_apart;
} Manager;

/* Whichever is there: one whose database is empty knows nothing, and the next is asked. */
static const Manager managers[] = {
	{"/usr/bin/dpkg-query", dpkg_owner_arguments, dpkg_take_owners, true},
	{"/usr/bin/rpm", rpm_arguments, rpm_take, false},
	{"/usr/bin/pacman", pacman_arguments, pacman_take, false},
};

static int ask_versions(const Manager *manager, size_t n, usec_t deadline, PackageOwner *owners)
{
	_cleanup_(words_freep) char **arguments = dpkg_version_arguments(owners, n);
	ChildResult answer = {};
	int r;

	r = run(manager->program, arguments, deadline, &answer);
	if (r > 0)
		r = dpkg_take_versions(answer.output, owners, n);
	child_result_done(&answer);
	package_owners_plain(owners, n);
	return r;
}

/* How many of the paths are some package's, or -errno. */
static int ask_manager(const Manager *manager, const char *const *paths, size_t n, usec_t deadline,
	PackageOwner *owners)
{
	_cleanup_(words_freep) char **arguments = manager->arguments(paths, n);
	ChildResult answer = {};
	int found = 0, r;

	r = run(manager->program, arguments, deadline, &answer);
	if (r > 0)
		r = manager->take(answer.output, paths, n, owners);
	child_result_done(&answer);
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	for (size_t i = 0; i < n; i++)
		found += owners[i].package != NULL;
	if (found > 0 && manager->versions_apart)
		r = ask_versions(manager, n, deadline, owners);
	return r < 0 ? r : found;
}

int package_owners_ask(
	const char *const *paths, size_t n, usec_t timeout_usec, PackageOwner *owners)
{
	usec_t deadline = now_usec(CLOCK_MONOTONIC) + timeout_usec;
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(managers) && r == 0; i++)
		r = ask_manager(&managers[i], paths, n, deadline, owners);
	return r < 0 ? r : r > 0 ? 0 : -ENOPKG;
}

/* ---- modules --------------------------------------------------------------------------------- */

/* What is on disk is what crashed, as far as one can tell. */
static bool is_current(TraceModuleState state)
{
	return state == MODULE_PRESENT || state == MODULE_UNPROVEN;
}

typedef struct Question {
	const char **paths;
	size_t *modules; /* whose they are */
	size_t n;
} Question;

static void question_done(Question *question)
{
	free(question->paths);
	free(question->modules);
}

static int collect(const ModuleFiles *files, const Trace *trace, Question *ret)
{
	size_t bytes = 0;

	*ret = (Question){.paths = calloc(trace->n_modules + 1, sizeof *ret->paths),
		.modules = calloc(trace->n_modules + 1, sizeof *ret->modules)};
	if (!ret->paths || !ret->modules)
		return -ENOMEM;
	for (size_t i = 0; i < MIN_OF(trace->n_modules, files->n); i++) {
		const ModuleFile *file = &files->files[i];
		const char *path =
			is_current(file->state) && file->file ? file->file : trace->modules[i].path;
		if (trace->modules[i].package || !path || !package_path_is_fit(path))
			continue;
		bytes += strlen(path) + 16;
		if (bytes > ARGUMENTS_MAX)
			break;
		ret->modules[ret->n] = i;
		ret->paths[ret->n++] = path;
	}
	return 0;
}

static int ask(const ModuleFiles *files, Trace *trace)
{
	_cleanup_(question_done) Question question;
	int r;

	r = collect(files, trace, &question);
	if (r < 0 || question.n == 0)
		return r;
	PackageOwner *owners = calloc(question.n, sizeof *owners);
	if (!owners)
		return -ENOMEM;
	r = package_owners_ask(question.paths, question.n, PACKAGE_TIMEOUT_USEC, owners);
	for (size_t i = 0; i < question.n && r >= 0; i++) {
		TraceModule *module = &trace->modules[question.modules[i]];
		module->package = TAKE_PTR(owners[i].package);
		if (is_current(files->files[question.modules[i]].state))
			module->version = TAKE_PTR(owners[i].version);
	}
	package_owners_free(owners, question.n);
	return r == -ENOPKG ? 0 : r;
}

int package_owners_find(const ModuleFiles *files, const Crash *crash, bool local, Trace *trace)
{
	int r;

	r = take_notes(files, crash, trace);
	return r < 0 || !local ? r : ask(files, trace);
}
