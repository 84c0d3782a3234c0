/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The words of a trace's JSON, for those who write and who read it. */
#include "coredump/trace.h"

extern const char *const trace_module_states[MODULE_STATE_MAX];
extern const char *const trace_symbols[SYMBOLS_MAX];
