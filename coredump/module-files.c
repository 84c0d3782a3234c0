/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names under which debug files are looked for are those of gdb ("Separate Debug Files") and
 * libdwfl (dwfl_standard_find_debuginfo()). What is found is told by its real path, as the kernel
 * has it: no symlink is left in it to be followed later. */
#include "coredump/module-files.h"

#include "common/text.h"
#include "common/words.h"
#include "coredump/beneath.h"
#include "coredump/module-facts.h"
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Search {
	const ModulePlaces *places;
	const TraceModule *module;
	const ModuleFacts *facts; /* of its own file; NULL: not known */
	ModuleFile *found;
} Search;

/* The path of an open file, from this machine's root. NULL: it has none any more, or one that JSON
 * cannot hold. Caller frees. */
static char *real_path(int fd)
{
	char self[64], path[PATH_MAX];
	struct stat by_fd, by_path;

	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(self, path, sizeof path);
	if (n <= 0 || n == sizeof path || path[0] != '/')
		return NULL;
	path[n] = '\0';
	if (fstat(fd, &by_fd) < 0 || stat(path, &by_path) < 0 || by_fd.st_dev != by_path.st_dev ||
		by_fd.st_ino != by_path.st_ino)
		return NULL;
	_cleanup_(json_decrefp) json_t *text = json_string(path);
	return text ? strdup(path) : NULL;
}

/* An ELF file at the path: its facts, and where it really is (NULL where that cannot be told). 0 or
 * -errno. */
static int look(int root_fd, const char *path, ModuleFacts *ret_facts, char **ret_real)
{
	_cleanup_(closep) int fd = open_regular_beneath(root_fd, path, 0);
	int r;

	if (fd < 0)
		return fd;
	r = module_facts_read(fd, ret_facts);
	if (r >= 0)
		*ret_real = real_path(fd);
	return r;
}

static int add(char ***words, const char *word)
{
	size_t n = words_count((const char *const *)*words);
	char **grown = reallocarray(*words, n + 2, sizeof *grown);

	if (!grown)
		return -ENOMEM;
	*words = grown;
	grown[n] = strdup(word);
	grown[n + 1] = NULL;
	return grown[n] ? 0 : -ENOMEM;
}

/* A build id is part of paths: digits, and enough of them for a folder and a name. */
static bool is_build_id(const char *id)
{
	size_t n = strspn(id, "0123456789abcdef");

	return n > 2 && !id[n];
}

/* ---- what holds its code --------------------------------------------------------------------- */

static TraceModuleState judge_error(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ENAMETOOLONG ? MODULE_DELETED
								   : MODULE_UNREADABLE;
}

static TraceModuleState judge_build(const char *crashed, const char *on_disk)
{
	if (!*crashed)
		return MODULE_UNPROVEN;
	return streq(crashed, on_disk) ? MODULE_PRESENT : MODULE_REPLACED;
}

static bool is_of_use(TraceModuleState state)
{
	return state == MODULE_PRESENT || state == MODULE_UNPROVEN;
}

/* facts are filled if the file is of use. */
static int find_own(Search *search, ModuleFacts *facts)
{
	ModuleFile *found = search->found;
	_cleanup_(freep) char *real = NULL;
	int r;

	r = look(search->places->root_fd, search->module->path, facts, &real);
	if (r == -ENOMEM)
		return r;
	found->state =
		r < 0 ? judge_error(r) : judge_build(search->module->build_id, facts->build_id);
	if (search->places->elsewhere && found->state != MODULE_PRESENT)
		found->state = MODULE_UNREADABLE;
	if (!is_of_use(found->state)) {
		module_facts_done(facts);
		return 0;
	}
	found->file = TAKE_PTR(real);
	found->package_note = TAKE_PTR(facts->package);
	search->facts = facts;
	return 0;
}

/* A file with this very build id. It is freed if it is not taken. 1, 0, -ENOMEM. */
static int look_for_build(int root_fd, const char *path, const char *build_id,
	ModuleFacts *ret_facts, char **ret_real)
{
	_cleanup_(module_facts_donep) ModuleFacts facts = {};
	_cleanup_(freep) char *real = NULL;
	int r;

	r = look(root_fd, path, &facts, &real);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!real || (*build_id && !streq(facts.build_id, build_id)))
		return 0;
	*ret_real = TAKE_PTR(real);
	*ret_facts = facts;
	facts = (ModuleFacts){};
	return 1;
}

