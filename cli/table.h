/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A table for people: columns as wide as their content, numbers to the right, one elastic column
 * cut with "…" so that a row fits the terminal. Piped, nothing is cut: one header line, columns two
 * spaces apart. */
#include "common/strbuf.h"
#include "common/style.h"

typedef struct TableColumn {
	const char *title;
	bool right;    /* numbers */
	bool elastic;  /* gives way first; the widest elastic one is cut */
	bool path;     /* a path in it is cut in front: its end says more */
	bool optional; /* left out where no row has anything but "" or "-" in it */
	bool varied;   /* left out where all rows have the same in it */
} TableColumn;

typedef struct Table Table;

/* columns: n rows, must outlive the table. NULL: no memory. */
Table *table_new(const TableColumn *columns, size_t n);
Table *table_free(Table *table);
static inline void table_freep(Table **t)
{
	(void)table_free(*t);
}
/* Appends the next cell, row by row, left to right. text is foreign: it is escaped here. NULL shows
 * "-". */
void table_add(Table *table, CellStyle style, const char *text);
void table_addf(Table *table, CellStyle style, const char *format, ...) PRINTF_FORMAT(3, 4);
void table_add_u64(Table *table, CellStyle style, uint64_t number);
size_t table_rows(const Table *table);
/* Writes it into out: width 0 = do not cut; colour as asked. False: out of memory somewhere on the
 * way. */
bool table_print(const Table *table, StrBuf *out, size_t width, bool colour, bool header);

/* Appends text (already escaped, `columns` wide) in at most `width` columns, the last "…" where it
 * was cut. */
void table_add_cut(StrBuf *out, const char *text, size_t columns, size_t width);
