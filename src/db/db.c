/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "db/connection.h"
#include "db/send.h"

struct Db {
    Arena *arena;
    Arena statements; /* of the map; forgotten on reconnect */
    Map prepared;     /* Sql.name -> its Sql */
    PGconn *conn;
    char *conninfo;
    Duration deadline; /* 0: none */
    bool silent;       /* it was closed because the server had said nothing for so long */
};

enum { ARGS_MAX = 40, NUMBER_BYTES = 32 };

/* ---- errors ---- */

static const struct {
    const char *prefix; /* of the SQLSTATE; the first that fits counts */
    ErrCode code;
} states[] = {
    {"40001", ERR_CONFLICT},  {"40P01", ERR_CONFLICT},    {"23505", ERR_CONFLICT},  {"23001", ERR_CONFLICT},
    {"42P06", ERR_CONFLICT},  {"42P07", ERR_CONFLICT},    {"42710", ERR_CONFLICT},  {"55P03", ERR_BUSY},
    {"3D000", ERR_NOT_FOUND}, {"3F000", ERR_NOT_FOUND},   {"42P01", ERR_NOT_FOUND}, {"42501", ERR_DENIED},
    {"28", ERR_DENIED},       {"57014", ERR_INTERRUPTED}, {"54", ERR_LIMIT},        {"22", ERR_USAGE},
    {"23", ERR_USAGE},
};

static ErrCode code_of_state(const char *state)
{
    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (strncmp(state, states[i].prefix, strlen(states[i].prefix)) == 0)
            return states[i].code;
    return ERR_DB;
}

bool db_err(Db *db, const PGresult *result, Err *err)
{
    if (db->silent)
        return err_set(err, ERR_DB,
                       "the server says nothing, and does not answer when it is asked whether it is there");
    return db_err_of(db->conn, result, err);
}

bool db_err_of(const PGconn *conn, const PGresult *result, Err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *detail = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : NULL;
    Str text = connection_line(primary ? primary : PQerrorMessage(conn));

    (void)err_set(err, state ? code_of_state(state) : ERR_DB, "%.*s%s%s%s", STR_ARG(text), detail ? " (" : "",
                  detail ? detail : "", detail ? ")" : "");
    if (state)
        (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", state);
    return false;
}

/* ---- life cycle ---- */

static void close_deferred(void *db)
{
    db_close(db);
}

bool db_open(Arena *arena, const char *conninfo, Db **out, Err *err)
{
    Db *db = arena_new(arena, Db, 1);

    db->arena = arena;
    db->conninfo = str_to_z(arena, str_from_z(conninfo));
    arena_defer(arena, close_deferred, db);
    if (!connection_make(conninfo, &db->conn, err))
        return false;
    *out = db;
    return true;
}

void db_close(Db *db)
{
    if (db->conn)
        PQfinish(db->conn);
    db->conn = NULL;
    arena_free(&db->statements);
    db->prepared = (Map){0};
}

/* keyword='value', quoted as libpq's conninfo_parse() reads it. */
static void put_pair(Buf *out, const char *keyword, const char *value)
{
    buf_printf(out, "%s%s='", out->len ? " " : "", keyword);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_put_byte(out, '\\');
        buf_put_byte(out, *value);
    }
    buf_put_byte(out, '\'');
}

const char *db_dsn_with(Arena *arena, const char *dsn, const char *keyword, const char *value, Err *err)
{
    BUF_SCOPE(out);
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(dsn, &why);

    if (!options) {
        (void)err_set(err, ERR_USAGE, "the connection string cannot be read: %.*s",
                      STR_ARG(connection_line(why)));
        PQfreemem(why);
        return NULL;
    }
    for (PQconninfoOption *option = options; option->keyword; option++)
        if (option->val && strcmp(option->keyword, keyword) != 0)
            put_pair(&out, option->keyword, option->val);
    if (value)
        put_pair(&out, keyword, value);
    PQconninfoFree(options);
    return str_to_z(arena, buf_str(&out));
}

