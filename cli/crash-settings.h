/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "coredump/index.h"
#include "monitord/config.h"

/* vigil.conf(5) as the daemon reads it, but silently: of what is wrong with the files the daemon
 * complains, a list is no place for it. config_done() empties it. */
void crash_settings_load(MonitorConfig *ret);

/* Brings the index back within what vigil.conf(5) allows it, as the daemon does: an index that only
 * the command line fills is bounded, too. Trouble is ignored; the next one tries again. */
void crash_bounds_apply(CrashIndex *index);
