/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coredump/core-pattern, coredump/directory and the daemon's shell over them. */
#include "monitord/crash-directory.h"

#include "common/clock.h"
#include "tests/unit/core-fixture.h"
#include <signal.h>

#define MACHINE "fedcba9876543210fedcba9876543210"
#define BOOT	"0123456789abcdef0123456789abcdef"

/* ---- patterns -------------------------------------------------------------------------------- */

static void where_cores_go(void **state)
{
	static const struct {
		const char *text;
		bool uses_pid;
		CoreTarget target;
		const char *directory, *name;
	} rows[] = {
		{"core\n", false, CORE_TARGET_RELATIVE, "", "core"},
		{"core", true, CORE_TARGET_RELATIVE, "", "core.%p"},
		{"core.%p", true, CORE_TARGET_RELATIVE, "", "core.%p"},
		{"core.%P", true, CORE_TARGET_RELATIVE, "", "core.%P.%p"},
		{"core%%p", true, CORE_TARGET_RELATIVE, "", "core%%p.%p"},
		{"cores/%e.%t", false, CORE_TARGET_RELATIVE, "cores", "%e.%t"},
		{"/var/crash/core.%u.%p", false, CORE_TARGET_ABSOLUTE, "/var/crash", "core.%u.%p"},
		{"/core", false, CORE_TARGET_ABSOLUTE, "/", "core"},
		{"/var/%u/c", false, CORE_TARGET_ABSOLUTE, "/var/%u", "c"},
		{"|/usr/lib/systemd/systemd-coredump %P", true, CORE_TARGET_PIPE, "", ""},
		{"@@/run/systemd/coredump", false, CORE_TARGET_SOCKET, "", ""},
		{"@/run/x", false, CORE_TARGET_SOCKET, "", ""},
		{"", false, CORE_TARGET_NONE, "", ""},
		{"\n", true, CORE_TARGET_RELATIVE, "", ".%p"},
	};
	CorePattern pattern;
	char longest[256];

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		assert_int_equal(core_pattern_parse(rows[i].text, rows[i].uses_pid, &pattern), 0);
		assert_int_equal(pattern.target, rows[i].target);
		assert_string_equal(pattern.directory, rows[i].directory);
		assert_string_equal(pattern.name, rows[i].name);
	}
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(core_pattern_parse(longest, false, &pattern), -EINVAL);
	longest[127] = '\0';
	assert_int_equal(core_pattern_parse(longest, true, &pattern), 0);
	assert_int_equal(strlen(pattern.name), 130);
}

static void folders_of_a_user(void **state)
{
	static const struct {
		const char *text, *directory;
		int r;
	} rows[] = {
		{"/c/%u-%g/%%/%h/x.%p", "/c/7-8/%/host", 0}, {"core", "", 0},
		{"/c/%e/core", NULL, -ENOTSUP}, {"/c/%t/core", NULL, -ENOTSUP},
		{"/c%/core", NULL, -ENOTSUP}, /* "%/" is no specifier of one folder */
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_(freep) char *directory = NULL;
		CorePattern pattern;
		assert_int_equal(core_pattern_parse(rows[i].text, false, &pattern), 0);
		assert_int_equal(
			core_pattern_directory(&pattern, 7, 8, "host", &directory), rows[i].r);
		if (rows[i].directory)
			assert_string_equal(directory, rows[i].directory);
	}
}

static int match(const char *text, const char *name, Crash *crash)
{
	CorePattern pattern;

	assert_int_equal(core_pattern_parse(text, false, &pattern), 0);
	return core_pattern_match(&pattern, name, crash);
}

