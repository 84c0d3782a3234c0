/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Ctrl-C and the like end a long piece of work where it can clean up after itself. */
#include "common/forward.h"

/* From now on SIGINT, SIGTERM and SIGHUP are only remembered; system calls are interrupted. */
void interrupt_catch(void);
/* The last one that came; 0: none. */
int interrupt_caught(void);
/* For core_copy(): -EINTR once one came. */
int interrupt_go_on(uint64_t done_bytes, void *userdata);
