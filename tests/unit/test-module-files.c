/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/module-files: which files are found for a module, and which never are. The root is a
 * fixture's. */
#include "coredump/module-files.h"

#include "common/words.h"
#include "tests/unit/module-bytes.h"
#include "tests/unit/test.h"

#define ID    "0123456789abcdef"
#define OTHER "ff23456789abcdef"
#define LIB   "/usr/lib/libx.so.1"

static void put_id(ModuleSpec *spec, const char *id)
{
	spec->build_id_length = strlen(id) / 2;
	for (size_t i = 0; i < spec->build_id_length; i++) {
		unsigned byte;
		assert_int_equal(sscanf(id + 2 * i, "%2x", &byte), 1);
		spec->build_id[i] = (unsigned char)byte;
	}
}

static void put_module(const char *path, const char *id, ModuleSpec spec)
{
	static ModuleBytes module;

	spec.is_64 = true;
	put_id(&spec, id);
	module_make(&module, &spec);
	_cleanup_(closep) int fd =
		open(fixture_at(path + 1), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_int_equal(write_all(fd, module.data, module.length), 0);
}

/* The fixture's real path of a path in its root. Static buffer. */
static const char *real(const char *path)
{
	static char buf[2][600];
	static unsigned turn;

	turn ^= 1;
	(void)snprintf(buf[turn], sizeof buf[turn], "%s%s", fixture_path, path);
	return buf[turn];
}

static void find_in(const ModulePlaces *places, TraceModule *module, ModuleFiles *ret)
{
	Trace trace = {.modules = module, .n_modules = 1};

	assert_int_equal(module_files_find(&trace, places, ret), 0);
	assert_int_equal(ret->n, 1);
}

static void find(const char *path, const char *id, ModuleFiles *ret)
{
	_cleanup_(closep) int root = fixture_open();
	ModulePlaces places = {.root_fd = root, .debug_root = MODULE_DEBUG_ROOT};
	TraceModule module = {.path = (char *)path};

	strcpy(module.build_id, id);
	find_in(&places, &module, ret);
}

static void assert_debug(const ModuleFiles *files, const char *path)
{
	assert_int_equal(words_count((const char *const *)files->files[0].debug_files), 1);
	assert_string_equal(files->files[0].debug_files[0], real(path));
}

static void its_own_file_is_judged(void **state)
{
	static const struct {
		const char *path, *id;
		TraceModuleState state;
		bool used;
	} rows[] = {
		{LIB, ID, MODULE_PRESENT, true},
		{"/lib/libx.so.1", ID, MODULE_PRESENT, true}, /* by a symlink */
		{LIB, OTHER, MODULE_REPLACED, false},
		{LIB, "", MODULE_UNPROVEN, true},
		{"/usr/lib/gone.so", ID, MODULE_DELETED, false},
		{LIB "/below", ID, MODULE_DELETED, false},
		{"/usr/lib/text", ID, MODULE_UNREADABLE, false},
		{"/usr/lib/fifo", ID, MODULE_UNREADABLE, false},
		{"/usr/lib", ID, MODULE_UNREADABLE, false},
		{"/usr/lib/loop", ID, MODULE_UNREADABLE, false},
		{"/proc/self/exe", ID, MODULE_DELETED, false}, /* of that root */
		{"[vdso]", ID, MODULE_UNKNOWN, false},
		{"usr/lib/libx.so.1", ID, MODULE_UNKNOWN, false},
		{"", ID, MODULE_UNKNOWN, false},
	};

	(void)state;
	put_module(LIB, ID, (ModuleSpec){.package = "{\"name\":\"x\"}"});
	fixture_file(
		"usr/lib/text", "not an ELF file, but long enough to hold a header of one......");
	fixture_link("lib", "/usr/lib");
	fixture_link("usr/lib/loop", "loop");
	assert_int_equal(mkfifo(fixture_at("usr/lib/fifo"), 0600), 0);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(module_files_donep) ModuleFiles files = {};
		find(rows[i].path, rows[i].id, &files);
		assert_int_equal(files.files[0].state, rows[i].state);
		if (rows[i].used)
			assert_string_equal(files.files[0].file, real(LIB));
		else
			assert_null(files.files[0].file);
		assert_int_equal(files.files[0].package_note != NULL, rows[i].used);
	}
}

