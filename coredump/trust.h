/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether a journal entry about a crash is genuine. Any local user can log an entry with every
 * COREDUMP_ field and MESSAGE_ID, and `systemd-coredump --backtrace` will do so for them with the
 * real _EXE. Only the fields that journald itself adds (leading underscore) cannot be forged. Pure.
 */
#include "coredump/record.h"

typedef struct TrustedFields {	  /* of the entry, as journald added them; NULL: absent */
	const char *systemd_unit; /* _SYSTEMD_UNIT */
	const char *uid;	  /* _UID */
} TrustedFields;

/* CRASH_GENUINE: logged from systemd-coredump@INSTANCE.service (252 "0-61-0", 262
 * "0-1-79_28092-0", whatever else) or systemd-coredumpd.service; or by root itself, as for
 * crashes of PID 1 and journald. An entry without a unit may still be proven: trust-core.h. */
CrashTrust crash_trust(const TrustedFields *fields);