static void names_of_cores(void **state)
{
	static const struct {
		const char *text, *name;
		int r;
	} rows[] = {
		{"core", "core", 1},
		{"core", "core.1", 0},
		{"core", "cor", 0},
		{"core", "", 0},
		{"core.%p", "core.12", 1},
		{"core.%p", "core.", 0},
		{"core.%p", "core.12x", 0},
		{"core.%p", "core.-12", 0},
		{"%e.%p", "a.b.12.13", 1},
		{"%e.%p", ".13", 1},
		{"%e-%e", "a-b-c", 1},
		{"%p%u", "1", 0},
		{"%p%u", "12", 1},
		{"core%", "core", 1},
		{"core%z", "core", 1},
		{"100%%", "100%", 1},
		{"|pipe", "core", 0},
		{"@sock", "core", 0},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		if (match(rows[i].text, rows[i].name, NULL) != rows[i].r)
			fail_msg("%s on %s", rows[i].text, rows[i].name);
}

static void what_names_tell(void **state)
{
	_cleanup_(crash_donep) Crash crash = CRASH_INIT;

	(void)state;
	assert_int_equal(
		match("/c/core.%e.%p.%u.%g.%s.%t.%h-%E-%d",
			"core.my.prog.42.1000.1001.11.1700000000.host-!usr!bin!x.y-1", &crash),
		1);
	assert_string_equal(crash.comm, "my.prog");
	assert_int_equal(crash.pid, 42);
	assert_int_equal(crash.uid, 1000);
	assert_int_equal(crash.gid, 1001);
	assert_int_equal(crash.signal, 11);
	assert_true(crash.when_realtime == 1700000000 * USEC_PER_SEC);
	assert_string_equal(crash.hostname, "host");
	assert_string_equal(crash.exe, "/usr/bin/x.y");
	assert_int_equal(crash.dumpable, 1);
}

/* A name can be made to fit in very many ways but one; it must not take long to find none. */
static void hostile_names_take_no_time(void **state)
{
	char name[256];
	usec_t before = now_usec(CLOCK_MONOTONIC);

	(void)state;
	memset(name, 'a', 250);
	strcpy(name + 250, "!");
	assert_int_equal(match("%e%e%e%e%e%e%e%ea%ea%ea%ea%ea%ea%ea%ea%ea%ea%ex", name, NULL), 0);
	memset(name, '1', 250);
	assert_int_equal(match("%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%px", name, NULL), 0);
	assert_true(now_usec(CLOCK_MONOTONIC) - before < 2 * USEC_PER_SEC);
}

/* ---- folders --------------------------------------------------------------------------------- */

typedef struct Arrived {
	int n;
	pid_t pids[16];
	CrashTrust trust[16];
	bool truncated[16];
	char boot_id[33], machine_id[33], core_file[256], exe[256];
	usec_t when;
	int signal;
} Arrived;

static void on_arrived(const Crash *crash, void *userdata)
{
	Arrived *arrived = userdata;

	assert_in_range(arrived->n, 0, 15);
	arrived->pids[arrived->n] = crash->pid;
	arrived->trust[arrived->n] = crash->trust;
	arrived->truncated[arrived->n++] = crash->truncated;
	strcpy(arrived->boot_id, crash->boot_id);
	strcpy(arrived->machine_id, crash->machine_id);
	(void)snprintf(arrived->core_file, sizeof arrived->core_file, "%s", crash->core_file);
	(void)snprintf(arrived->exe, sizeof arrived->exe, "%s", crash->exe ? crash->exe : "");
	arrived->when = crash->when_realtime;
	arrived->signal = crash->signal;
	assert_int_equal(strlen(crash->hash), 40);
}

typedef struct Place {
	CorePattern pattern;
	char home[128], work[128];
	const char *directories[3];
	CoreDirectorySetup setup;
	CoreDirectory *directory;
	int proc_fd;
} Place;

static void place_open(Place *place, const char *text, usec_t since)
{
	*place = (Place){};
	(void)snprintf(place->home, sizeof place->home, "%s/home", fixture_path);
	(void)snprintf(place->work, sizeof place->work, "%s/work", fixture_path);
	(void)mkdir(place->home, 0700);
	(void)mkdir(place->work, 0700);
	(void)mkdir(fixture_at("proc"), 0700);
	place->directories[0] = place->home;
	place->directories[1] = place->work;
	place->proc_fd = open(fixture_at("proc"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(place->proc_fd >= 0);
	assert_int_equal(core_pattern_parse(text, false, &place->pattern), 0);
	place->setup = (CoreDirectorySetup){.pattern = &place->pattern,
		.directories = place->directories,
		.hostname = "host",
		.uid = geteuid(),
		.gid = getegid(),
		.proc_fd = place->proc_fd,
		.machine_id = MACHINE,
		.boot_id = BOOT,
		.boot_realtime = 1};
	assert_int_equal(core_directory_new(&place->setup, since, &place->directory), 0);
}

static void place_close(Place *place)
{
	core_directory_free(place->directory);
	(void)safe_close(place->proc_fd);
}

static int look(Place *place, usec_t later, Arrived *arrived)
{
	return core_directory_look(
		place->directory, now_usec(CLOCK_REALTIME) + later, on_arrived, arrived);
}

static void put_core(const char *name, pid_t pid, uint64_t load_bytes, bool cut)
{
	static CoreBytes core;
	CoreSpec spec = core_spec;

	spec.pid = spec.threads[0] = (uint32_t)pid;
	spec.uid = geteuid();
	spec.load_bytes = load_bytes;
	core_make(&core, &spec);
	core_write(name, &core);
	if (cut)
		assert_int_equal(truncate(fixture_at(name), (off_t)core.length + 16), 0);
}

static void new_cores_arrive_once(void **state)
{
	Arrived arrived = {};
	Place place;

	(void)state;
	place_open(&place, "core.%p", 0);
	assert_int_equal(core_directory_n_folders(place.directory), 2);
	assert_int_equal(look(&place, 0, &arrived), 0);
	put_core("home/core.7", 7, 4096, false);
	put_core("home/corex7", 8, 4096, false);
	put_core("other/core.9", 9, 4096, false); /* no such folder is looked at */
	assert_int_equal(look(&place, 0, &arrived), 1);
	assert_int_equal(arrived.pids[0], 7);
	assert_int_equal(arrived.trust[0], CRASH_GENUINE);
	assert_false(arrived.truncated[0]);
	assert_string_equal(arrived.machine_id, MACHINE);
	assert_string_equal(arrived.boot_id, BOOT);
	assert_string_equal(arrived.core_file + strlen(place.home), "/core.7");
	assert_int_equal(look(&place, 0, &arrived), 0);
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 0);
	put_core("work/core.10", 10, 0, false);
	assert_int_equal(look(&place, 0, &arrived), 1);
	assert_int_equal(arrived.pids[1], 10);
	place_close(&place);
}

static void one_name_overwritten(void **state)
{
	Arrived arrived = {};
	Place place;

	(void)state;
	place_open(&place, "core", 0);
	put_core("home/core", 7, 4096, false);
	assert_int_equal(look(&place, 0, &arrived), 1);
	/* In place, as the kernel does it, and long after the folder itself changed last. */
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 0);
	assert_int_equal(look(&place, 61 * USEC_PER_SEC, &arrived), 0);
	put_core("home/core", 8, 8192, false);
	assert_int_equal(look(&place, 62 * USEC_PER_SEC, &arrived), 1);
	assert_int_equal(arrived.pids[1], 8);
	place_close(&place);
}

/* Of many, those that are done with are looked at in turns; new ones at once, none twice. */
static void many_cores(void **state)
{
	Arrived arrived = {};
	char name[64];
	Place place;

	(void)state;
	place_open(&place, "core.%p", 0);
	for (int i = 100; i < 400; i++) {
		(void)snprintf(name, sizeof name, "home/core.%d", i);
		fixture_file(name, "no core");
	}
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 0);
	put_core("home/core.99", 99, 0, false);
	put_core("home/core.250", 250, 0, false); /* overwrites */
	put_core("home/core.999", 999, 0, false);
	for (int i = 0; i < 40; i++)
		assert_true(look(&place, 61 * USEC_PER_SEC, &arrived) >= 0);
	assert_int_equal(arrived.n, 3);
	assert_int_equal(arrived.pids[0] + arrived.pids[1] + arrived.pids[2], 99 + 250 + 999);
	core_run("rm -f home/core.1* home/core.2*");
	put_core("home/core.250", 251, 0, false);
	for (int i = 0; i < 40; i++)
		assert_true(look(&place, 62 * USEC_PER_SEC, &arrived) >= 0);
	assert_int_equal(arrived.n, 4);
	assert_int_equal(arrived.pids[3], 250); /* the name counts */
	place_close(&place);
}