static void debug_files_by_build_id(void **state)
{
	_cleanup_(module_files_donep) ModuleFiles files = {}, gone = {}, other = {}, odd = {};

	(void)state;
	put_module(LIB, ID, (ModuleSpec){});
	put_module("/usr/lib/debug/.build-id/01/23456789abcdef.debug", ID, (ModuleSpec){});
	put_module("/usr/lib/debug/.build-id/ff/23456789abcdef.debug", ID, (ModuleSpec){});
	find(LIB, ID, &files);
	assert_debug(&files, "/usr/lib/debug/.build-id/01/23456789abcdef.debug");
	find("/usr/lib/gone.so", ID, &gone); /* symbols are of use without its code, too */
	assert_int_equal(gone.files[0].state, MODULE_DELETED);
	assert_debug(&gone, "/usr/lib/debug/.build-id/01/23456789abcdef.debug");
	find(LIB, OTHER, &other); /* what lies there is another build's */
	assert_null(other.files[0].debug_files);
	find(LIB, "../../x", &odd);
	assert_null(odd.files[0].debug_files);
}

static void debug_files_by_link(void **state)
{
	static const char *const places[] = {"/usr/lib/libx.debug", "/usr/lib/.debug/libx.debug",
		"/usr/lib/debug/usr/lib/libx.debug", "/usr/lib/debug/lib/libx.debug"};

	(void)state;
	put_module(LIB, ID, (ModuleSpec){.debug_link = "libx.debug"});
	for (size_t i = 0; i < ELEMENTSOF(places); i++) {
		_cleanup_(module_files_donep) ModuleFiles files = {}, wrong = {};
		put_module(places[i], OTHER, (ModuleSpec){});
		find(LIB, ID, &wrong);
		assert_null(wrong.files[0].debug_files);
		put_module(places[i], ID, (ModuleSpec){});
		find(LIB, ID, &files);
		assert_debug(&files, places[i]);
		assert_int_equal(unlink(real(places[i])), 0);
	}
}

/* Where no build id proves anything, all are named: the unwinder compares checksums. */
static void links_without_a_build_id(void **state)
{
	_cleanup_(module_files_donep) ModuleFiles files = {}, own = {};

	(void)state;
	put_module(LIB, "", (ModuleSpec){.debug_link = "libx.debug"});
	put_module("/usr/lib/libx.debug", "", (ModuleSpec){});
	put_module("/usr/lib/debug/usr/lib/libx.debug", "", (ModuleSpec){});
	find(LIB, "", &files);
	assert_int_equal(files.files[0].state, MODULE_UNPROVEN);
	assert_int_equal(words_count((const char *const *)files.files[0].debug_files), 2);
	put_module(LIB, ID, (ModuleSpec){.debug_link = "libx.so.1"}); /* itself */
	find(LIB, ID, &own);
	assert_null(own.files[0].debug_files);
}

static void the_same_build_elsewhere(void **state)
{
	static const char *const places[] = {"/usr/lib/debug/.build-id/01/23456789abcdef",
		"/usr/lib/.build-id/01/23456789abcdef"};

	(void)state;
	put_module("/opt/kept", ID, (ModuleSpec){});
	put_module(LIB, OTHER, (ModuleSpec){.package = "{}"});
	for (size_t i = 0; i < ELEMENTSOF(places); i++) {
		_cleanup_(module_files_donep) ModuleFiles files = {};
		fixture_link(places[i] + 1, "/opt/kept");
		find(LIB, ID, &files);
		assert_int_equal(files.files[0].state, MODULE_REPLACED);
		assert_string_equal(files.files[0].file, real("/opt/kept"));
		assert_null(files.files[0].package_note); /* the other build's */
		assert_int_equal(unlink(real(places[i])), 0);
	}
}

static void the_cache_of_debuginfod(void **state)
{
	_cleanup_(module_files_donep) ModuleFiles files = {}, empty = {};
	_cleanup_(closep) int root = fixture_open();
	char cache[600];
	ModulePlaces places = {.root_fd = root, .debug_root = MODULE_DEBUG_ROOT, .cache = cache};
	TraceModule module = {.path = (char *)"/gone", .build_id = ID};

	(void)state;
	(void)snprintf(cache, sizeof cache, "%s/cache", fixture_path);
	put_module("/cache/" ID "/debuginfo", ID, (ModuleSpec){});
	put_module("/cache/" ID "/executable", ID, (ModuleSpec){});
	find_in(&places, &module, &files);
	assert_string_equal(files.files[0].file, real("/cache/" ID "/executable"));
	assert_debug(&files, "/cache/" ID "/debuginfo");
	fixture_file("cache/" ID "/executable", ""); /* it remembers so that it is not there */
	fixture_file("cache/" ID "/debuginfo", "");
	find_in(&places, &module, &empty);
	assert_null(empty.files[0].file);
	assert_null(empty.files[0].debug_files);
}

