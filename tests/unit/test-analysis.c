/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/analysis: what is asked of vigil-unwind, and that nothing it does costs more than its
 * trace. Shell scripts stand in for it; the real one is in tests/integration/test_crash_bt.py. */
#include "coredump/analysis.h"

#include "common/text.h"
#include "tests/unit/module-bytes.h"
#include "tests/unit/test.h"
#include <sys/mman.h>

#define MODULE                                                                                     \
	"{\"path\":\"/usr/lib/libx.so\",\"buildId\":\"0123456789abcdef\",\"start\":\"0x1000\","    \
	"\"end\":\"0x2000\",\"bias\":\"0x1000\"}"
#define SCANNED                                                                                    \
	"{\"version\":1,\"image\":\"core\",\"signal\":11,\"threads\":[],\"modules\":[" MODULE      \
	"],\"stats\":{\"coreBytes\":100,\"readBytes\":10}}"
#define TRACED                                                                                     \
	"{\"version\":1,\"signal\":11,\"modules\":[" MODULE                                        \
	"],\"threads\":[{\"tid\":7,\"crashed\":true,\"frames\":[{\"pc\":\"0x1001\","               \
	"\"module\":0,\"offset\":\"0x1\"}]}],\"stats\":{\"readBytes\":5}}"
#define SAYS(scan, trace) "case $1 in scan) echo '" scan "';; trace) echo '" trace "';; esac"

static int memory_core(const void *data, size_t length)
{
	int fd = memfd_create("core", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, data, length), 0);
	return fd;
}

/* With script as vigil-unwind, in the fixture. */
static int run(const char *script, AnalysisRequest request, Trace *ret, char **ret_error)
{
	static const Crash crash = CRASH_INIT;
	char text[4096], unwinder[512], directory[128];
	int core = memory_core("\177ELF", 4);

	(void)snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
	fixture_file("unwinder", text);
	(void)snprintf(unwinder, sizeof unwinder, "%s", fixture_at("unwinder"));
	(void)snprintf(directory, sizeof directory, "%s", fixture_path);
	assert_int_equal(chmod(unwinder, 0755), 0);
	if (request.core_fd <= 0)
		request.core_fd = core;
	if (!request.crash)
		request.crash = &crash;
	if (!request.unwinder)
		request.unwinder = unwinder;
	if (!request.directory)
		request.directory = directory;
	int r = analysis_run(&request, ret, ret_error);
	(void)close(core);
	return r;
}

static char *read_fixture(const char *name)
{
	_cleanup_(closep) int dir = fixture_open();
	char *text = NULL;

	assert_true(read_file_at(dir, name, 65536, &text) >= 0);
	return text;
}

static void both_steps_make_a_trace(void **state)
{
	_cleanup_(trace_donep) Trace trace = {};
	_cleanup_(freep) char *error = NULL;
	AnalysisRequest request = {.root_fd = -EBADF};

	(void)state;
	assert_int_equal(run(SAYS(SCANNED, TRACED), request, &trace, &error), 0);
	assert_null(error);
	assert_int_equal(trace.signal, 11);
	assert_int_equal(trace.n_threads, 1);
	assert_int_equal(trace.threads[0].n_frames, 1);
	assert_int_equal(trace.stats.core_bytes, 100);
	assert_int_equal(trace.stats.read_bytes, 15);
	assert_int_equal(trace.stats.written_bytes, 0);
	assert_true(trace.stats.usec > 0);
}

/* Which arguments come, and that the descriptors that they name are open. */
static void what_it_is_asked(void **state)
{
	_cleanup_(trace_donep) Trace trace = {};
	_cleanup_(freep) char *error = NULL;
	_cleanup_(json_decrefp) json_t *fields = json_pack("{s:s}", "COREDUMP_TID", "4711");
	Crash crash = CRASH_INIT;
	AnalysisRequest request = {.root_fd = -EBADF, .crash = &crash, .background = true};
	char script[4096];

	(void)state;
	crash.fields = fields;
	(void)snprintf(script, sizeof script,
		"echo $@ >>%s/asked; for a; do case $a in --core=*|--image=*|--plan=*) [ -e "
		"/proc/self/fd/${a#*=} ] || exit 9;; esac; done;" SAYS(SCANNED, TRACED),
		fixture_path);
	assert_int_equal(run(script, request, &trace, &error), 0);
	_cleanup_(freep) char *asked = read_fixture("asked");
	int core, image, traced, plan;
	assert_int_equal(sscanf(asked,
				 "scan --core=%d --image=%d --tid=4711 --background\n"
				 "trace --image=%d --plan=%d --tid=4711 --background\n",
				 &core, &image, &traced, &plan),
		4);
	assert_int_equal(traced, core); /* plain: it is its own image */
}

