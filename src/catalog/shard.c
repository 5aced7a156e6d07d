/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/shard.h"

#include <string.h>

#include "catalog/pathname.h"
#include "catalog_sql.h"

enum { TRIES = 60, LOCK_TIMEOUT_MS = 500, BRIEF_LOCK_MS = 100 };

bool shard_check_name(Str name, Err *err)
{
    static const char *const taken[] = {"public", "catalog", "information_schema"};
    bool ok = name.len > 0 && name.len <= SHARD_NAME_MAX;

    for (size_t i = 0; ok && i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || c == '_';
        ok = letter || (i > 0 && c >= '0' && c <= '9');
    }
    if (!ok)
        return err_set(
            err, ERR_USAGE,
            "'%.*s' cannot be a shard's name: small letters, digits and _, no digit first, at most %d bytes",
            STR_ARG(str_sub(name, 0, 100)), SHARD_NAME_MAX);
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        ok = ok && !str_eq_z(name, taken[i]);
    if (!ok || str_starts(name, STR("pg_")))
        return err_set(err, ERR_USAGE, "'%.*s' cannot be a shard's name: the database itself has it",
                       STR_ARG(name));
    return true;
}

typedef bool ShardChange(Db *db, const Str *names, Err *err);

/* A transaction that was rolled back for others' sake; not a name that is taken (23505, 42P06). */
static bool is_transient(const Err *err)
{
    return err->code == ERR_CONFLICT && strncmp(err->sqlstate, "40", 2) == 0;
}

/*
 * Runs a change that needs the public views for itself. It gives up soon where somebody reads them, and
 * tries again, so that nobody queues behind it meanwhile.
 */
static bool change(Db *db, ShardChange *make, const Str *names, Err *err)
{
    for (int try = 0; try < TRIES; try++) {
        if (try > 0)
            time_sleep(MILLISECONDS(50 * (try < 10 ? try : 10)));
        if (!db_begin(db, err))
            return false;
        TX_SCOPE(db);
        if (db_run(db, &sql_lock_timeout, DB_ARGS(DB_INT(LOCK_TIMEOUT_MS)), NULL, err) &&
            make(db, names, err) && db_commit(db, err))
            return true;
        if (err->code != ERR_BUSY && !is_transient(err))
            return false;
    }
    return err_hint(err, "somebody reads the public views for long; try again");
}

/* The shard whose name is near to one that is none, as a hint. */
static bool hint_nearest(Db *db, Str name, Err *err)
{
    ARENA_SCOPE(scratch);
    ShardInfo *shards;
    Err ignored;
    size_t count;

    if (!shard_list(db, &scratch, &shards, &count, &ignored))
        return false;
    Str *names = arena_new(&scratch, Str, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = shards[i].name;
    Str near = str_nearest(name, names, count);
    if (near.len)
        (void)err_hint(err, "did you mean '%.*s'?", STR_ARG(near));
    else if (count == 0)
        (void)err_hint(err, "there is none yet: strata catalog shard create NAME PATH makes one");
    return near.len || count == 0;
}

static bool find(Db *db, Str name, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_shard_find, DB_ARGS(DB_TEXT(name)), &rows, err))
        return false;
    if (db_count(rows) > 0)
        return true;
    (void)err_set(err, ERR_NOT_FOUND, "there is no shard '%.*s'", STR_ARG(name));
    return !hint_nearest(db, name, err) && err_hint(err, "strata catalog shard list shows those there are");
}

static bool create(Db *db, const Str *names, Err *err)
{
    return db_run(db, &sql_shard_enter, DB_ARGS(DB_TEXT(names[0]), DB_TEXT(names[1]), DB_TEXT(names[2])),
                  NULL, err) &&
           db_run(db, &sql_shard_use, DB_ARGS(DB_TEXT(names[0])), NULL, err) &&
           db_script(db, sql_shard.text, err) &&
           db_run(db, &sql_shard_finish, DB_ARGS(DB_TEXT(names[0])), NULL, err);
}

/* Which of the two is taken, and by whom. What no shard has taken stays as the server said it: a schema of that name. */
static void tell_conflict(Db *db, Str name, Str path, Err *err)
{
    ARENA_SCOPE(scratch);
    ShardInfo *shards;
    Err ignored;
    size_t count;

    if (!shard_list(db, &scratch, &shards, &count, &ignored))
        return;
    for (size_t i = 0; i < count; i++) {
        const ShardInfo *other = &shards[i];

        if (str_eq(other->name, name)) {
            (void)err_set(err, ERR_CONFLICT, "it exists already, with the path '%.*s'", STR_ARG(other->path));
            return;
        }
        if (str_eq(other->path, path))
            (void)err_set(err, ERR_CONFLICT, "the path '%.*s' is that of shard '%.*s'", STR_ARG(path),
                          STR_ARG(other->name));
    }
}

bool shard_create(Db *db, Str name, Str path, bool unlogged, Err *err)
{
    ARENA_SCOPE(scratch);
    Str normal;

    if (!shard_check_name(name, err) || !pathname_normalise(&scratch, path, &normal, err))
        return err_wrap(err, "cannot create shard '%.*s'", STR_ARG(str_sub(name, 0, 100)));
    normal = pathname_escape(&scratch, normal);
    const Str names[] = {name, normal, unlogged ? STR("t") : STR("f")};
    if (change(db, create, names, err))
        return true;
    if (err->code == ERR_CONFLICT && !is_transient(err))
        tell_conflict(db, name, normal, err);
    return err_wrap(err, "cannot create shard '%.*s'", STR_ARG(name));
}

