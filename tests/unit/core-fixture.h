/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Cores for tests, as files: made up ones, and real ones, from a program that is compiled and
 * crashes here. */
#include "tests/unit/core-bytes.h"
#include "tests/unit/test.h"
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Writes it below the fixture, sparse up to its whole length. */
static inline void core_write(const char *name, const CoreBytes *core)
{
	_cleanup_(closep) int fd =
		open(fixture_at(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, core->data, core->length), 0);
	assert_int_equal(ftruncate(fd, (off_t)(core->length + core->spec->load_bytes)), 0);
}

static inline void core_write_spec(const char *name, const CoreSpec *spec)
{
	static CoreBytes core;

	core_make(&core, spec);
	core_write(name, &core);
}

static inline int core_fixture_open(const char *name)
{
	int fd = open(fixture_at(name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Runs a shell command in the fixture's folder; it must succeed. */
static inline void core_run(const char *command)
{
	char line[2048];

	(void)snprintf(line, sizeof line, "cd '%s' && %s", fixture_path, command);
	assert_int_equal(system(line), 0);
}

/* ---- real ones ------------------------------------------------------------------------------- */

static const char crasher_source[] =
	"#include <pthread.h>\n#include <stdlib.h>\n#include <string.h>\n"
	"static void *fall(void *p) { *(volatile int *)8 = 1; return p; }\n"
	"int main(int argc, char **argv) { pthread_t t;\n"
	"if (argc > 1 && !strcmp(argv[1], \"abort\")) abort();\n"
	"if (argc > 1 && !strcmp(argv[1], \"big\")) { size_t n = 64u << 20;\n"
	"  char *p = malloc(n); for (size_t i = 0; i < n; i += 4096) p[i] = 1; abort(); }\n"
	"if (argc > 1 && !strcmp(argv[1], \"thread\")) {\n"
	"  pthread_create(&t, 0, fall, 0); pthread_join(t, 0); }\n"
	"fall(argv); return 0; }\n";

/* Whether this machine's kernel writes cores into the folder of the process under the name "core".
 * Where it does not, tests with real cores cannot be made and skip. */
static inline bool core_kernel_writes(void)
{
	char pattern[256] = "", uses_pid[8] = "";

	(void)read_line_at(AT_FDCWD, "/proc/sys/kernel/core_pattern", pattern, sizeof pattern);
	(void)read_line_at(AT_FDCWD, "/proc/sys/kernel/core_uses_pid", uses_pid, sizeof uses_pid);
	return strcmp(pattern, "core") == 0 && strcmp(uses_pid, "0") == 0;
}

static inline void core_build_crasher(void)
{
	fixture_file("crasher.c", crasher_source);
	core_run("gcc -O0 -pthread -o crasher crasher.c");
}

/* The program crashes in the folder, which must exist below the fixture. Gives its pid. */
static inline pid_t core_crash(const char *folder, const char *how, rlim_t core_bytes)
{
	const struct rlimit limit = {core_bytes, core_bytes};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char program[128];
		(void)snprintf(program, sizeof program, "%s/crasher", fixture_path);
		if (chdir(fixture_path) < 0 || chdir(folder) < 0 ||
			setrlimit(RLIMIT_CORE, &limit) < 0)
			_exit(99);
		(void)execl(program, "crasher", how, "with space", (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return pid;
}
