/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db -- one connection to a PostgreSQL server, and the queries sent over it
 *
 * Queries come from .sql files (base/sql.h). Each is prepared the first time a connection sends it and
 * executed by name afterwards. Arguments are written with the DB_* constructors:
 *
 *     RESULT_SCOPE(rows);
 *     if (!db_query(db, &sql_shard_find, DB_ARGS(DB_TEXT(code)), &rows, err))
 *         return err_wrap(err, "cannot find shard '%.*s'", STR_ARG(code));
 *     for (int i = 0; i < db_count(rows); i++)
 *         ... db_text(rows, i, 0) ...
 *
 * A connection belongs to one thread at a time. Every failure carries the server's message and SQLSTATE:
 *
 * ERR_DB         the server cannot be reached, went away, refused, or failed (worth retrying)
 * ERR_CONFLICT   a unique key is taken, or the transaction lost to another one
 * ERR_NOT_FOUND  the database, schema or table does not exist
 * ERR_DENIED     the role may not do this
 * ERR_USAGE      the server does not accept a value
 * ERR_LIMIT      the server ran out of a resource that the request asked too much of
 * ERR_BUSY       it has no connection free, or a lock was not free in time
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <libpq-fe.h>

#include "base/sql.h"
#include "base/str.h"
#include "base/time.h"

typedef struct Db Db;

/* ---- arguments ---- */

typedef enum DbArgKind { DB_ARG_NULL, DB_ARG_TEXT, DB_ARG_INT, DB_ARG_DOUBLE, DB_ARG_BINARY } DbArgKind;

typedef struct DbArg {
    DbArgKind kind;
    union {
        Str text; /* TEXT: as PostgreSQL reads the type; BINARY: in the type's binary form */
        int64_t number;
        double real;
    };
} DbArg;

#define DB_NULL      ((DbArg){.kind = DB_ARG_NULL})
#define DB_TEXT(s)   ((DbArg){.kind = DB_ARG_TEXT, .text = (s)})
#define DB_TEXT_Z(z) ((DbArg){.kind = DB_ARG_TEXT, .text = str_from_z(z)})
#define DB_INT(n)    ((DbArg){.kind = DB_ARG_INT, .number = (n)})
#define DB_DOUBLE(x) ((DbArg){.kind = DB_ARG_DOUBLE, .real = (x)})
#define DB_BOOL(b)   DB_TEXT((b) ? STR("t") : STR("f"))
#define DB_BINARY(s) \
    ((DbArg){.kind = DB_ARG_BINARY, .text = (s)}) /* bytea, uuid (16 bytes), geometry (EWKB) ... */
#define DB_TEXT_IF(c, s) ((c) ? DB_TEXT(s) : DB_NULL)
#define DB_ARGS(...)     ((const DbArg[]){__VA_ARGS__})
#define DB_NO_ARGS       NULL

/* ---- life cycle ---- */

/*
 * Connect. The connection is closed when `arena` goes.
 *
 * conninfo  as libpq takes it: "host=/run/x dbname=mas user=api"
 *
 * A server that has no connection free, or is starting, is waited for as db/patience.h says.
 *
 * ERR_DB           it cannot be reached, or refused
 * ERR_BUSY         it has no connection free
 * ERR_INTERRUPTED  a stop was asked for while waiting
 */
bool db_open(Arena *arena, const char *conninfo, Db **out, Err *err) ATTR_MUST_USE;
void db_close(Db *db);

/*
 * A connection string with one of its values replaced or added, or for NULL taken away:
 * db_dsn_with(arena, dsn, "dbname", "mas", err).
 * NULL and ERR_USAGE when `dsn` cannot be read.
 */
const char *db_dsn_with(Arena *arena, const char *dsn, const char *keyword, const char *value,
                        Err *err) ATTR_MUST_USE;

/* The same for showing it: without its password. */
const char *db_dsn_without_password(Arena *arena, const char *dsn, Err *err) ATTR_MUST_USE;

/*
 * Give a server up that says nothing: libpq waits for ever. When nothing came for so long the server is asked over another connection whether it
 * is there, and waited for as long as it answers; so a statement may take its time. The connection is closed then, and what waited fails with ERR_DB.
 * 0: no deadline, as at first.
 */
void db_set_deadline(Db *db, Duration deadline);

/* Connect again after the server went away; prepared statements are forgotten. Errors as db_open(). */
bool db_reopen(Db *db, Err *err) ATTR_MUST_USE;