/* "FOLDER/.build-id/ab/cdef…SUFFIX" in the process's root, then in this machine's. */
static int look_by_id(const ModulePlaces *places, const char *folder, const char *build_id,
	const char *suffix, ModuleFacts *ret_facts, char **ret_real)
{
	char path[PATH_MAX];
	int r = 0;

	if (!is_build_id(build_id) ||
		(size_t)snprintf(path, sizeof path, "%s/.build-id/%.2s/%s%s", folder, build_id,
			build_id + 2, suffix) >= sizeof path)
		return 0;
	if (places->root_fd >= 0)
		r = look_for_build(places->root_fd, path, build_id, ret_facts, ret_real);
	return r != 0 ? r : look_for_build(-EBADF, path, build_id, ret_facts, ret_real);
}

static int look_in_cache(const ModulePlaces *places, const char *build_id, const char *kind,
	ModuleFacts *ret_facts, char **ret_real)
{
	char path[PATH_MAX];

	if (!places->cache || !is_build_id(build_id) ||
		(size_t)snprintf(path, sizeof path, "%s/%s/%s", places->cache, build_id, kind) >=
			sizeof path)
		return 0;
	return look_for_build(-EBADF, path, build_id, ret_facts, ret_real);
}

/* Its own file is gone or another: is the same build elsewhere? Packages of debug files link to
 * executables by build id (rpm's find-debuginfo), in either folder. */
static int find_same_build(Search *search, ModuleFacts *facts)
{
	const char *build_id = search->module->build_id;
	ModuleFile *found = search->found;
	int r;

	r = look_by_id(
		search->places, search->places->debug_root, build_id, "", facts, &found->file);
	if (r == 0)
		r = look_by_id(search->places, "/usr/lib", build_id, "", facts, &found->file);
	if (r == 0)
		r = look_in_cache(search->places, build_id, "executable", facts, &found->file);
	if (r > 0)
		search->facts = facts;
	return r < 0 ? r : 0;
}

/* ---- what holds its symbols ------------------------------------------------------------------ */

/* Its alternative file, in which dwz(1) put what several have in common. */
static int find_alt(Search *search, const char *of, const ModuleFacts *facts)
{
	_cleanup_(module_facts_donep) ModuleFacts ignored = {};
	const ModulePlaces *places = search->places;
	_cleanup_(freep) char *real = NULL;
	char path[PATH_MAX];
	const char *slash = strrchr(of, '/');
	int r;

	if (!facts->alt_link)
		return 0;
	r = look_by_id(places, places->debug_root, facts->alt_build_id, ".debug", &ignored, &real);
	if (r == 0)
		r = look_in_cache(places, facts->alt_build_id, "debuginfo", &ignored, &real);
	if (r == 0 && facts->alt_link[0] == '/')
		r = look_for_build(
			places->root_fd, facts->alt_link, facts->alt_build_id, &ignored, &real);
	else if (r == 0 && (size_t)snprintf(path, sizeof path, "%.*s/%s", (int)(slash - of), of,
				   facts->alt_link) < sizeof path)
		r = look_for_build(-EBADF, path, facts->alt_build_id, &ignored, &real);
	return r > 0 ? add(&search->found->alt_files, real) : r;
}

/* 1: a file that is proven to be the right one was found, look no further. */
static int take_debug_file(Search *search, int found, const char *real, const ModuleFacts *facts)
{
	int r;

	if (found <= 0)
		return found;
	r = add(&search->found->debug_files, real);
	if (r >= 0)
		r = find_alt(search, real, facts);
	return r < 0 ? r : search->module->build_id[0] != '\0';
}

static int try_link(Search *search, const char *path)
{
	_cleanup_(module_facts_donep) ModuleFacts facts = {};
	_cleanup_(freep) char *real = NULL;
	int r;

	r = look_for_build(search->places->root_fd, path, search->module->build_id, &facts, &real);
	/* A library may call itself its debug file. */
	if (r > 0 && search->found->file && streq(real, search->found->file))
		return 0;
	return take_debug_file(search, r, real, &facts);
}

/* .gnu_debuglink: a name beside the file, in .debug/, or in the same folder under the debug root;
 * there under the folder's name before or after /usr was merged, too. */
static int find_by_link(Search *search)
{
	const char *own = search->module->path, *slash = strrchr(own, '/');
	const char *root = search->places->debug_root;
	const char *unmerged = startswith(own, "/usr/");
	int length = (int)(slash - own);
	const struct {
		const char *root, *usr, *folder;
		int length;
		const char *middle;
	} rows[] = {
		{"", "", own, length, ""},
		{"", "", own, length, "/.debug"},
		{root, "", own, length, ""},
		{root, unmerged ? "" : "/usr", unmerged ? unmerged - 1 : own,
			unmerged ? length - 4 : length, ""},
	};
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(rows) && r == 0; i++)
		if (rows[i].length >= 0 &&
			(size_t)snprintf(path, sizeof path, "%s%s%.*s%s/%s", rows[i].root,
				rows[i].usr, rows[i].length, rows[i].folder, rows[i].middle,
				search->facts->debug_link) < sizeof path)
			r = try_link(search, path);
	return r;
}