static void put_library(const char *name, unsigned char last)
{
	static ModuleBytes module;
	ModuleSpec spec = {
		.is_64 = true, .build_id = "\x01\x23\x45\x67\x89\xab\xcd", .build_id_length = 8};

	spec.build_id[7] = last;
	module_make(&module, &spec);
	_cleanup_(closep) int fd =
		open(fixture_at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_int_equal(write_all(fd, module.data, module.length), 0);
}

/* The plan is that of the process's root, and the states of files go into the trace. */
static void files_of_a_chroot(void **state)
{
	Crash crash = CRASH_INIT;
	AnalysisRequest request = {.root_fd = -EBADF, .crash = &crash};
	_cleanup_(freep) char *error = NULL;
	char script[4096], root[256], expected[1024];

	(void)state;
	(void)snprintf(root, sizeof root, "%s/jail", fixture_path);
	crash.root = root;
	(void)snprintf(script, sizeof script,
		"for a; do case $a in --plan=*) cat <&${a#*=} >%s/plan;; esac; done;" SAYS(
			SCANNED, TRACED),
		fixture_path);
	static const struct {
		unsigned char last; /* of the library's build id */
		TraceModuleState result;
	} rows[] = {{0xef, MODULE_PRESENT}, {0xee, MODULE_REPLACED}};
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(trace_donep) Trace trace = {};
		put_library("jail/usr/lib/libx.so", rows[i].last);
		assert_int_equal(run(script, request, &trace, &error), 0);
		assert_int_equal(trace.modules[0].state, rows[i].result);
		assert_null(trace.modules[0].package); /* of no package of this machine */
		_cleanup_(freep) char *plan = read_fixture("plan");
		(void)snprintf(expected, sizeof expected,
			"{\"version\":1,\"modules\":[{\"index\":0,\"file\":\"%s/usr/lib/libx.so\"}]}",
			root);
		assert_string_equal(plan, rows[i].result == MODULE_PRESENT
						  ? expected
						  : "{\"version\":1,\"modules\":[]}");
	}
	_cleanup_(trace_donep) Trace trace = {};
	crash.root = (char *)"/nonexistent/root"; /* a container that is gone */
	assert_int_equal(run(script, request, &trace, &error), 0);
	assert_int_equal(trace.modules[0].state, MODULE_UNREADABLE);
}

static void only_a_compressed_core_is_written(void **state)
{
	_cleanup_(trace_donep) Trace trace = {};
	_cleanup_(freep) char *error = NULL, *other = NULL;
	_cleanup_(closep) int core = memory_core("\x28\xb5\x2f\xfd zstd", 9);
	AnalysisRequest request = {.root_fd = -EBADF, .core_fd = core};
	static const char script[] =
		"for a; do case $a in --image=*) i=${a#*=};; esac; done;"
		"none='\"threads\":[],\"modules\":[]'; case $1 in "
		"scan) head -c 8192 /dev/zero | tr '\\0' x >&$i; echo "
		"'{\"version\":1,\"image\":\"image\",\"stats\":{\"readBytes\":9},'$none'}';;"
		"trace) [ $(wc -c </proc/self/fd/$i) = 8192 ] && echo '{\"version\":1,'$none'}';; "
		"esac";

	(void)state;
	assert_int_equal(run(script, request, &trace, &error), 0);
	assert_int_equal(trace.stats.written_bytes, 8192);
	assert_int_equal(trace.stats.read_bytes, 9);
	request.directory = "/nonexistent";
	assert_int_equal(run(script, request, &trace, &other), -ENOENT);
	assert_string_equal(other,
		"cannot make a file in '/nonexistent' for the core: No such file or directory");
}