const char *db_dsn_without_password(Arena *arena, const char *dsn, Err *err)
{
    return db_dsn_with(arena, dsn, "password", NULL, err);
}

bool db_reopen(Db *db, Err *err)
{
    db_close(db);
    db->silent = false;
    return connection_make(db->conninfo, &db->conn, err);
}

bool db_alive(const Db *db)
{
    return db->conn && PQstatus(db->conn) == CONNECTION_OK;
}

PGconn *db_handle(Db *db)
{
    return db->conn;
}

/* ---- servers that say nothing ---- */

static bool is_copy(ExecStatusType status)
{
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

void db_set_deadline(Db *db, Duration deadline)
{
    db->deadline = deadline;
}

/* Until there is something to read, or the time is up: false. */
static bool poll_until(PGconn *conn, Duration until)
{
    struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};

    for (;;) {
        Duration left = until - time_monotonic();

        if (left <= 0)
            return false;
        int n = poll(&fd, 1, (int)(left / MILLISECONDS(1)) + 1);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true;
    }
}

/* What a statement takes is its own affair: the server is given up when it does not even answer to a new connection. */
static bool wait_for_result(Db *db)
{
    while (PQisBusy(db->conn)) {
        if (!poll_until(db->conn, time_monotonic() + db->deadline) &&
            !connection_answers(db->conninfo, db->deadline)) {
            db_close(db);
            db->silent = true;
            return false;
        }
        if (!PQconsumeInput(db->conn))
            return true; /* and PQgetResult() tells */
    }
    return true;
}

bool db_next_result(Db *db, PGresult **out)
{
    *out = NULL;
    if (db->deadline > 0 && !wait_for_result(db))
        return false;
    *out = PQgetResult(db->conn);
    return true;
}

/* What PQexec() and the like do after sending: the last result, or the first of a COPY. NULL: db_err() tells why. */
static PGresult *last_result(Db *db, int sent)
{
    PGresult *last = NULL, *result;

    if (!sent)
        return NULL;
    while (db_next_result(db, &result) && result) {
        PQclear(last);
        last = result;
        if (is_copy(PQresultStatus(result)) || PQstatus(db->conn) == CONNECTION_BAD)
            return last;
    }
    if (db->silent) {
        PQclear(last);
        return NULL;
    }
    return last;
}

PGresult *db_exec(Db *db, const char *text)
{
    return db->deadline > 0 ? last_result(db, PQsendQuery(db->conn, text)) : PQexec(db->conn, text);
}

/* ---- values ---- */

int64_t db_int(const PGresult *rows, int row, int col)
{
    int64_t value = 0;

    (void)str_to_int64(db_text(rows, row, col), &value);
    return value;
}

double db_double(const PGresult *rows, int row, int col)
{
    double value = 0;

    (void)str_to_double(db_text(rows, row, col), &value);
    return value;
}

bool db_bool(const PGresult *rows, int row, int col)
{
    return str_eq(db_text(rows, row, col), STR("t"));
}

/* ---- queries ---- */

typedef struct Params {
    const char *values[ARGS_MAX];
    int lengths[ARGS_MAX], formats[ARGS_MAX];
    char numbers[ARGS_MAX][NUMBER_BYTES];
    Arena arena; /* of NUL terminated copies */
} Params;

static void params_release(Params *params)
{
    arena_free(&params->arena);
}

static void set_param(Params *p, int i, const DbArg *arg)
{
    switch (arg->kind) {
    case DB_ARG_NULL:
        break;
    case DB_ARG_TEXT:
        p->values[i] = str_to_z(&p->arena, arg->text);
        break;
    case DB_ARG_INT:
        (void)snprintf(p->numbers[i], NUMBER_BYTES, "%lld", (long long)arg->number);
        p->values[i] = p->numbers[i];
        break;
    case DB_ARG_DOUBLE:
        (void)snprintf(p->numbers[i], NUMBER_BYTES, "%.17g", arg->real);
        p->values[i] = p->numbers[i];
        break;
    case DB_ARG_BINARY:
        p->values[i] = arg->text.ptr ? arg->text.ptr : "";
        p->lengths[i] = (int)arg->text.len;
        p->formats[i] = 1;
        break;
    }
}