static void what_dwz_moved(void **state)
{
	_cleanup_(module_files_donep) ModuleFiles by_path = {}, by_own = {}, wrong = {};

	(void)state;
	put_module(LIB, ID, (ModuleSpec){});
	put_module("/usr/lib/debug/.build-id/01/23456789abcdef.debug", ID,
		(ModuleSpec){.alt_link = "/usr/lib/debug/.dwz/x.debug"});
	put_module("/usr/lib/debug/.dwz/x.debug", "abcd", (ModuleSpec){});
	find(LIB, ID, &by_path);
	assert_string_equal(by_path.files[0].alt_files[0], real("/usr/lib/debug/.dwz/x.debug"));
	put_module("/usr/lib/debug/.build-id/01/23456789abcdef.debug", ID,
		(ModuleSpec){.alt_link = "../../.dwz/x.debug"});
	find(LIB, ID, &by_own);
	assert_string_equal(by_own.files[0].alt_files[0], real("/usr/lib/debug/.dwz/x.debug"));
	put_module("/usr/lib/debug/.dwz/x.debug", "abce", (ModuleSpec){});
	find(LIB, ID, &wrong);
	assert_null(wrong.files[0].alt_files);
}

static void what_is_in_a_container_is_not_judged(void **state)
{
	_cleanup_(closep) int root = fixture_open();
	ModulePlaces places = {.root_fd = root, .debug_root = MODULE_DEBUG_ROOT, .elsewhere = true};
	static const struct {
		const char *path, *id;
		TraceModuleState state;
	} rows[] = {{LIB, ID, MODULE_PRESENT}, {LIB, OTHER, MODULE_UNREADABLE},
		{LIB, "", MODULE_UNREADABLE}, {"/gone", ID, MODULE_UNREADABLE}};

	(void)state;
	put_module(LIB, ID, (ModuleSpec){});
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(module_files_donep) ModuleFiles files = {};
		TraceModule module = {.path = (char *)rows[i].path};
		strcpy(module.build_id, rows[i].id);
		find_in(&places, &module, &files);
		assert_int_equal(files.files[0].state, rows[i].state);
	}
}

static void the_plan(void **state)
{
	char *debug[] = {(char *)"/d1", (char *)"/d2", NULL}, *alt[] = {(char *)"/a", NULL};
	ModuleFile rows[] = {{.state = MODULE_DELETED}, {.file = (char *)"/f"},
		{.debug_files = debug, .alt_files = alt}};
	ModuleFiles files = {.files = rows, .n = ELEMENTSOF(rows)};

	(void)state;
	_cleanup_(json_decrefp) json_t *plan = module_files_plan(&files);
	_cleanup_(freep) char *text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text,
		"{\"modules\":[{\"file\":\"/f\",\"index\":1},"
		"{\"altFiles\":[\"/a\"],\"debugFiles\":[\"/d1\",\"/d2\"],\"index\":2}],"
		"\"version\":1}");
}

static void states_go_into_the_trace(void **state)
{
	static const struct {
		TraceModuleState unwound, found, result;
	} rows[] = {{MODULE_UNKNOWN, MODULE_DELETED, MODULE_DELETED},
		{MODULE_PRESENT, MODULE_PRESENT, MODULE_PRESENT},
		{MODULE_PRESENT, MODULE_DELETED, MODULE_DELETED}, /* the same build elsewhere */
		{MODULE_REPLACED, MODULE_PRESENT, MODULE_REPLACED},
		{MODULE_MEMORY, MODULE_UNKNOWN, MODULE_MEMORY},
		{MODULE_PRESENT, MODULE_UNKNOWN, MODULE_PRESENT}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		TraceModule module = {.state = rows[i].unwound};
		ModuleFile file = {.state = rows[i].found};
		Trace trace = {.modules = &module, .n_modules = 1};
		module_files_judge(&(ModuleFiles){.files = &file, .n = 1}, &trace);
		assert_int_equal(module.state, rows[i].result);
		module_files_judge(&(ModuleFiles){}, &trace);
	}
}

static void where_the_cache_is(void **state)
{
	static const struct {
		const char *cache, *xdg, *home, *result;
	} rows[] = {{"/c", "/x", "/h", "/c"}, {NULL, "/x", "/h", "/x/debuginfod_client"},
		{"", "", "/h", "/h/.cache/debuginfod_client"}, {NULL, "x", "h", NULL},
		{"c", "/x", NULL, NULL}, {NULL, NULL, NULL, NULL}};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *path =
			module_cache_path(rows[i].cache, rows[i].xdg, rows[i].home);
		if (rows[i].result)
			assert_string_equal(path, rows[i].result);
		else
			assert_null(path);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_own_file_is_judged),
		TEST(debug_files_by_build_id),
		TEST(debug_files_by_link),
		TEST(links_without_a_build_id),
		TEST(the_same_build_elsewhere),
		TEST(the_cache_of_debuginfod),
		TEST(what_dwz_moved),
		TEST(what_is_in_a_container_is_not_judged),
		TEST(the_plan),
		TEST(states_go_into_the_trace),
		TEST(where_the_cache_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
