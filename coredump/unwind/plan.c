/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caller wrote it, out of names that a core gave: sizes and types are checked all the same. */
#include "coredump/unwind/plan.h"

#include "common/cleanup.h"
#include "common/io.h"
#include "common/json.h"
#include "common/words.h"
#include <string.h>

void plan_done(Plan *plan)
{
	for (size_t i = 0; i < plan->n_modules; i++) {
		free(plan->module[i].file);
		words_free(plan->module[i].debug_files);
		words_free(plan->module[i].alt_files);
	}
	free(plan->module);
	*plan = (Plan){};
}

/* Absolute paths only: relative ones would mean whatever folder this runs in. */
static const char *path_of(const json_t *value)
{
	const char *path = json_string_value(value);

	return path && path[0] == '/' && strlen(path) == json_string_length(value) ? path : NULL;
}

static int read_paths(const json_t *array, char ***ret)
{
	size_t n = MIN_OF(json_array_size(array), (size_t)PLAN_FILES_MAX);

	if (n == 0)
		return 0;
	*ret = calloc(n + 1, sizeof **ret);
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *path = path_of(json_array_get(array, i));
		if (!path)
			return -EBADMSG;
		(*ret)[i] = strdup(path);
		if (!(*ret)[i])
			return -ENOMEM;
	}
	return 0;
}

static int read_module(const json_t *row, Plan *plan)
{
	const json_t *file = json_object_get(row, "file"), *index = json_object_get(row, "index");
	json_int_t at = json_integer_value(index);
	int r;

	if (!json_is_integer(index) || at < 0 || (size_t)at >= plan->n_modules)
		return -EBADMSG;
	PlanModule *module = &plan->module[at];
	if (module->file || module->debug_files || module->alt_files)
		return -EBADMSG;
	if (file && !json_is_null(file)) {
		const char *path = path_of(file);
		if (!path)
			return -EBADMSG;
		module->file = strdup(path);
		if (!module->file)
			return -ENOMEM;
	}
	r = read_paths(json_object_get(row, "debugFiles"), &module->debug_files);
	return r < 0 ? r : read_paths(json_object_get(row, "altFiles"), &module->alt_files);
}

int plan_read(int fd, Plan *ret)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(plan_donep) Plan plan = {};
	int r;

	if (lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE)
		return -errno;
	ssize_t n = read_fd_max(fd, PLAN_JSON_MAX, &text);
	if (n < 0)
		return (int)n;
	_cleanup_(json_decrefp) json_t *root = json_loadb(text, (size_t)n, 0, NULL);
	const json_t *rows = json_object_get(root, "modules");
	if (json_integer_value(json_object_get(root, "version")) != 1 || !json_is_array(rows))
		return -EBADMSG;
	plan.module = calloc(TRACE_MODULES_MAX, sizeof *plan.module);
	if (!plan.module)
		return -ENOMEM;
	plan.n_modules = TRACE_MODULES_MAX;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		r = read_module(json_array_get(rows, i), &plan);
		if (r < 0)
			return r;
	}
	*ret = plan;
	plan = (Plan){};
	return 0;
}

const PlanModule *plan_module(const Plan *plan, size_t index)
{
	return index < plan->n_modules ? &plan->module[index] : NULL;
}
