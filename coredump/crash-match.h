/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What people type to choose crashes, as coredumpctl(1) understands it: a PID, a program's name
 * (COMM; what is longer than the kernel keeps is the executable's), a path (EXE), or FIELD=VALUE;
 * * ? [] make any but a PID a pattern. Several of one kind are alternatives, of different kinds all
 * must hold. Pure. */
#include "coredump/index.h"

#define CRASH_MATCHES_MAX 64

typedef struct CrashMatches { /* {} is empty */
	CrashMatch rows[CRASH_MATCHES_MAX];
	size_t n;
	char *owned[CRASH_MATCHES_MAX]; /* texts of rows that had to be made; NULL: borrowed */
} CrashMatches;

/* directory: that a path without a leading slash is in; NULL: it is refused. argument is borrowed
 * until crash_matches_done(). 0; -EINVAL: "=VALUE", or such a path; -E2BIG; -ENOMEM. */
int crash_matches_add(CrashMatches *matches, const char *argument, const char *directory);
/* A match as it is; field and value are borrowed. 0; -E2BIG. */
int crash_matches_add_field(CrashMatches *matches, const char *field, const char *value, bool glob);
void crash_matches_done(CrashMatches *matches);
