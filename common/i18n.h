/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Every string that a person reads outside of logs goes through gettext. */
#include <libintl.h>
#include <stdbool.h>

#define I18N_DOMAIN "vigil"

/* At the start of main(): the person's locale, and where its translations are: in "locale" beside
 * the executable (a build tree that nobody installed), else in localedir. */
void i18n_setup(const char *localedir);

#define _(text)		 gettext(text)
#define N_(text)	 (text)
#define P_(one, many, n) ngettext(one, many, (unsigned long)(n))

/* For texts that reports to bug trackers hold as well, which are kept in English; mark them N_().
 */
static inline const char *said_in(bool english, const char *text)
{
	return english ? text : gettext(text);
}
