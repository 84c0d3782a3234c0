/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"
#include <errno.h>

/* Opens name beneath dir_fd for reading; never blocks on a FIFO and never follows a symlink at the
 * end. Only regular files are accepted (everything in /proc counts as regular). Gives an fd, or
 * -errno
 * (-EINVAL: not a regular file). */
int open_regular_at(int dir_fd, const char *name);
/* Reads at most max bytes of fd from where it stands. Gives the number of bytes (truncated at max,
 * never an error for that) or -errno. *ret is NUL-terminated behind them and the caller's to free.
 */
ssize_t read_fd_max(int fd, size_t max, char **ret);
/* open_regular_at + read_fd_max. */
ssize_t read_file_at(int dir_fd, const char *name, size_t max, char **ret);
/* The same with a trailing newline cut off, into a buffer of the caller's. Length or -errno. */
ssize_t read_line_at(int dir_fd, const char *name, char *buf, size_t size);
/* One number in a file (sysctls). 0, -errno, -EINVAL, -ERANGE. */
int read_u64_at(int dir_fd, const char *name, uint64_t *ret);
/* write(2) until all is written or an error. 0 or -errno. Handles EINTR and short writes. */
int write_all(int fd, const void *data, size_t length);

/* Replaces dir_fd/name by these bytes so that at any instant either the old or the new file stands
 * there: temporary file in the same directory, mode, fsync, rename, fsync of the directory.
 * Nothing half-written stays behind on failure. 0 or -errno. */
int write_file_atomic(int dir_fd, const char *name, mode_t mode, const void *data, size_t length);

/* A file that appears under its name only once it is whole: unnamed until then where the filesystem
 * has such files (O_TMPFILE), so that nothing stays behind however the writer ends. */
typedef struct NewFile {
	int fd;	    /* to be written; mode 0600 */
	int dir_fd; /* borrowed */
	char name[256], temporary[256];
	bool named; /* temporary exists already */
} NewFile;
#define NEW_FILE_INIT                                                                              \
	{                                                                                          \
		.fd = -EBADF, .dir_fd = -EBADF                                                     \
	}

/* 0; -ENAMETOOLONG, -errno. Empties with new_file_done(). */
int new_file_open(int dir_fd, const char *name, NewFile *ret);
/* Puts it in the place of name, whatever stood there (a symlink is replaced, not followed), with
 * fsync before and behind. 0 or -errno; nothing is changed then. */
int new_file_commit(NewFile *file, mode_t mode);
/* What was not committed goes. Fine on NEW_FILE_INIT and twice. */
void new_file_done(NewFile *file);

/* Creates path and missing parents (0700). 0 or -errno. */
int make_directories(const char *path);

/* The base directories of the XDG specification with "vigil" beneath it, from the environment with
 * the specification's defaults (absolute paths only; others are ignored as it demands). Caller
 * frees; NULL: no memory or no home. */
char *xdg_config_dir(void);
char *xdg_state_dir(void);
char *xdg_cache_dir(void);
/* $XDG_RUNTIME_DIR/vigil, or NULL where there is none. */
char *xdg_runtime_dir(void);
