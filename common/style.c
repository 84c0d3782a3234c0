/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Escape sequences of ECMA-48 that every terminal has. */
#include "common/style.h"

static const char *const style_codes[CELL_STYLE_MAX] = {
	[CELL_PLAIN] = "",
	[CELL_GOOD] = "\033[32m",
	[CELL_WARNING] = "\033[33m",
	[CELL_BAD] = "\033[1;31m",
	[CELL_DIM] = "\033[2m",
	[CELL_BOLD] = "\033[1m",
};

const char *style_on(CellStyle style, bool colour)
{
	return colour ? style_codes[style] : "";
}

const char *style_off(CellStyle style, bool colour)
{
	return colour && style != CELL_PLAIN ? "\033[0m" : "";
}