/* A look opens few, wherever they are; the others come with the next ones, and none is passed over
 * for those that never come to rest. */
static void a_look_has_a_bound(void **state)
{
	Arrived arrived = {};
	char name[64];
	Place place;

	(void)state;
	place_open(&place, "core.%p", 0);
	for (int i = 100; i < 100 + 4 * CORE_LOOKS_MAX; i++) {
		(void)snprintf(name, sizeof name, "%s/core.%d", i % 2 ? "home" : "work", i);
		fixture_file(name, "perhaps the beginning of a core");
	}
	put_core("home/core.999", 999, 0, false);
	for (int i = 0; i < 5; i++) { /* 33 files, and none but the core comes to rest */
		assert_true(look(&place, 0, &arrived) >= 0);
		assert_true(core_directory_has_more(place.directory));
	}
	assert_int_equal(arrived.n, 1);
	assert_int_equal(arrived.pids[0], 999);
	for (int i = 0; i < 6; i++) /* now they count as none */
		assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 0);
	assert_false(core_directory_has_more(place.directory));
	place_close(&place);
}

/* Who fills a shared folder with files fills only the places that others have. */
static void others_have_a_bound(void **state)
{
	Arrived arrived = {};
	char name[64];
	Place place;

	(void)state;
	place_open(&place, "core.%p", 0);
	place.setup.uid = geteuid() + 1; /* so that our own files are another's */
	core_directory_free(place.directory);
	assert_int_equal(core_directory_new(&place.setup, 0, &place.directory), 0);
	for (int i = 0; i < CORE_FOREIGN_MAX; i++) {
		(void)snprintf(name, sizeof name, "home/core.%d", 1000 + i);
		fixture_file(name, "");
	}
	do
		assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 0);
	while (core_directory_has_more(place.directory));
	put_core("home/core.9999", 9999, 0, false);
	assert_int_equal(look(&place, 120 * USEC_PER_SEC, &arrived), 0);
	assert_false(core_directory_has_more(place.directory));
	core_run("rm -f home/core.1*");
	assert_int_equal(look(&place, 180 * USEC_PER_SEC, &arrived), 0); /* notes what is gone */
	put_core("home/core.9998", 9998, 0, false);
	for (int i = 0; i < 4; i++)
		assert_true(look(&place, (240 + i) * USEC_PER_SEC, &arrived) >= 0);
	assert_int_equal(arrived.n, 2);
	assert_int_equal(arrived.trust[0], CRASH_UNVERIFIED);
	place_close(&place);
}