/* PostgreSQL has no NUL in text; libpq would cut the value there in silence. */
static bool check_text(const DbArg *arg, Err *err)
{
    if (arg->kind == DB_ARG_TEXT && arg->text.len && memchr(arg->text.ptr, '\0', arg->text.len))
        return err_set(err, ERR_USAGE, "a text with a NUL byte cannot be stored or compared");
    return true;
}

static bool set_params(Params *p, const Sql *sql, const DbArg *args, Err *err)
{
    for (int i = 0; i < sql->params; i++) {
        if (!check_text(&args[i], err))
            return false;
        set_param(p, i, &args[i]);
    }
    return true;
}

static bool prepare(Db *db, const Sql *sql, Err *err)
{
    Str name = str_from_z(sql->name);

    if (!db->conn)
        return err_set(err, ERR_DB, "the connection is closed");
    if (map_get(&db->prepared, name))
        return true;
    RESULT_SCOPE(result);
    result = db->deadline > 0 ? last_result(db, PQsendPrepare(db->conn, sql->name, sql->text, 0, NULL))
                              : PQprepare(db->conn, sql->name, sql->text, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        (void)db_err(db, result, err);
        return err_wrap(err, "cannot prepare '%s'", sql->name);
    }
    db_note_prepared(db, sql, true);
    return true;
}

static bool run(Db *db, const Sql *sql, const DbArg *args, int binary, DbRows *out, Err *err)
{
    ATTR_CLEANUP(params_release) Params params = {0};
    RESULT_SCOPE(result);

    if (!prepare(db, sql, err) || !set_params(&params, sql, args, err))
        return false;
    result = db->deadline > 0
                 ? last_result(db, PQsendQueryPrepared(db->conn, sql->name, sql->params, params.values,
                                                       params.lengths, params.formats, binary))
                 : PQexecPrepared(db->conn, sql->name, sql->params, params.values, params.lengths,
                                  params.formats, binary);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return db_err(db, result, err);
    *out = result;
    result = NULL;
    return true;
}

bool db_send(Db *db, const Sql *sql, const DbArg *args, bool *prepares, Err *err)
{
    ATTR_CLEANUP(params_release) Params params = {0};

    *prepares = !map_get(&db->prepared, str_from_z(sql->name));
    if (!set_params(&params, sql, args, err))
        return false;
    if (*prepares && !PQsendPrepare(db->conn, sql->name, sql->text, 0, NULL))
        return db_err(db, NULL, err);
    if (!PQsendQueryPrepared(db->conn, sql->name, sql->params, params.values, params.lengths, params.formats,
                             0))
        return db_err(db, NULL, err);
    return true;
}

void db_note_prepared(Db *db, const Sql *sql, bool there)
{
    static char known;

    *map_slot(&db->prepared, &db->statements, str_from_z(sql->name)) = there ? &known : NULL;
}

bool db_query(Db *db, const Sql *sql, const DbArg *args, DbRows *out, Err *err)
{
    return run(db, sql, args, 0, out, err);
}

bool db_query_binary(Db *db, const Sql *sql, const DbArg *args, DbRows *out, Err *err)
{
    return run(db, sql, args, 1, out, err);
}

bool db_run(Db *db, const Sql *sql, const DbArg *args, int64_t *affected, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, sql, args, &rows, err))
        return false;
    if (affected && !str_to_int64(str_from_z(PQcmdTuples(rows)), affected))
        *affected = db_count(rows);
    return true;
}

