/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* As whom a process ran: from its auxiliary vector (getauxval(3)) and /proc/PID/status. Pure. */
#include "coredump/record.h"

typedef struct CoreIdentity {
	int secure; /* AT_SECURE; -1: not told */
	uid_t uid, euid;
	gid_t gid, egid;
} CoreIdentity;

/* From the bytes of an auxiliary vector of words of 4 or 8 bytes. false: it does not tell all. */
bool core_identity_from_auxv(
	const unsigned char *auxv, size_t length, size_t word, bool big_endian, CoreIdentity *ret);
/* From the fields that a crash kept: COREDUMP_PROC_AUXV if it is in hexadecimal or survived as
 * text, else COREDUMP_PROC_STATUS (secure is then -1). false: neither tells. */
bool core_identity_of(const Crash *crash, CoreIdentity *ret);