static void a_growing_core_waits(void **state)
{
	static CoreBytes core;
	CoreSpec spec = core_spec;
	Arrived arrived = {};
	Place place;

	(void)state;
	spec.uid = geteuid();
	spec.load_bytes = 4096;
	core_make(&core, &spec);
	place_open(&place, "core", 0);
	_cleanup_(closep) int fd =
		open(fixture_at("home/core"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(look(&place, 0, &arrived), 0); /* empty */
	assert_int_equal(write_all(fd, core.data, 100), 0);
	assert_int_equal(look(&place, 0, &arrived), 0); /* half its headers */
	assert_int_equal(write_all(fd, core.data + 100, core.length - 100), 0);
	assert_int_equal(look(&place, 0, &arrived), 0); /* all notes, no memory */
	fixture_file("proc/4242/status", "Name:\tx\nState:\tD\nCoreDumping:\t1\n");
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 0); /* a slow disk */
	assert_int_equal(ftruncate(fd, (off_t)(core.length + 4096)), 0);
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 1);
	assert_false(arrived.truncated[0]);
	place_close(&place);
}

static void a_cut_core_comes_when_nobody_writes_it(void **state)
{
	Arrived arrived = {};
	Place place;

	(void)state;
	place_open(&place, "core", 0);
	put_core("home/core", 4242, 1 << 20, true);
	fixture_file("proc/4242/status", "Name:\tx\nCoreDumping:\t0\n");
	assert_int_equal(look(&place, 0, &arrived), 0);
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 1);
	assert_true(arrived.truncated[0]);
	assert_int_equal(look(&place, 120 * USEC_PER_SEC, &arrived), 0);
	place_close(&place);
}

