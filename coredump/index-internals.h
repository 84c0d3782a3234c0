/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the files of the index share. Private to coredump/index*.c. */
#include "coredump/index.h"
#include <sqlite3.h>

typedef enum IndexStatement { /* prepared once, when first needed */
	STATEMENT_LOOK_UP,
	STATEMENT_INSERT,
	STATEMENT_INSERT_DETAILS,
	STATEMENT_UPDATE,
	STATEMENT_UPDATE_DETAILS,
	STATEMENT_IS_FORGOTTEN,
	STATEMENT_IS_MUTED,
	STATEMENT_SET_CURSOR,
	STATEMENT_MAX,
} IndexStatement;

struct CrashIndex {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_MAX];
};

/* Texts too long for the rows that a list reads stand in a table of their own. */
bool index_is_detail(const CrashText *text);

/* An sqlite result code as -errno. 0 for SQLITE_OK, ROW and DONE. */
int index_error(const CrashIndex *index, int code);
/* Runs SQL that gives no rows. 0 or -errno. */
int index_exec(CrashIndex *index, const char *sql);
/* One number out of a query; 0 or -errno (-ENOENT: no row). */
int index_number(CrashIndex *index, const char *sql, int64_t *ret);
/* The cached statement, reset; sql is used the first time. */
int index_prepare(CrashIndex *index, IndexStatement which, const char *sql, sqlite3_stmt **ret);

/* A statement of one use. 0 or -errno. */
int index_statement(const CrashIndex *index, const char *sql, sqlite3_stmt **ret);
static inline void statement_freep(sqlite3_stmt **statement)
{
	(void)sqlite3_finalize(*statement);
}
/* NULL binds NULL. The text is borrowed until the statement is reset. */
void index_bind_text(sqlite3_stmt *statement, int at, const char *text);
/* Copies a row that index_query() gave, strings owned. 0 or -ENOMEM. */
int index_row_copy(const CrashRow *row, CrashRow *ret);
