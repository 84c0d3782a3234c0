/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How text stands out on a terminal. */
#include "common/forward.h"

typedef enum CellStyle {
	CELL_PLAIN,
	CELL_GOOD,
	CELL_WARNING,
	CELL_BAD,
	CELL_DIM,
	CELL_BOLD,
	CELL_STYLE_MAX,
} CellStyle;

/* The escape sequences around a style, "" where colour is false. */
const char *style_on(CellStyle style, bool colour);
const char *style_off(CellStyle style, bool colour);
