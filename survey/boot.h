/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who sets a limit at boot: Vigil's drop-in, a sysctl.d file that is read after it, or nobody. */
#include "common/forward.h"

typedef struct BootSetting {
	char *path;  /* of the file with the last word, as beneath root; NULL: none sets the key */
	char *value; /* as written there */
	unsigned line;
	bool overrides; /* is read after Vigil's drop-in (there or not), and asks for less than
			   wanted */
	bool ours;	/* Vigil's drop-in sets the key, last or not */
} BootSetting;

/* root_fd: the directory that stands for "/". wanted: the value that is to hold; 0: what Vigil's
 * drop-in asks for (where there is none, nothing overrides). 0 or -ENOMEM; the caller empties ret
 * with boot_setting_done(). */
int boot_setting_find(int root_fd, const char *key, uint64_t wanted, BootSetting *ret);
void boot_setting_done(BootSetting *setting);
