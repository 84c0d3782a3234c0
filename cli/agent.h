/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* polkit's agent for terminals, pkttyagent(1), for as long as one call lasts: as systemctl(1) does.
 * One at a time. The agent hides what is typed; whatever ends it or this process in the meantime
 * (but SIGKILL), the terminal is as it was before the prompt of a shell comes. */

/* Starts one where stdin is a terminal and pkttyagent is installed, and waits until it has
 * registered. Does nothing otherwise. */
void polkit_agent_start(void);
void polkit_agent_stop(void);
