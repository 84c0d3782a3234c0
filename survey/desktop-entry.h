/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Desktop entries: what an application calls itself, its icon, and what it runs. After the Desktop
 * Entry Specification 1.5 (group "Desktop Entry", localised keys, escapes) and the XDG base
 * directories. The files are foreign: bounded, regular ones only, results raw. */
#include "common/forward.h"

typedef struct DesktopEntry {
	char *id;	   /* without ".desktop" */
	char *name;	   /* Name= in the language asked for */
	char *icon;	   /* Icon=: a theme name or a path; NULL: none */
	char *program;	   /* the program that Exec= starts, behind env(1) and its variables; NULL:
			      none */
	char *try_program; /* TryExec=; NULL: none */
	bool terminal;	   /* a terminal emulator: what runs in its scope is not its doing */
	bool hidden;	   /* Hidden=: as if deleted */
} DesktopEntry;

/* The directories to look in, first wins: "applications" beneath XDG_DATA_HOME, XDG_DATA_DIRS (or
 * their defaults), flatpak's and snap's exports. NULL-terminated; NULL: no memory. Caller frees
 * with desktop_entry_dirs_free(). */
char **desktop_entry_dirs(void);
char **desktop_entry_dirs_free(char **dirs); /* takes NULL, gives NULL */

/* Reads one entry's text. locale: "de_DE.UTF-8@euro" as setlocale(LC_MESSAGES, NULL) gives it; NULL
 * or "C": untranslated. Pure. 0 (only .id stays NULL); -EINVAL: no group or no name; -ENOMEM. */
int desktop_entry_parse(const char *text, const char *locale, DesktopEntry *ret);
/* Looks for "ID.desktop" (then "PREFIX/REST.desktop", as the specification makes ids of
 * subdirectories). 0; -ENOENT none, or hidden; -EINVAL: no id ('/' or '.' first, too long, empty)
 * or no entry; -errno. The caller empties ret with desktop_entry_done(). */
int desktop_entry_find(
	const char *const *dirs, const char *id, const char *locale, DesktopEntry *ret);
void desktop_entry_done(DesktopEntry *entry);

/* Whether what it starts (and its TryExec) is there. search_path: as $PATH. */
bool desktop_entry_can_run(const DesktopEntry *entry, const char *search_path);
