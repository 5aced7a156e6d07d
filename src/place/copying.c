/* SPDX-License-Identifier: Apache-2.0 */
#include "place/copying.h"

#include <errno.h>
#include <poll.h>

#include "base/buf.h"
#include "base/fault.h"
#include "db/copy.h"
#include "place_sql.h"

enum { PIECE_BYTES = 256 * 1024, LOCK_TRIES = 60 };
#define PATIENCE SECONDS(60) /* a server that neither sends nor takes rows for so long hangs */
#define LOOK     MILLISECONDS(500)
#define PAUSE    MILLISECONDS(500)

static bool at_source(const Copying *copying, Err *err)
{
    return err_wrap(err, "table '%.*s' on server '%s'", STR_ARG(copying->table), copying->source->name);
}

static bool at_target(const Copying *copying, Err *err)
{
    return err_wrap(err, "a copy of the table '%.*s' on server '%s'", STR_ARG(copying->table),
                    copying->target->name);
}

static bool stopped(const atomic_bool *stop, Err *err)
{
    return stop && atomic_load(stop) && !err_set(err, ERR_INTERRUPTED, "interrupted");
}

/* A backend whose client was killed is to notice it while it builds an index. */
bool copying_begin(Copying *copying, const PlaceServer *from, const PlaceServer *to, Str table, Err *err)
{
    copying->source = from;
    copying->target = to;
    copying->table = table;
    if (!db_open(&copying->arena, from->dsn, &copying->from, err))
        return at_source(copying, err);
    return (db_open(&copying->arena, to->dsn, &copying->to, err) &&
            db_script(copying->to, "set client_connection_check_interval = '2s'", err) &&
            db_run(copying->to, &sql_copy_lock, DB_NO_ARGS, NULL, err)) ||
           at_target(copying, err);
}

void copying_end(Copying *copying)
{
    arena_free(&copying->arena);
}

/* ---- rows on their way ---- */

/* False with ERR_DB when the socket was not ready in time. */
static bool wait_for(const Copying *copying, Db *db, short events, Err *err)
{
    struct pollfd fd = {.fd = PQsocket(db_handle(db)), .events = events};

    for (Duration until = time_monotonic() + PATIENCE; time_monotonic() < until;) {
        if (stopped(copying->stop, err))
            return false;
        int n = poll(&fd, 1, (int)(LOOK / MILLISECONDS(1)));
        if (n > 0 || (n < 0 && errno != EINTR))
            return true;
    }
    return err_set(err, ERR_DB, "it has done nothing for too long");
}

/* A server that says something before all rows have come is not content with them: copy_end() then tells. */
static bool has_said_something(Db *db)
{
    struct pollfd fd = {.fd = PQsocket(db_handle(db)), .events = POLLIN};

    return poll(&fd, 1, 0) > 0;
}

static bool send_piece(Copying *copying, Buf *piece, Err *err)
{
    PGconn *to = db_handle(copying->to);
    int left;

    if (!copy_put(copying->to, buf_str(piece), err))
        return at_target(copying, err);
    while ((left = PQflush(to)) > 0)
        if (!wait_for(copying, copying->to, POLLOUT | POLLIN, err) || !PQconsumeInput(to))
            return err->code ? at_target(copying, err)
                             : db_err(copying->to, NULL, err) || at_target(copying, err);
    if (left < 0)
        return db_err(copying->to, NULL, err) || at_target(copying, err);
    progress_add(copying->progress, (int64_t)piece->len);
    buf_reset(piece);
    return true;
}

/* 1: a row is in the piece; 0: there are no more; -1: it failed. */
static int take_row(Copying *copying, Buf *piece, Err *err)
{
    PGconn *from = db_handle(copying->from);
    char *row;
    int len;

    while ((len = PQgetCopyData(from, &row, 1)) == 0)
        if (!wait_for(copying, copying->from, POLLIN, err) || !PQconsumeInput(from)) {
            (void)(err->code ? at_source(copying, err)
                             : db_err(copying->from, NULL, err) || at_source(copying, err));
            return -1;
        }
    if (len < 0)
        return len == -1 ? 0 : (db_err(copying->from, NULL, err), -1);
    buf_put(piece, (Str){row, (size_t)len});
    PQfreemem(row);
    return 1;
}

static bool pump(Copying *copying, Err *err)
{
    BUF_SCOPE(piece);
    int more;

    while ((more = take_row(copying, &piece, err)) > 0)
        if (piece.len >= PIECE_BYTES &&
            (!send_piece(copying, &piece, err) || has_said_something(copying->to)))
            return !err->code;
    return more == 0 && send_piece(copying, &piece, err);
}

static bool end_reading(Copying *copying, Err *err)
{
    bool ok = true;

    for (PGresult *result; (result = PQgetResult(db_handle(copying->from))); PQclear(result))
        if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
            ok = db_err(copying->from, result, err);
    return ok || at_source(copying, err);
}