static void what_is_no_core_is_left_alone(void **state)
{
	Arrived arrived = {};
	Place place;

	(void)state;
	place_open(&place, "core", 0);
	assert_int_equal(mkdir(fixture_at("home/core"), 0700), 0); /* a folder of that name */
	fixture_file("work/core", "a text of that name");
	assert_int_equal(look(&place, 0, &arrived), 0);
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 0);
	assert_int_equal(rmdir(fixture_at("home/core")), 0);
	assert_int_equal(mkfifo(fixture_at("home/core"), 0600), 0);
	assert_int_equal(look(&place, 120 * USEC_PER_SEC, &arrived), 0);
	assert_int_equal(unlink(fixture_at("home/core")), 0);
	put_core("elsewhere", 7, 0, false);
	fixture_link("home/core", "../elsewhere");
	assert_int_equal(look(&place, 180 * USEC_PER_SEC, &arrived), 0);
	place_close(&place);
}

static void who_is_believed(void **state)
{
	static const struct {
		const char *change;
		CrashTrust trust;
	} rows[] = {
		{"true", CRASH_GENUINE}, {"chmod 0644 home/core", CRASH_UNVERIFIED}, /* gcore */
		{"chmod 0660 home/core", CRASH_UNVERIFIED},
		{"ln home/core work/again", CRASH_UNVERIFIED}, /* an old one, under a new name */
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		Arrived arrived = {};
		Place place;
		place_open(&place, "core", 0);
		put_core("home/core", 7, 0, false);
		core_run(rows[i].change);
		assert_int_equal(look(&place, 0, &arrived), 1);
		assert_int_equal(arrived.trust[0], rows[i].trust);
		place_close(&place);
		core_run("rm -rf home work");
	}
	/* Notes that tell another uid than the file's owner, or no signal. */
	CoreSpec spec = core_spec;
	for (int i = 0; i < 2; i++) {
		Arrived arrived = {};
		Place place;
		place_open(&place, "core", 0);
		spec.uid = i == 0 ? geteuid() + 1 : geteuid();
		spec.signal = i == 0 ? SIGSEGV : 0;
		core_write_spec("home/core", &spec);
		assert_int_equal(look(&place, 0, &arrived), 1);
		assert_int_equal(arrived.trust[0], CRASH_UNVERIFIED);
		place_close(&place);
	}
	if (geteuid() != 0)
		return;
	Arrived arrived = {};
	Place place;
	place_open(&place, "core", 0);
	put_core("work/core", 7, 0, false);
	assert_int_equal(chown(fixture_at("work/core"), 4711, 4711), 0);
	core_run("rm home/core");
	assert_int_equal(look(&place, 0, &arrived), 1);
	assert_int_equal(arrived.trust[0], CRASH_UNVERIFIED); /* root believes root */
	place_close(&place);
}

static void earlier_ones_are_not_told_again(void **state)
{
	Arrived arrived = {};
	Place place;

	(void)state;
	place_open(&place, "core.%p", 0);
	put_core("home/core.1", 1, 0, false);
	assert_int_equal(look(&place, 0, &arrived), 1);
	usec_t cursor = core_directory_cursor(place.directory);
	assert_true(cursor > 0);
	place_close(&place);
	/* The next run: from the cursor on. The last one comes again, which the index knows. */
	core_run("touch -d '2001-01-01' home/core.1");
	place_open(&place, "core.%p", cursor);
	put_core("home/core.2", 2, 0, false);
	assert_int_equal(look(&place, 0, &arrived), 1);
	assert_int_equal(arrived.pids[1], 2);
	place_close(&place);
	/* From before this boot: nobody knows which boot it was. */
	place_open(&place, "core.%p", 0);
	place.setup.boot_realtime = now_usec(CLOCK_REALTIME) + USEC_PER_SEC;
	core_directory_free(place.directory);
	assert_int_equal(core_directory_new(&place.setup, 0, &place.directory), 0);
	assert_int_equal(look(&place, 0, &arrived), 2);
	assert_string_equal(arrived.boot_id, "");
	place_close(&place);
}

