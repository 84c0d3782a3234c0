/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"

/* Configuration: INI files (inih) read into one struct by a table of rows. A bad value or an
 * unknown key is reported with file and line, the default stays, and reading goes on. */

/* What reads one value into the target. Built-in parsers are below; a module may bring its own.
 * 0, or -errno; on failure target is untouched. `hint` says what would have been right. */
typedef struct ConfType {
	int (*parse)(const char *value, void *target, const void *row_data);
	const char *hint; /* "a span like 10min", "a number from 1 to 99" */
} ConfType;

typedef struct ConfRow {
	const char *section;
	const char *key;
	const ConfType *type;
	size_t offset;	   /* of the target in the struct */
	const void *data;  /* for the type: ConfRange, ConfEnum, … */
	const char *help;  /* one sentence for the man page */
	const char *shown; /* the default as text, for the man page */
} ConfRow;

typedef struct ConfRange {
	uint64_t min, max;
} ConfRange;

/* Targets: span = usec_t, number = uint64_t (data: ConfRange, may be NULL), boolean = bool, string
 * = char * (owned, freed and replaced), strings = char ** (owned NULL-terminated vector;
 * space-separated value, an empty value empties it), choice = int (data: NULL-terminated const char
 * *const *, the index is stored). */
extern const ConfType conf_span, conf_number, conf_boolean, conf_string, conf_strings, conf_choice;

/* One complaint: file:line and what is wrong, a whole sentence. */
typedef void (*ConfReport)(const char *file, unsigned line, const char *message, void *userdata);

/* Reads one file into target. A missing file is no error (0); 1 when it was read; -errno otherwise.
 */
int conf_read_file(const char *path, const ConfRow *rows, size_t n_rows, void *target,
	ConfReport report, void *userdata);
/* Reads `vigil.conf` of each directory, lowest priority first, then the `vigil.conf.d` drop-ins of
 * all of them, sorted by name; a name in a later directory replaces the same name in an earlier
 * one. dirs: NULL-terminated, e.g. {"/usr/lib/vigil", "/etc/vigil",
 * "~/.config/vigil"}. 0 or -ENOMEM; unreadable files are reported and passed over. */
int conf_read_all(const char *const *dirs, const ConfRow *rows, size_t n_rows, void *target,
	ConfReport report, void *userdata);
/* Frees what string and strings rows of target own. */
void conf_done(const ConfRow *rows, size_t n_rows, void *target);
