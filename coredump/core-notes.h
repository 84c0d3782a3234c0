/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A crash out of a core file alone: its ELF notes (NT_PRSTATUS, NT_PRPSINFO, NT_SIGINFO, NT_AUXV,
 * NT_FILE; core(5), elf(5)) and, where systemd stored it, its name and user.coredump.* extended
 * attributes. Bounded reads with pread; both byte orders and classes; nothing is mapped. */
#include "coredump/record.h"

/* fd: a plain or compressed core. name: the file's name (core.COMM.UID.BOOTID.PID.TIME is
 * understood, so that import and journal give the same identity; anything else is only a name);
 * path: where it is, becomes core_file. Fills and identifies ret; what the caller has set there
 * (after CRASH_INIT: machine and boot id, what a core_pattern's name tells) stays as it is, then
 * the name counts, then the attributes, then the notes, and the file's mtime where nothing tells
 * when. A plain core that is shorter than its headers say is marked truncated. trust stays
 * CRASH_UNVERIFIED for the caller to decide. 0; -EBADMSG: no core; -errno. */
int crash_from_core(int fd, const char *name, const char *path, Crash *ret);