static void whatever_it_does_is_one_clear_error(void **state)
{
	static const struct {
		const char *script;
		int r;
		const char *error; /* its beginning */
	} rows[] = {
		{"echo 'vigil-unwind: The core is empty.' >&2; exit 1", -EIO, "The core is empty"},
		{"echo first >&2; echo 'second..' >&2; exit 1", -EIO, "second"},
		{"exit 3", -EIO, "'vigil-unwind' failed with status 3 and did not say why"},
		{"kill -SEGV $$", -EIO,
			"'vigil-unwind' was ended by SIGSEGV: this core is more than it can read"},
		{"kill -SYS $$", -EIO, "'vigil-unwind' was ended by SIGSYS"},
		{"echo garbage", -EBADMSG, "'vigil-unwind' said something that is no trace"},
		{"echo '{}'", -EBADMSG, "'vigil-unwind' said something that is no trace"},
		{"echo '{\"version\":1,\"threads\":7}'", -EBADMSG, "'vigil-unwind' said something"},
		{"", -EBADMSG, "'vigil-unwind' said something that is no trace"},
		{"s='" SCANNED
		 "'; printf '{\"x\":['; yes '{},' | head -n 600000; echo \"{}],${s#?}\"",
			-EBADMSG, "'vigil-unwind' said something that is no trace"},
		{"yes", -EFBIG, "'vigil-unwind' said more than a trace can be, and was ended"},
		{"exec sleep 60", -ETIMEDOUT, "'vigil-unwind' took longer than"},
		{SAYS(SCANNED, "garbage"), -EBADMSG, "'vigil-unwind' said something"},
		{"[ $1 = trace ] && kill -KILL $$; echo '" SCANNED "'", -EIO,
			"'vigil-unwind' was ended by SIGKILL"},
		{"[ $1 = trace ] && exec sleep 60; echo '" SCANNED "'", -ETIMEDOUT,
			"'vigil-unwind' took longer than"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *error = NULL;
		Trace trace = {};
		AnalysisRequest request = {.root_fd = -EBADF};
		if (rows[i].r == -ETIMEDOUT)
			request.scan_usec = request.trace_usec = USEC_PER_SEC;
		assert_int_equal(run(rows[i].script, request, &trace, &error), rows[i].r);
		assert_non_null(error);
		assert_memory_equal(error, rows[i].error, strlen(rows[i].error));
		assert_null(trace.threads);
	}
}

static void where_it_is_not_installed(void **state)
{
	_cleanup_(freep) char *error = NULL;
	AnalysisRequest request = {.root_fd = -EBADF, .unwinder = "/nonexistent/vigil-unwind"};
	Trace trace = {};

	(void)state;
	assert_int_equal(run("", request, &trace, &error), -ENOENT);
	assert_string_equal(
		error, "'/nonexistent/vigil-unwind' is not installed: it belongs to Vigil");
}

typedef struct Fetching {
	int calls, results[4];
} Fetching;

static int fetch(const Trace *trace, void *userdata)
{
	Fetching *fetching = userdata;

	assert_int_equal(trace->n_modules, 1);
	return fetching->results[fetching->calls++];
}

/* What was fetched is unwound with, twice at most; where that fails the first trace stands. */
static void what_is_fetched_makes_it_better(void **state)
{
	static const struct {
		Fetching fetching;
		int calls, steps;
		const char *script;
	} rows[] = {
		{{.results = {0}}, 1, 2, SAYS(SCANNED, TRACED)},
		{{.results = {-ENETDOWN}}, 1, 2, SAYS(SCANNED, TRACED)},
		{{.results = {3, 0}}, 2, 3, SAYS(SCANNED, TRACED)},
		{{.results = {3, 1, 1}}, 2, 4, SAYS(SCANNED, TRACED)},
		{{.results = {3}}, 1, 3,
			"[ $(wc -l <asked) = 3 ] && exit 1;" SAYS(SCANNED, TRACED)},
	};

	(void)state;
	assert_int_equal(chdir(fixture_path), 0);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(trace_donep) Trace trace = {};
		_cleanup_(freep) char *error = NULL;
		Fetching fetching = rows[i].fetching;
		AnalysisRequest request = {
			.root_fd = -EBADF, .fetch = fetch, .userdata = &fetching};
		char script[4096];
		(void)snprintf(script, sizeof script, "echo >>asked;%s", rows[i].script);
		assert_int_equal(run(script, request, &trace, &error), 0);
		assert_int_equal(trace.threads[0].n_frames, 1);
		assert_int_equal(fetching.calls, rows[i].calls);
		_cleanup_(freep) char *asked = read_fixture("asked");
		assert_int_equal(strlen(asked), rows[i].steps);
		assert_int_equal(unlink(fixture_at("asked")), 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_steps_make_a_trace),
		TEST(what_it_is_asked),
		TEST(files_of_a_chroot),
		TEST(only_a_compressed_core_is_written),
		TEST(whatever_it_does_is_one_clear_error),
		TEST(where_it_is_not_installed),
		TEST(what_is_fetched_makes_it_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