/* False once the server went away. */
bool db_alive(const Db *db);

/* libpq's own handle, for the few calls that are not wrapped here. */
PGconn *db_handle(Db *db);

/* As PQexec() and PQgetResult(), within the deadline: NULL, or false, when it was missed; db_err() then says so. */
PGresult *db_exec(Db *db, const char *text);
bool db_next_result(Db *db, PGresult **out);

/* ---- results ---- */

typedef PGresult *DbRows;

static inline void db_rows_clear(PGresult **rows)
{
    PQclear(*rows);
    *rows = NULL;
}
#define RESULT_SCOPE(name) ATTR_CLEANUP(db_rows_clear) PGresult *name = NULL

static inline int db_count(const PGresult *rows)
{
    return PQntuples(rows);
}
static inline bool db_is_null(const PGresult *rows, int row, int col)
{
    return PQgetisnull(rows, row, col) != 0;
}
static inline Str db_text(const PGresult *rows, int row, int col)
{
    return (Str){PQgetvalue(rows, row, col), (size_t)PQgetlength(rows, row, col)};
}
int64_t db_int(const PGresult *rows, int row, int col);   /* 0 for null */
double db_double(const PGresult *rows, int row, int col); /* 0 for null */
bool db_bool(const PGresult *rows, int row, int col);     /* false for null */

/* ---- queries ---- */

/* Run a prepared query; `out` gets its rows in text form. See the top for errors. */
bool db_query(Db *db, const Sql *sql, const DbArg *args, DbRows *out, Err *err) ATTR_MUST_USE;

/* The same with all result columns in binary form. */
bool db_query_binary(Db *db, const Sql *sql, const DbArg *args, DbRows *out, Err *err) ATTR_MUST_USE;

/* Run a prepared query for its effect; `affected` (may be NULL) gets the number of rows it changed or returned. */
bool db_run(Db *db, const Sql *sql, const DbArg *args, int64_t *affected, Err *err) ATTR_MUST_USE;

/* A single number; ERR_NOT_FOUND when there is no row. */
bool db_query_int(Db *db, const Sql *sql, const DbArg *args, int64_t *out, Err *err) ATTR_MUST_USE;

/*
 * Run a query and hand over its rows one by one as they arrive, so that an answer of any size needs little
 * memory. `row` returns false (with `err` set) to stop early; the rest is then cancelled.
 */
typedef bool DbRowFn(void *ctx, const PGresult *one, Err *err);
bool db_stream(Db *db, const Sql *sql, const DbArg *args, bool binary, DbRowFn *row, void *ctx,
               Err *err) ATTR_MUST_USE;

/* Ask the server to end what the connection is running; the call that waits for it then fails with ERR_INTERRUPTED. */
void db_cancel(Db *db);

/* Run a script of several statements without parameters (schema files, "begin", "vacuum x"). */
bool db_script(Db *db, const char *text, Err *err) ATTR_MUST_USE;

/*
 * The same with the rows of all its statements handed over one by one, as db_stream() does.
 *
 * ERR_USAGE  it has a COPY from or to the client; the connection is closed
 */
bool db_stream_script(Db *db, const char *text, DbRowFn *row, void *ctx, Err *err) ATTR_MUST_USE;

/* The same of one statement, which the server sees to: what somebody typed cannot end the transaction and begin another. ERR_DB, ERR_USAGE ... */
bool db_stream_statement(Db *db, const char *text, DbRowFn *row, void *ctx, Err *err) ATTR_MUST_USE;

/* ---- transactions ---- */

bool db_begin(Db *db, Err *err) ATTR_MUST_USE;
bool db_begin_write(Db *db, Err *err) ATTR_MUST_USE; /* also where the database's default is to read only */
bool db_commit(Db *db, Err *err) ATTR_MUST_USE;
void db_rollback(Db *db); /* does nothing outside a transaction */

/* Rolls back at the end of the block unless db_commit() was called before. */
static inline void db_tx_end(Db **db)
{
    if (*db)
        db_rollback(*db);
}
#define TX_SCOPE(db_) ATTR_CLEANUP(db_tx_end) ATTR_UNUSED Db *tx_scope = (db_)

/* Make an Err out of what the connection or a result says; returns false. */
bool db_err(Db *db, const PGresult *result, Err *err);

/* The same for a connection of libpq that is nobody's Db. ERR_DB, and as for queries. */
bool db_err_of(const PGconn *conn, const PGresult *result, Err *err);

#endif
