/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* org.vigil.Helper1: what root does for others, and nothing else. The verbs and their errors are
 * the tables of methods.c. */
#include "common/names.h"
#include "helper/change.h"
#include <systemd/sd-bus.h>

/* Prompts that may stand open at once: of all callers, and of one user, who may have an agent of
 * their own that never answers; nobody is to keep everybody else out with it. */
#define HELPER_PENDING_MAX     12
#define HELPER_PENDING_OWN_MAX 4

typedef struct Request Request;

typedef struct Helper {
	ChangeRoots roots;
	int cores_fd;	  /* /var/lib/systemd/coredump; -EBADF: there is none */
	Request *pending; /* list, newest first */
	unsigned n_pending;
	uint32_t last_id; /* of a question to polkit */
} Helper;

/* Puts the object on the bus; helper must outlive it. 0 or -errno. */
int helper_export(Helper *helper, sd_bus *bus);
/* Drops what is pending. */
void helper_done(Helper *helper);
