/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"
#include <errno.h>
#include <syslog.h>

/* Logging to stderr. Where stderr is the journal (sd-daemon(3), JOURNAL_STREAM) each line carries
 * its
 * `<priority>` prefix; on a terminal or in a pipe it carries the program's name instead.
 * Levels as in style.md: error = this operation stops, warning = degraded, notice = the user should
 * know, info = rare state change, debug = free. Libraries log at debug only. Control characters in
 * messages are replaced, so no foreign text can forge a second line. */

/* program: static string, shown before each line. max_level: LOG_ERR … LOG_DEBUG. */
void log_setup(const char *program, int max_level);
void log_set_max_level(int level);
int log_get_max_level(void);

/* error: 0, or an errno value (either sign) for %m. Returns -abs(error): `return log_error_errno(r,
 * "…: %m")`. */
int log_full(int level, int error, const char *format, ...) PRINTF_FORMAT(3, 4);

#define log_error(...)		  ((void)log_full(LOG_ERR, 0, __VA_ARGS__))
#define log_warning(...)	  ((void)log_full(LOG_WARNING, 0, __VA_ARGS__))
#define log_notice(...)		  ((void)log_full(LOG_NOTICE, 0, __VA_ARGS__))
#define log_info(...)		  ((void)log_full(LOG_INFO, 0, __VA_ARGS__))
#define log_debug(...)		  ((void)log_full(LOG_DEBUG, 0, __VA_ARGS__))
#define log_error_errno(e, ...)	  log_full(LOG_ERR, e, __VA_ARGS__)
#define log_warning_errno(e, ...) log_full(LOG_WARNING, e, __VA_ARGS__)
#define log_debug_errno(e, ...)	  log_full(LOG_DEBUG, e, __VA_ARGS__)
