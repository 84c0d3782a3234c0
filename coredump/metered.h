/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/forward.h"

/* Whether the network costs by what goes over it, so that nothing large is fetched unasked:
 * NetworkManager's word (property Metered of org.freedesktop.NetworkManager: 1 yes, 3 guessed yes;
 * NMMetered in its reference). Where there is no NetworkManager, no system bus, or no answer within
 * two seconds, it is not; NetworkManager is not started for the question. Blocks for that long. */
bool network_is_metered(void);
