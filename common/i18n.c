/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locale and translations. */
#include "common/i18n.h"

#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "locale" beside the executable, if that is a build tree: /usr/bin/locale is a program. The
 * directory is as trustworthy as the executable in it; the environment is not asked. */
static bool find_in_build_tree(char path[static PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n <= 0)
		return false;
	path[n] = '\0';
	char *slash = strrchr(path, '/');
	size_t room = (size_t)(path + PATH_MAX - 1 - slash);
	if (snprintf(slash, room, "/locale/.") >= (int)room)
		return false;
	return access(path, F_OK) == 0;
}

void i18n_setup(const char *localedir)
{
	char path[PATH_MAX];

	(void)setlocale(LC_ALL, "");
	(void)bindtextdomain(I18N_DOMAIN, find_in_build_tree(path) ? path : localedir);
	(void)textdomain(I18N_DOMAIN);
}
