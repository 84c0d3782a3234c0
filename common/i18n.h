/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Every string that a person reads outside of logs goes through gettext. */
#include <libintl.h>

#define _(text)		 gettext(text)
#define N_(text)	 (text)
#define P_(one, many, n) ngettext(one, many, (unsigned long)(n))
