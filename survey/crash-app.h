/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What to call a program that is gone, by what was written down of it: its application's name and
 * icon where it is the application's own doing. /proc is never asked: the pid may be another's by
 * now. Texts are foreign, and raw. */
#include "survey/identity.h"

typedef struct CrashAppSource { /* borrowed; any may be NULL */
	const char *exe, *cmdline, *comm;
	const char *unit, *user_unit; /* of the system's manager, of the user's */
	const char *cgroup;
	pid_t pid;
} CrashAppSource;

typedef struct CrashApp { /* owned; crash_app_done() */
	char *name;	  /* never NULL */
	char *icon;	  /* theme name or path; NULL: none */
	char *app_id;	  /* whose desktop entry it is; NULL: not an application's own doing */
	char *inside;	  /* name of the application that it ran in but is not; NULL. Never a
			     terminal's */
	char *unit;	  /* innermost; NULL */
	char *container;  /* as identity_container() */
	bool part;	  /* a helper process of a browser or the like: the rest goes on */
	bool interpreted; /* exe is an interpreter, which says nothing about the program */
	bool service;	  /* .unit is a service of the user's that was written down */
} CrashApp;

/* 0 or -ENOMEM. */
int crash_app_find(IdentityCache *cache, const CrashAppSource *source, CrashApp *ret);
void crash_app_done(CrashApp *app);