/* What the target says comes before what the source says: it is cut off in the middle then. */
bool copying_pipe(Copying *copying, const char *reading, const char *filling, Err *err)
{
    RESULT_SCOPE(begun);

    if (!copy_begin(copying->to, filling, err))
        return at_target(copying, err);
    begun = db_exec(copying->from, reading);
    if (PQresultStatus(begun) != PGRES_COPY_OUT)
        return db_err(copying->from, begun, err) || at_source(copying, err);
    (void)PQsetnonblocking(db_handle(copying->to), 1);
    bool ok = pump(copying, err);
    (void)PQsetnonblocking(db_handle(copying->to), 0);
    return ok && (copy_end(copying->to, err) || at_target(copying, err)) && end_reading(copying, err);
}

/* ---- the copy ---- */

static bool make_parts(Copying *copying, const PGresult *parts, bool late, Err *err)
{
    ARENA_SCOPE(scratch);

    for (int i = 0; i < db_count(parts); i++) {
        if (db_bool(parts, i, 0) != late)
            continue;
        if (stopped(copying->stop, err))
            return false;
        if (db_is_null(parts, i, 1))
            return err_set(err, ERR_BUG, "an index of the table '%.*s' cannot be made elsewhere",
                           STR_ARG(copying->table));
        if (!db_script(copying->to, str_to_z(&scratch, db_text(parts, i, 1)), err))
            return at_target(copying, err);
    }
    return true;
}

static bool compare(Copying *copying, const PGresult *source, Err *err)
{
    DbArg table = DB_TEXT(copying->table);
    RESULT_SCOPE(staged);

    if (!db_query(copying->to, &sql_copy_staged, &table, &staged, err))
        return at_target(copying, err);
    copying->rows = db_int(staged, 0, 0);
    copying->bytes = db_int(staged, 0, 1);
    return (copying->rows == db_int(source, 0, 0) && str_eq(db_text(staged, 0, 2), db_text(source, 0, 2))) ||
           err_set(err, ERR_CORRUPT, "the copy of the table '%.*s' on '%s' is not what '%s' has",
                   STR_ARG(copying->table), copying->target->name, copying->source->name);
}

/* The source: one snapshot for its rows, their hash, what the table looks like, and how often it was written to. */
static bool fill(Copying *copying, Err *err)
{
    ARENA_SCOPE(scratch);
    DbArg table = DB_TEXT(copying->table);
    RESULT_SCOPE(what);
    RESULT_SCOPE(parts);
    RESULT_SCOPE(state);

    if (!db_script(copying->from, "begin isolation level repeatable read read only", err) ||
        !db_query(copying->from, &sql_copy_written, &table, &what, err) ||
        !db_query(copying->from, &sql_copy_parts, &table, &parts, err))
        return at_source(copying, err);
    if (db_count(what) == 0 || db_count(parts) == 0)
        return err_set(err, ERR_NOT_FOUND, "server '%s' does not have the table '%.*s'",
                       copying->source->name, STR_ARG(copying->table));
    copying->written = db_int(what, 0, 0);
    if (!db_query(copying->from, &sql_copy_state, &table, &state, err))
        return at_source(copying, err);
    if (!db_begin_write(copying->to, err))
        return at_target(copying, err);
    return make_parts(copying, parts, false, err) &&
           copying_pipe(copying, str_to_z(&scratch, db_text(what, 0, 1)),
                        str_to_z(&scratch, db_text(what, 0, 2)), err) &&
           fault_pass(FAULT_copying_filled, err) && make_parts(copying, parts, true, err) &&
           compare(copying, state, err);
}

bool copying_fill(Copying *copying, Err *err)
{
    if (!fill(copying, err)) {
        db_close(copying->from); /* whatever it was in the middle of */
        db_close(copying->to);
        return false;
    }
    db_rollback(copying->from);
    return true;
}

/* Who reads it has a lock on it; who comes after us waits for us, so we do not wait for long at a time. */
static bool try_often(Db *db, const Sql *sql, const DbArg *args, const atomic_bool *stop, Err *err)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        *err = (Err){0};
        if (stopped(stop, err))
            return false;
        if (!db_script(db, "savepoint strata; set local lock_timeout = '2s'", err))
            return false;
        if (db_run(db, sql, args, NULL, err))
            return true;
        if (err->code != ERR_BUSY || !db_script(db, "rollback to strata", err))
            return false;
        time_sleep(PAUSE);
    }
    return err_set(err, ERR_BUSY, "the copy that is there is read all the time");
}

bool copying_take(Copying *copying, Err *err)
{
    return (try_often(copying->to, &sql_copy_take, DB_ARGS(DB_TEXT(copying->table), DB_INT(copying->rows)),
                      copying->stop, err) &&
            db_commit(copying->to, err)) ||
           at_target(copying, err);
}

bool copying_drop(Db *db, Str table, const atomic_bool *stop, Err *err)
{
    TX_SCOPE(db);

    return db_begin_write(db, err) && try_often(db, &sql_copy_drop, DB_ARGS(DB_TEXT(table)), stop, err) &&
           db_commit(db, err);
}
