/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The one file that vigil-helper writes: sysctl.d/60-vigil-inotify.conf, with what it needs to undo
 * itself. Pure: text in, text out. */
#include "survey/limits.h"

typedef struct DropInEntry {
	bool set;
	uint64_t value;
	uint64_t previous; /* what was in force before Vigil's first change */
	uid_t uid;	   /* who asked last */
	usec_t when_realtime;
} DropInEntry;

typedef struct DropIn {
	DropInEntry entries[INOTIFY_RESOURCE_MAX];
} DropIn;

#define DROPIN_MAX_BYTES 4096

/* "fs.inotify.max_user_instances", "fs.inotify.max_user_watches". */
const char *dropin_key(InotifyResource resource);
/* Reads text that dropin_render() made. 0; -EBADMSG: not ours, or changed by hand (nothing is then
 * known for sure). */
int dropin_parse(const char *text, DropIn *ret);
/* The file's text; buf is DROPIN_MAX_BYTES. Gives its length. */
size_t dropin_render(const DropIn *dropin, char buf[static DROPIN_MAX_BYTES]);
bool dropin_is_empty(const DropIn *dropin);
