/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which version of its package a program had when it crashed, as far as the crash itself tells:
 * systemd-coredump reads it from the executable's package note.
 * https://uapi-group.org/specifications/specs/package_metadata_for_executable_files/ */
#include "coredump/record.h"

#define CRASH_VERSION_MAX 256 /* bytes */

/* COREDUMP_PACKAGE_VERSION, else the executable's entry of COREDUMP_PACKAGE_JSON. Caller frees;
 * NULL: not told, or no memory. Pure. */
char *crash_version(const Crash *crash);