static int find_debug_files(Search *search)
{
	_cleanup_(module_facts_donep) ModuleFacts facts = {};
	const ModulePlaces *places = search->places;
	const char *build_id = search->module->build_id;
	_cleanup_(freep) char *real = NULL;
	int r;

	r = look_by_id(places, places->debug_root, build_id, ".debug", &facts, &real);
	if (r == 0)
		r = look_in_cache(places, build_id, "debuginfo", &facts, &real);
	r = take_debug_file(search, r, real, &facts);
	if (r == 0 && search->facts && search->facts->debug_link[0])
		r = find_by_link(search);
	return r < 0 ? r : 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int find_one(const ModulePlaces *places, const TraceModule *module, ModuleFile *found)
{
	_cleanup_(module_facts_donep) ModuleFacts facts = {};
	Search search = {.places = places, .module = module, .found = found};
	int r;

	found->state = module->state;
	if (module->state == MODULE_MEMORY || !module->path || module->path[0] != '/')
		return 0;
	r = find_own(&search, &facts);
	if (r >= 0 && !search.facts)
		r = find_same_build(&search, &facts);
	if (r >= 0 && (found->file || module->build_id[0]))
		r = find_debug_files(&search);
	if (r >= 0 && search.facts && found->file) /* dwz(1) on a file that keeps its DWARF */
		r = find_alt(&search, found->file, search.facts);
	return r;
}

int module_files_find(const Trace *trace, const ModulePlaces *places, ModuleFiles *ret)
{
	_cleanup_(module_files_donep) ModuleFiles files = {};
	int r = 0;

	files.files = calloc(trace->n_modules + 1, sizeof *files.files);
	if (!files.files)
		return -ENOMEM;
	for (; files.n < trace->n_modules && r >= 0; files.n++)
		r = find_one(places, &trace->modules[files.n], &files.files[files.n]);
	if (r < 0)
		return r;
	ret->files = TAKE_PTR(files.files);
	ret->n = files.n;
	files.n = 0;
	return 0;
}

void module_files_done(ModuleFiles *files)
{
	for (size_t i = 0; i < files->n; i++) {
		ModuleFile *file = &files->files[i];
		free(file->file);
		free(file->package_note);
		words_free(file->debug_files);
		words_free(file->alt_files);
	}
	free(files->files);
	*files = (ModuleFiles){};
}

static void add_words(json_t *object, const char *key, char *const *words)
{
	json_t *array = words ? json_array() : NULL;

	for (; words && *words; words++)
		(void)json_array_append_new(array, json_string(*words));
	if (array)
		(void)json_object_set_new(object, key, array);
}

json_t *module_files_plan(const ModuleFiles *files)
{
	json_t *modules = json_array();

	for (size_t i = 0; i < files->n; i++) {
		const ModuleFile *file = &files->files[i];
		if (!file->file && !file->debug_files)
			continue;
		json_t *object = json_object();
		json_add_u64(object, "index", i);
		json_add_string(object, "file", file->file);
		add_words(object, "debugFiles", file->debug_files);
		add_words(object, "altFiles", file->alt_files);
		(void)json_array_append_new(modules, object);
	}
	return json_pack("{s:i, s:o}", "version", 1, "modules", modules);
}

void module_files_judge(const ModuleFiles *files, Trace *trace)
{
	for (size_t i = 0; i < MIN_OF(files->n, trace->n_modules); i++) {
		TraceModule *module = &trace->modules[i];
		if (module->state != MODULE_REPLACED && module->state != MODULE_MEMORY &&
			files->files[i].state != MODULE_UNKNOWN)
			module->state = files->files[i].state;
	}
}

char *module_cache_path(const char *cache_path, const char *xdg_cache_home, const char *home)
{
	char *path;

	if (cache_path && *cache_path)
		return cache_path[0] == '/' ? strdup(cache_path) : NULL;
	if (xdg_cache_home && xdg_cache_home[0] == '/')
		return asprintf(&path, "%s/debuginfod_client", xdg_cache_home) < 0 ? NULL : path;
	if (home && home[0] == '/')
		return asprintf(&path, "%s/.cache/debuginfod_client", home) < 0 ? NULL : path;
	return NULL;
}
