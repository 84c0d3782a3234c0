/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who logged an entry decides whether it is believed. */
#include "coredump/trust.h"

#include "common/text.h"

static bool is_coredump_unit(const char *unit)
{
	const char *instance = startswith(unit, "systemd-coredump@");

	if (streq(unit, "systemd-coredumpd.service"))
		return true;
	/* An instance is there, whatever it looks like; a template alone logs nothing. */
	return instance && endswith(instance, ".service") && !streq(instance, ".service");
}

CrashTrust crash_trust(const TrustedFields *fields)
{
	if (fields->systemd_unit && is_coredump_unit(fields->systemd_unit))
		return CRASH_GENUINE;
	return fields->uid && streq(fields->uid, "0") ? CRASH_GENUINE : CRASH_UNVERIFIED;
}
