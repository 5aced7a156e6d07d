/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/problem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/json.h"
#include "base/lock.h"
#include "catalog_sql.h"
#include "db/db.h"

enum { HELD_MAX = 500, TEXT_MAX = 1024 };

struct ProblemLog {
    Arena *arena;
    char *conninfo;
    Str shard, type;
    Instant since;
    pthread_mutex_t mutex; /* of all below */
    Db *db;
    Buf held; /* a JSON array without its end */
    int held_count;
    atomic_int_fast64_t count;
    bool failed;
    Err err;
};

static void release(void *log_v)
{
    ProblemLog *log = log_v;

    buf_release(&log->held);
    (void)pthread_mutex_destroy(&log->mutex);
}

ProblemLog *problem_log_new(Arena *arena, const char *conninfo, Str shard, const char *type)
{
    ProblemLog *log = arena_new(arena, ProblemLog, 1);

    log->arena = arena;
    log->conninfo = str_to_z(arena, str_from_z(conninfo));
    log->shard = str_copy(arena, shard);
    log->type = str_from_z(type);
    log->since = time_now();
    (void)pthread_mutex_init(&log->mutex, NULL);
    arena_defer(arena, release, log);
    return log;
}

static bool connect(ProblemLog *log, Err *err)
{
    return log->db || (db_open(log->arena, log->conninfo, &log->db, err) &&
                       db_run(log->db, &sql_shard_use, DB_ARGS(DB_TEXT(log->shard)), NULL, err));
}

static bool write_held(ProblemLog *log, Err *err)
{
    if (log->held_count == 0)
        return true;
    buf_put_byte(&log->held, ']');
    bool ok =
        connect(log, err) && db_run(log->db, &sql_problem_note,
                                    DB_ARGS(DB_TEXT(log->type), DB_TEXT(buf_str(&log->held))), NULL, err);
    buf_reset(&log->held);
    log->held_count = 0;
    return ok;
}

void problem_note(ProblemLog *log, Str path, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)atomic_fetch_add(&log->count, 1);

    LOCK_SCOPE(held, &log->mutex);
    JsonOut out = json_out(&log->held);
    buf_put_byte(&log->held, log->held_count++ ? ',' : '[');
    json_begin(&out, '{');
    json_key(&out, "path");
    json_str(&out, path);
    json_key(&out, "text");
    json_z(&out, text);
    json_end(&out, '}');
    if (log->held_count >= HELD_MAX && !log->failed && !write_held(log, &log->err))
        log->failed = true;
}

int64_t problem_count(const ProblemLog *log)
{
    return atomic_load(&log->count);
}

bool problem_log_finish(ProblemLog *log, const Str *root, Err *err)
{
    char since[TIME_TEXT_MAX];

    LOCK_SCOPE(held, &log->mutex);
    if (log->failed) {
        *err = log->err;
        return err_wrap(err, "cannot note problems");
    }
    if (!write_held(log, err) || (root && !connect(log, err)))
        return err_wrap(err, "cannot note problems");
    if (!root)
        return true;
    return db_run(log->db, &sql_problem_forget,
                  DB_ARGS(DB_TEXT(log->type), DB_TEXT(*root), DB_TEXT(time_format(log->since, since))), NULL,
                  err);
}
