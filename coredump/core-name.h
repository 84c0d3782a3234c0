/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Names that systemd gives to cores: core.COMM.UID.BOOTID.PID.TIME[.zst|.lz4|.xz], COMM with \xNN
 * for dots, slashes and spaces (coredump-submit.c make_filename()). Pure. */
#include "coredump/core-stream.h"
#include "coredump/record.h"

typedef struct CoreName {
	char comm[64]; /* unescaped; cut */
	uid_t uid;
	char boot_id[33];
	pid_t pid;
	usec_t when_realtime; /* names of old versions have seconds: made microseconds here */
	CoreCompression compression;
} CoreName;

/* false: no such name. */
bool core_name_parse(const char *name, CoreName *ret);
/* Whether it is the name of this very crash's core, by boot, pid, time and user. */
bool core_name_is_of(const CoreName *name, const Crash *crash);
/* Fills what crash lacks. 0 or -ENOMEM. */
int core_name_take(const CoreName *name, Crash *crash);
