/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "coredump/index.h"

/* Brings the index back within what vigil.conf(5) allows it, as the daemon does: an index that only
 * the command line fills is bounded, too. Trouble is ignored; the next one tries again. */
void crash_bounds_apply(CrashIndex *index);
