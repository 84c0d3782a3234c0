/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A program run to its end while the caller waits: bounded in what it says and in how long it
 * takes, and gone when the caller is. For command lines, which have nothing else to do meanwhile;
 * an event loop has sd-event. It reads /dev/null, is in a process group of its own (all of which is
 * killed with it), and has of the caller's file descriptors only those that it is given. */
#include "common/forward.h"

#define CHILD_FDS_MAX  8
#define CHILD_LINE_MAX 512 /* of a line of its stderr, with NUL; what is longer is cut */

typedef struct ChildRequest {
	const char *path; /* of the program; nothing is looked for in $PATH */
	const char *const *argv;
	const char *const *environment; /* NULL: the caller's */
	/* Which it inherits, under the same numbers; from 3 on. The caller's need not be without
	 * O_CLOEXEC. */
	const int *fds;
	size_t n_fds;
	size_t max_output; /* bytes of stdout; one more and it is killed */
	usec_t timeout_usec;
	usec_t grace_usec; /* before it is killed it gets SIGTERM and so long to clean up; 0 */
	bool background;   /* nice 19 and idle I/O */
	/* SIGINT, SIGTERM and SIGHUP end the child. They do to the caller what they would have done
	 * as soon as all is cleaned up; or, with this, SIGINT ends the child and nothing more. */
	bool takes_interrupt;
	/* Each line of its stderr, without newline, raw. 0: kept if it is the last; 1: not kept; a
	 * negative one ends the child, and is given back. NULL: all are kept. */
	int (*line)(const char *line, void *userdata);
	void *userdata;
} ChildRequest;

typedef struct ChildResult {
	char *output; /* owned; never NULL, NUL-terminated */
	size_t length;
	char error[CHILD_LINE_MAX]; /* the last line of its stderr that is not empty; raw */
	int status;		    /* with which it left; -1: killed by */
	int signal;
} ChildResult;

void child_result_done(ChildResult *result); /* fine on {} and twice */

/* 0: it ended by itself, however; ret is to be emptied with child_result_done(). -ETIMEDOUT, -EFBIG
 * (too much on stdout), -EINTR (a signal), what .line gave; -ENOENT, -EACCES …: it could not be
 * started; -errno. It is gone then, too. */
int child_run(const ChildRequest *request, ChildResult *ret);
