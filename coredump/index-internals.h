/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the files of the index share. Private to coredump/index*.c. */
#include "common/strbuf.h"
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

/* What crashes of signature ?2 turned out to be, and that in turn: "WITH … " of a statement, the
 * table chain (signature, steps). Steps are bounded, for there may be a circle. */
#define REFINED_STEPS "3"
#define REFINED_CHAIN                                                                                \
	"WITH RECURSIVE chain (signature, steps) AS (SELECT ?2, 0 UNION SELECT r.became, steps + 1 " \
	"FROM refined r JOIN chain c ON r.signature = c.signature WHERE steps < " REFINED_STEPS      \
	") "

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
/* One change, mostly of the row with this hash; sql has text, or where that is NULL the number, as
 * ?1 and the hash as ?2. 0; -ENOENT: nothing was changed; -errno. */
int index_change(
	CrashIndex *index, const char *sql, const char *text, int64_t number, const char *hash);
/* Several statements that must stand or fall together, in a transaction of their own unless one is
 * open already. index_end_own() takes and gives the result so far. */
int index_begin_own(CrashIndex *index, bool *ret_own);
int index_end_own(CrashIndex *index, bool own, int r);
/* NULL binds NULL. The text is borrowed until the statement is reset. */
void index_bind_text(sqlite3_stmt *statement, int at, const char *text);
/* Parts of a statement that selects rows as the query wants: " FROM crashes c …" and " WHERE …" (0
 * or -EINVAL: a match's field is unknown), and what to bind to it. */
void index_add_from(StrBuf *sql, const CrashQuery *query);
int index_add_where(StrBuf *sql, const CrashQuery *query);
void index_bind_query(sqlite3_stmt *statement, const CrashQuery *query);
/* A column's text, borrowed until the statement's next step: the cast away from const is undone by
 * whoever gets the row, which is const. */
char *index_borrowed(sqlite3_stmt *statement, int column);
/* Copies a text of known length, a hash or a signature; what is longer is cut. */
void index_take_digits(char *ret, size_t size, const unsigned char *text);
/* Copies a row that index_query() gave, strings owned. 0 or -ENOMEM. */
int index_row_copy(const CrashRow *row, CrashRow *ret);
/* 1 with id and trust of the row with this hash, 0 none, -errno. */
int index_look_up(
	CrashIndex *index, const char *hash, sqlite3_int64 *ret_id, CrashTrust *ret_trust);
/* A row turned out to be this crash: its signature and title are replaced, and what a person said
 * of the old signature (a mute, a note) is said of the new one too. title: NULL or "" for none. In
 * a transaction of the caller's. 0 or -errno. */
int index_refine(CrashIndex *index, int64_t id, const char *signature, const char *title);