bool db_query_int(Db *db, const Sql *sql, const DbArg *args, int64_t *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, sql, args, &rows, err))
        return false;
    if (db_count(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "query '%s' gave no row", sql->name);
    *out = db_int(rows, 0, 0);
    return true;
}

void db_cancel(Db *db)
{
    enum { TEXT = 256 };
    char text[TEXT];
    PGcancel *handle = PQgetCancel(db->conn);

    if (handle)
        (void)PQcancel(handle, text, sizeof text);
    PQfreeCancel(handle);
}

/* Hands over what arrives until the query ends; after a failure the rest is cancelled and read away. */
static bool hand_over(Db *db, DbRowFn *row, void *ctx, Err *err)
{
    bool ok = true;

    for (PGresult *result; db_next_result(db, &result) && result; PQclear(result)) {
        ExecStatusType status = PQresultStatus(result);

        if (is_copy(status)) { /* libpq would say so for ever */
            PQclear(result);
            db_close(db);
            return err_set(err, ERR_USAGE, "COPY from or to the client gives no rows");
        }
        if (!ok)
            continue;
        if (status == PGRES_SINGLE_TUPLE)
            ok = row(ctx, result, err);
        else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
            ok = db_err(db, result, err);
        if (!ok && status == PGRES_SINGLE_TUPLE)
            db_cancel(db);
    }
    return ok && db->silent ? db_err(db, NULL, err) : ok;
}

bool db_stream(Db *db, const Sql *sql, const DbArg *args, bool binary, DbRowFn *row, void *ctx, Err *err)
{
    ATTR_CLEANUP(params_release) Params params = {0};

    if (!prepare(db, sql, err) || !set_params(&params, sql, args, err))
        return false;
    if (!PQsendQueryPrepared(db->conn, sql->name, sql->params, params.values, params.lengths, params.formats,
                             binary) ||
        !PQsetSingleRowMode(db->conn))
        return db_err(db, NULL, err);
    return hand_over(db, row, ctx, err);
}

bool db_script(Db *db, const char *text, Err *err)
{
    RESULT_SCOPE(result);

    if (!db->conn)
        return err_set(err, ERR_DB, "the connection is closed");
    result = db_exec(db, text);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
        return db_err(db, result, err);
    return true;
}

bool db_stream_script(Db *db, const char *text, DbRowFn *row, void *ctx, Err *err)
{
    if (!db->conn)
        return err_set(err, ERR_DB, "the connection is closed");
    if (!PQsendQuery(db->conn, text) || !PQsetSingleRowMode(db->conn))
        return db_err(db, NULL, err);
    return hand_over(db, row, ctx, err);
}

bool db_stream_statement(Db *db, const char *text, DbRowFn *row, void *ctx, Err *err)
{
    if (!db->conn)
        return err_set(err, ERR_DB, "the connection is closed");
    if (!PQsendQueryParams(db->conn, text, 0, NULL, NULL, NULL, NULL, 0) || !PQsetSingleRowMode(db->conn))
        return db_err(db, NULL, err);
    return hand_over(db, row, ctx, err);
}

/* ---- transactions ---- */

bool db_begin(Db *db, Err *err)
{
    return db_script(db, "begin", err);
}

bool db_begin_write(Db *db, Err *err)
{
    return db_script(db, "begin read write", err);
}

bool db_commit(Db *db, Err *err)
{
    /* PostgreSQL answers a commit of a failed transaction with ROLLBACK and no error. */
    if (db->conn && PQtransactionStatus(db->conn) == PQTRANS_INERROR) {
        db_rollback(db);
        return err_set(err, ERR_DB, "the transaction failed before its end");
    }
    return db_script(db, "commit", err);
}

void db_rollback(Db *db)
{
    Err ignored;

    if (db->conn && PQtransactionStatus(db->conn) != PQTRANS_IDLE)
        (void)!db_script(db, "rollback", &ignored);
}