static void many_folders_in_one_pattern(void **state)
{
	CoreDirectorySetup setup;
	CoreDirectory *directory;
	Place place;

	(void)state;
	place_open(&place, "core", 0);
	setup = place.setup;
	assert_int_equal(core_pattern_parse("/var/%e/core", false, &place.pattern), 0);
	assert_int_equal(core_directory_new(&setup, 0, &directory), -ENOTSUP);
	assert_null(directory);
	assert_int_equal(core_pattern_parse("|x", false, &place.pattern), 0);
	assert_int_equal(core_directory_new(&setup, 0, &directory), 0);
	assert_int_equal(core_directory_n_folders(directory), 0);
	core_directory_free(directory);
	place_close(&place);
}

/* ---- the daemon's shell ---------------------------------------------------------------------- */

static void run_until(sd_event *event, const Arrived *arrived, int n)
{
	usec_t end = now_usec(CLOCK_MONOTONIC) + 10 * USEC_PER_SEC;

	while (arrived->n < n && now_usec(CLOCK_MONOTONIC) < end)
		assert_true(sd_event_run(event, 100 * USEC_PER_MSEC) >= 0);
	assert_int_equal(arrived->n, n);
}

static bool holds_inotify(void)
{
	_cleanup_(closedirp) DIR *dir = opendir("/proc/self/fd");
	char target[64];

	for (const struct dirent *entry; (entry = readdir(dir));) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
		target[MAX_OF(n, (ssize_t)0)] = '\0';
		if (strcmp(target, "anon_inode:inotify") == 0)
			return true;
	}
	return false;
}

