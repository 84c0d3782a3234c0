/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The files and arguments that DrKonqi wants (reporter.h says which and where from). */
#include "coredump/reporter.h"

/* Whether DrKonqi would take this crash: its own launcher's conditions. */
bool drkonqi_takes(const ReporterSetup *setup, const Crash *crash);
/* Its arguments from the [KCrash] group. path: becomes argv[0]. NULL-terminated, caller frees with
 * words_free() (common/words.h); NULL: no memory. Pure. */
char **drkonqi_arguments(const char *path, const json_t *kcrash);
/* The text of its metadata file. Caller frees; NULL: no memory. Pure. */
char *drkonqi_json(const ReporterSetup *setup, const Crash *crash);
char *drkonqi_ini(const ReporterSetup *setup, const Crash *crash);
/* What DrKonqi's own launcher (6 and later) made of a crash's KCrash metadata when it was quicker
 * than we: the same groups, from drkonqi/crashes/. It stays there, DrKonqi goes on using it.
 * Bounded and owner-checked as KCrash's own file (kcrash.h). 1 and *ret (new reference); 0: none;
 * -errno. */
int drkonqi_read(int cache_fd, const Crash *crash, uid_t owner, json_t **ret);
/* Writes the file. *ret_path: beneath cache_path, caller frees. 0 or -errno. */
int drkonqi_write(const ReporterSetup *setup, const Crash *crash, char **ret_path);
