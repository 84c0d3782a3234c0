/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* cmocka, with what it wants to be included before it; and fixture trees in a temporary directory.
 */
#include "common/cleanup.h"
#include "common/forward.h"
#include "common/io.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

/* clang-format off: cmocka.h needs what stands above */
#include <cmocka.h>
/* clang-format on */

static char fixture_path[64];

static inline int fixture_setup(void **state)
{
	(void)state;
	strcpy(fixture_path, "/tmp/vigil-test-XXXXXX");
	return mkdtemp(fixture_path) ? 0 : -1;
}

static inline int fixture_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int fixture_teardown(void **state)
{
	(void)state;
	return nftw(fixture_path, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int fixture_open(void)
{
	int fd = open(fixture_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The path below the fixture, its parents made. Static buffer. */
static inline const char *fixture_at(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof path, "%s/%s", fixture_path, name);
	char *slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(make_directories(path), 0);
	*slash = '/';
	return path;
}

static inline void fixture_file(const char *name, const char *text)
{
	_cleanup_(closep) int fd =
		open(fixture_at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static inline void fixture_link(const char *name, const char *target)
{
	assert_int_equal(symlink(target, fixture_at(name)), 0);
}