static void on_the_loop(void **state)
{
	_cleanup_(closep) int proc_fd = -EBADF;
	const char *home = strdup(fixture_at("home/x"));
	Arrived arrived = {};
	CrashDirectory *directory;
	sd_event *event = NULL;
	size_t folders;

	(void)state;
	((char *)home)[strlen(home) - 2] = '\0';
	const char *directories[] = {home, NULL};
	fixture_file("proc/sys/kernel/core_pattern", "core.%p\n");
	fixture_file("proc/sys/kernel/core_uses_pid", "0\n");
	fixture_file("proc/sys/kernel/hostname", "host\n");
	fixture_file("proc/sys/kernel/random/boot_id", "01234567-89ab-cdef-0123-456789abcdef\n");
	fixture_file("proc/stat", "cpu 1 2\nbtime 1700000000\n");
	proc_fd = open(fixture_at("proc"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_core("home/core.6", 6, 0, false);
	assert_int_equal(sd_event_new(&event), 0);
	const CrashDirectoryOptions options = {
		.proc_fd = proc_fd, .directories = directories, .poll_usec = 20 * USEC_PER_MSEC};
	assert_int_equal(crash_directory_new(event, &options, on_arrived, &arrived, &directory), 0);
	run_until(event, &arrived, 1);
	assert_int_equal(crash_directory_target(directory, &folders), CORE_TARGET_RELATIVE);
	assert_int_equal(folders, 1);
	assert_string_equal(arrived.boot_id, BOOT);
	assert_true(crash_directory_cursor(directory) > 0);
	put_core("home/core.7", 7, 0, false);
	run_until(event, &arrived, 2);
	assert_false(holds_inotify());
	/* The pattern changes under us: to a pipe, and back to another name. */
	fixture_file("proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n");
	for (int i = 0; i < 500 && crash_directory_target(directory, &folders) != CORE_TARGET_PIPE;
		i++)
		assert_true(sd_event_run(event, 20 * USEC_PER_MSEC) >= 0);
	assert_int_equal(crash_directory_target(directory, &folders), CORE_TARGET_PIPE);
	assert_int_equal(folders, 0);
	put_core("home/dump.8", 8, 0, false);
	fixture_file("proc/sys/kernel/core_pattern", "dump.%p\n");
	crash_directory_refresh(directory); /* else it takes a minute */
	run_until(event, &arrived, 3);
	assert_int_equal(arrived.pids[2], 8);
	crash_directory_free(directory);
	sd_event_unref(event);
	free((char *)home);
}

/* ---- the kernel's own ------------------------------------------------------------------------ */

static void what_this_kernel_writes(void **state)
{
	char path[128];
	Arrived arrived = {};
	Place place;

	(void)state;
	if (!core_kernel_writes()) {
		print_message("kernel.core_pattern is not 'core': no real core can be had here\n");
		skip();
	}
	core_build_crasher();
	place_open(&place, "core", 0);
	pid_t pid = core_crash("home", "segv", RLIM_INFINITY);
	assert_int_equal(look(&place, 0, &arrived), 1);
	assert_int_equal(arrived.pids[0], pid);
	assert_int_equal(arrived.signal, SIGSEGV);
	assert_int_equal(arrived.trust[0], CRASH_GENUINE);
	assert_false(arrived.truncated[0]);
	(void)snprintf(path, sizeof path, "%s/crasher", fixture_path);
	assert_string_equal(arrived.exe, path);
	/* Again, into the same file; then one that the limit cuts. */
	pid = core_crash("home", "abort", RLIM_INFINITY);
	assert_int_equal(look(&place, 0, &arrived), 1);
	assert_int_equal(arrived.pids[1], pid);
	pid = core_crash("work", "big", (rlim_t)1024 * 1024);
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 1);
	assert_int_equal(arrived.pids[2], pid);
	assert_true(arrived.truncated[2]);
	assert_int_equal(arrived.trust[2], CRASH_GENUINE);
	place_close(&place);
}

/* Looked at all the while that the kernel writes it: it comes once, and whole. */
static void while_this_kernel_writes(void **state)
{
	usec_t end = now_usec(CLOCK_MONOTONIC) + 20 * USEC_PER_SEC;
	_cleanup_(closep) int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Arrived arrived = {};
	Place place;

	(void)state;
	if (!core_kernel_writes()) {
		print_message("kernel.core_pattern is not 'core': no real core can be had here\n");
		skip();
	}
	core_build_crasher();
	place_open(&place, "core", 0);
	place.setup.proc_fd = proc_fd;
	core_directory_free(place.directory);
	assert_int_equal(core_directory_new(&place.setup, 0, &place.directory), 0);
	pid_t child = fork();
	if (child == 0) {
		(void)core_crash("home", "big", RLIM_INFINITY);
		_exit(0);
	}
	/* As if long settled, so that only the kernel's own word holds it back. */
	while (arrived.n == 0 && now_usec(CLOCK_MONOTONIC) < end)
		assert_true(look(&place, 60 * USEC_PER_SEC, &arrived) >= 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(look(&place, 60 * USEC_PER_SEC, &arrived), 0);
	assert_int_equal(arrived.n, 1);
	assert_false(arrived.truncated[0]);
	assert_int_equal(arrived.signal, SIGABRT);
	assert_int_equal(arrived.trust[0], CRASH_GENUINE);
	place_close(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
		TEST(where_cores_go),
		TEST(folders_of_a_user),
		TEST(names_of_cores),
		TEST(what_names_tell),
		TEST(hostile_names_take_no_time),
		TEST(new_cores_arrive_once),
		TEST(one_name_overwritten),
		TEST(many_cores),
		TEST(a_look_has_a_bound),
		TEST(others_have_a_bound),
		TEST(a_growing_core_waits),
		TEST(a_cut_core_comes_when_nobody_writes_it),
		TEST(what_is_no_core_is_left_alone),
		TEST(who_is_believed),
		TEST(earlier_ones_are_not_told_again),
		TEST(many_folders_in_one_pattern),
		TEST(on_the_loop),
		TEST(what_this_kernel_writes),
		TEST(while_this_kernel_writes),
	};

	return cmocka_run_group_tests_name("core-directory", tests, NULL, NULL);
}
