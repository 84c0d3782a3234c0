/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"

/* polkit's agent for terminals, pkttyagent(1), for as long as one call lasts: as systemctl(1) does.
 */
typedef struct PolkitAgent {
	pid_t pid; /* 0: none */
} PolkitAgent;

/* Starts one where stdin is a terminal and pkttyagent is installed, and waits until it has
 * registered. Does nothing otherwise. */
void polkit_agent_start(PolkitAgent *agent);
void polkit_agent_stop(PolkitAgent *agent);
