/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The links between the kernel's fault and the journal, as files tell of them. Reads only, beneath
 * a directory that stands for "/", so that a fixture tree does. What to say about each is the
 * caller's (cli/doctor-crash.c). */
#include "common/forward.h"

/* Who takes cores, by kernel.core_pattern (core(5); since 6.16 "@" and "@@" name a socket). */
typedef enum CoreTakerKind {
	CORE_TAKER_UNKNOWN, /* could not be read */
	CORE_TAKER_NOTHING, /* empty, or a pipe into something that only drops it */
	CORE_TAKER_SYSTEMD, /* a pipe into systemd-coredump */
	CORE_TAKER_SOCKET,  /* a socket; systemd-coredump's from 262 on */
	CORE_TAKER_APPORT,
	CORE_TAKER_ABRT,
	CORE_TAKER_OTHER,    /* a pipe into something else */
	CORE_TAKER_FILE,     /* an absolute path */
	CORE_TAKER_RELATIVE, /* a file in the crashing program's own directory */
	CORE_TAKER_KIND_MAX,
} CoreTakerKind;

typedef struct CoreTaker {
	CoreTakerKind kind;
	char text[256];	   /* the whole pattern */
	char handler[256]; /* of pipes the program, of sockets the path; "" */
	bool missing;	   /* the handler is not there */
} CoreTaker;

/* text: the pattern without its newline. Never fails. */
void core_taker_parse(const char *text, CoreTaker *ret);

typedef struct Pipeline {
	CoreTaker taker;
	bool systemd_coredump;	   /* the program is installed */
	bool processor_on_dump;	   /* Vigil's processor hangs on systemd-coredump@.service */
	bool processor_follows;	   /* … or runs beside systemd-coredumpd.service */
	const char *processor_dir; /* where its unit is installed, static; NULL: nowhere */
	bool kcrash;		   /* some library of KCrash is installed */
	bool drkonqi;
} Pipeline;

/* root_fd: what stands for "/"; proc_fd: for "/proc". Never fails; what cannot be read counts as
 * not there. */
void pipeline_read(int root_fd, int proc_fd, Pipeline *ret);

/* How this distribution installs systemd-coredump; NULL where that is not known. Static. */
const char *pipeline_install_command(int root_fd);
/* The command with which root has the processor started for each crash. */
void pipeline_enable_command(const Pipeline *pipeline, char *buf, size_t size);

/* The group out of names (NULL-terminated) that lets its members read the whole journal
 * (systemd-journald.service(8): systemd-journal, adm, wheel); NULL: none. */
const char *pipeline_journal_group(const char *const *names);

/* Whether NAME=VALUE stands in a NULL-terminated environment block. */
bool pipeline_has_variable(const char *const *environment, const char *assignment);
