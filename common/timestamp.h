/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Points in time as people type them and read them. */
#include "common/forward.h"

/* The forms of systemd.time(7), "Parsing Timestamps", in local time:
 *   now today yesterday tomorrow       2026-11-24 10:00[:30[.5]]    2026-11-24    10:00[:30]
 *   -1h  +5min  "2h ago"  "1d left"    @1764000000[.25]
 * A weekday may stand in front ("Tue 2026-11-24"; it must be the right one), "T" between date and
 * time, and UTC, Z or an offset like +01:00 behind. Names of other time zones are not known. Takes
 * the time zone from TZ as tzset(3) does; now_realtime is what "now" means. 0, or -EINVAL (not such
 * a form, a day that is not in the calendar, before 1970). */
int parse_timestamp(const char *text, usec_t now_realtime, usec_t *ret_realtime);

/* Local time, "2026-11-24 10:00:30" (or without seconds, or with weekday and zone: "Tue 2026-11-24
 * 10:00:30 CET"), "-" for 0. buf must hold 64 bytes; returns buf. */
typedef enum TimestampForm { TIMESTAMP_MINUTES, TIMESTAMP_SECONDS, TIMESTAMP_FULL } TimestampForm;
const char *format_timestamp(usec_t realtime, TimestampForm form, char buf[static 64]);
/* "5min ago", "in 2h", "now"; buf must hold 64 bytes; returns buf. */
const char *format_relative(usec_t realtime, usec_t now_realtime, char buf[static 64]);
