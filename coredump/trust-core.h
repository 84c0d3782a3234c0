/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Proof by the core. systemd-coredump may have ended before journald looked at who it is; then its
 * entry lacks _SYSTEMD_UNIT (and _EXE, _COMM, …), as a forged one may. What nobody but root can
 * make is the core in systemd's folder: where one bears the identity that the entry tells, the
 * crash happened, and to that user. Entries without a core stay unproven. */
#include "coredump/record.h"

#define TRUST_CORES "/var/lib/systemd/coredump"

/* folder: where systemd puts cores (TRUST_CORES; a test's), which must be root's, and only root's
 * to write. crash: identified. logged_by: the entry's _UID, which journald has from the kernel.
 * True: a file of root's there is named by this boot, pid, time and uid, the uid is also logged_by,
 * and what the file tells of the executable (user.coredump.exe) or, where that cannot be read, of
 * the command's name is what the entry says. */
bool crash_proven_by_core(const char *folder, const Crash *crash, uid_t logged_by);