static bool drop(Db *db, const Str *names, Err *err)
{
    return db_run(db, &sql_shard_remove, DB_ARGS(DB_TEXT(names[0])), NULL, err);
}

bool shard_drop(Db *db, Str name, Err *err)
{
    if (!find(db, name, err) || !change(db, drop, &name, err))
        return err_wrap(err, "cannot drop shard '%.*s'", STR_ARG(str_sub(name, 0, 100)));
    return true;
}

static bool truncate(Db *db, const Str *names, Err *err)
{
    return db_run(db, &sql_shard_empty, DB_ARGS(DB_TEXT(names[0])), NULL, err);
}

bool shard_truncate(Db *db, Str name, Err *err)
{
    if (!find(db, name, err) || !change(db, truncate, &name, err))
        return err_wrap(err, "cannot truncate shard '%.*s'", STR_ARG(str_sub(name, 0, 100)));
    return true;
}

static bool rename_shard(Db *db, const Str *names, Err *err)
{
    return db_run(db, &sql_shard_use, DB_ARGS(DB_TEXT(names[0])), NULL, err) &&
           db_run(db, &sql_documents_forget, DB_NO_ARGS, NULL, err) &&
           db_run(db, &sql_shard_rename, DB_ARGS(DB_TEXT(names[0]), DB_TEXT(names[1])), NULL, err) &&
           db_run(db, &sql_shard_use, DB_ARGS(DB_TEXT(names[1])), NULL, err);
}

bool shard_rename(Db *db, Str name, Str new_name, Err *err)
{
    const Str names[] = {name, new_name};

    if (shard_check_name(new_name, err) && find(db, name, err) && change(db, rename_shard, names, err))
        return true;
    if (err->code == ERR_CONFLICT && !is_transient(err)) {
        (void)err_set(err, ERR_CONFLICT, "there is a shard '%.*s' already", STR_ARG(new_name));
        (void)err_hint(err, "strata catalog shard list shows those there are");
    }
    return err_wrap(err, "cannot rename shard '%.*s'", STR_ARG(str_sub(name, 0, 100)));
}

bool shard_use(Db *db, Str name, Err *err)
{
    return find(db, name, err) && db_run(db, &sql_shard_use, DB_ARGS(DB_TEXT(name)), NULL, err);
}

static Instant time_at(const PGresult *rows, int row, int col)
{
    Instant at = 0;

    (void)time_parse(db_text(rows, row, col), &at);
    return at;
}

bool shard_list(Db *db, Arena *arena, ShardInfo **out, size_t *count, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_shard_list, DB_NO_ARGS, &rows, err))
        return false;
    *count = (size_t)db_count(rows);
    *out = arena_new(arena, ShardInfo, *count + 1);
    for (int i = 0; i < db_count(rows); i++)
        (*out)[i] = (ShardInfo){.name = str_copy(arena, db_text(rows, i, 0)),
                                .path = str_copy(arena, db_text(rows, i, 1)),
                                .unlogged = db_bool(rows, i, 2),
                                .loading = db_bool(rows, i, 3),
                                .created = time_at(rows, i, 4)};
    return true;
}

bool shard_stat(Db *db, Str name, ShardStat *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!shard_use(db, name, err) || !db_query(db, &sql_shard_stat, DB_ARGS(DB_TEXT(name)), &rows, err))
        return false;
    *out = (ShardStat){.files = db_int(rows, 0, 0),
                       .directories = db_int(rows, 0, 1),
                       .links = db_int(rows, 0, 2),
                       .datasets = db_int(rows, 0, 3),
                       .bytes = db_int(rows, 0, 4),
                       .problems = db_int(rows, 0, 5),
                       .disk_bytes = db_int(rows, 0, 6),
                       .crawled = time_at(rows, 0, 7)};
    return true;
}

/* In a transaction, because the lock time-out is for the length of one. */
static bool ask_brief(Db *db, const ShardInfo *shard, ShardBrief *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_begin(db, err))
        return false;
    TX_SCOPE(db);
    if (!db_run(db, &sql_lock_timeout, DB_ARGS(DB_INT(BRIEF_LOCK_MS)), NULL, err) ||
        !shard_use(db, shard->name, err) ||
        !db_query(db, &sql_shard_brief, DB_ARGS(DB_TEXT(shard->path), DB_INT(SHARD_PROBLEMS_COUNTED)), &rows,
                  err))
        return false;
    bool known = !db_is_null(rows, 0, 0) && !shard->loading;
    *out = (ShardBrief){.files = known ? db_int(rows, 0, 0) : -1,
                        .bytes = known ? db_int(rows, 0, 1) : -1,
                        .problems = db_int(rows, 0, 2),
                        .crawled = time_at(rows, 0, 3)};
    return db_commit(db, err);
}

bool shard_brief(Db *db, const ShardInfo *shard, ShardBrief *out, Err *err)
{
    return ask_brief(db, shard, out, err) ||
           err_wrap(err, "cannot look at shard '%.*s'", STR_ARG(shard->name));
}
