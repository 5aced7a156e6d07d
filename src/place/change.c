/* SPDX-License-Identifier: Apache-2.0 */
#include "place/change.h"

#include <unistd.h>

#include "base/fault.h"
#include "place/schema.h"
#include "place_sql.h"

static size_t count_of(const Change *change)
{
    return place_spec(change->place)->count;
}

static bool at_server(const Change *change, size_t server, Err *err)
{
    return err_wrap(err, "server '%s'", place_spec(change->place)->servers[server].name);
}

/* Runs the statement that a query gives. */
static bool run_made(Db *db, const Sql *sql, const DbArg *args, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(rows);

    return db_query(db, sql, args, &rows, err) && db_script(db, str_to_z(&scratch, db_text(rows, 0, 0)), err);
}

/* ---- what others left ---- */

static bool settle_at(Change *change, size_t server, Str gid, bool commit, Err *err)
{
    return run_made(change->servers[server], &sql_change_settle, DB_ARGS(DB_TEXT(gid), DB_BOOL(commit)),
                    err) ||
           at_server(change, server, err);
}

static bool is_done(Change *change, Str gid, bool *out, Err *err)
{
    *out = false;
    for (size_t i = 0; i < count_of(change) && !*out; i++) {
        RESULT_SCOPE(rows);

        if (!db_query(change->servers[i], &sql_change_is_done, DB_ARGS(DB_TEXT(gid)), &rows, err))
            return at_server(change, i, err);
        *out = db_bool(rows, 0, 0);
    }
    return true;
}

/* All servers are locked: nobody is on his way between preparing and committing. */
static bool settle_all(Change *change, size_t *settled, Err *err)
{
    for (size_t i = 0; i < count_of(change); i++) {
        RESULT_SCOPE(rows);

        if (!db_query(change->servers[i], &sql_change_open, DB_NO_ARGS, &rows, err))
            return at_server(change, i, err);
        for (int row = 0; row < db_count(rows); row++) {
            Str gid = db_text(rows, row, 0);
            bool commit;

            if (!is_done(change, gid, &commit, err) || !settle_at(change, i, gid, commit, err))
                return false;
            ++*settled;
        }
    }
    return true;
}

/* ---- begin and end ---- */

static bool lock(Db *db, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_change_lock, DB_NO_ARGS, &rows, err))
        return false;
    if (db_int(rows, 0, 0) > 0)
        return true;
    (void)err_set(err, ERR_CONFIG, "it allows no prepared transactions");
    return err_hint(err, "set max_prepared_transactions to 64 on this server, and start it again");
}

/* A dataset that an older program made is brought up to this one when it is first changed. */
static bool upgrade(Db *db, Err *err)
{
    RESULT_SCOPE(rows);

    return db_query(db, &sql_change_here, DB_NO_ARGS, &rows, err) &&
           (db_int(rows, 0, 0) == schema_version() || schema_upgrade(db, err));
}

/* In the order of the servers, so that two who do it wait for each other and not in a ring. */
static bool lock_all(Change *change, Place *place, Err *err)
{
    change->place = place;
    change->servers = arena_new(&change->arena, Db *, count_of(change));
    for (size_t i = 0; i < count_of(change); i++) {
        Db *db;

        if (!place_server(place, i, &db, err))
            return false;
        change->servers[i] = db;
        if (!lock(db, err) || !upgrade(db, err))
            return at_server(change, i, err);
    }
    return true;
}

static bool lock_and_settle(Change *change, Place *place, size_t *settled, Err *err)
{
    return lock_all(change, place, err) &&
           (settle_all(change, settled, err) || err_wrap(err, "cannot settle an earlier change"));
}

bool change_hold(Change *change, Place *place, Err *err)
{
    size_t settled = 0;

    *change = (Change){0};
    return lock_and_settle(change, place, &settled, err);
}

bool change_settle(Place *place, size_t *settled, Err *err)
{
    CHANGE_SCOPE(change);

    *settled = 0;
    return lock_and_settle(&change, place, settled, err);
}

static bool lists_the_same(const PlaceSpec *spec, Str noted)
{
    size_t count = 0;
    Str name;

    while (noted.len > 0) {
        noted = str_cut(noted, ',', &name);
        if (!place_lists(spec, name))
            return false;
        count++;
    }
    return count == spec->count;
}

/* A program that began before a server was added would leave that one out. */
static bool check_servers(Change *change, Err *err)
{
    const PlaceSpec *spec = place_spec(change->place);

    for (size_t i = 0; i < count_of(change); i++) {
        RESULT_SCOPE(rows);

        if (!db_query(change->servers[i], &sql_change_here, DB_NO_ARGS, &rows, err))
            return at_server(change, i, err);
        if (db_is_null(rows, 0, 1) || lists_the_same(spec, db_text(rows, 0, 1)))
            continue;
        (void)err_set(err, ERR_CONFLICT, "the server '%s' says that the dataset '%s' is on %.*s",
                      spec->servers[i].name, spec->dataset, STR_ARG(db_text(rows, 0, 1)));
        return err_hint(
            err,
            "when servers have come or gone just now, try again; when strata dataset status has a server "
            "that is behind, strata dataset repair; else put 'servers' of [dataset %s] right",
            spec->dataset);
    }
    return true;
}

bool change_begin(Change *change, Place *place, Err *err)
{
    return change_begin_anyway(change, place, err) && check_servers(change, err);
}

bool change_begin_anyway(Change *change, Place *place, Err *err)
{
    size_t settled = 0;

    *change = (Change){.refused = CHANGE_NOBODY};
    if (!lock_and_settle(change, place, &settled, err))
        return false;
    change->gid = str_printf(&change->arena, "strata:%s:%lld:%d", place_spec(place)->dataset,
                             (long long)time_now(), (int)getpid())
                      .ptr;
    change->begun = true;
    for (size_t i = 0; i < count_of(change); i++)
        if (!db_begin_write(change->servers[i], err))
            return at_server(change, i, err);
    return true;
}

bool change_run(Change *change, const Sql *sql, const DbArg *args, Err *err)
{
    for (size_t i = 0; i < count_of(change); i++)
        if (!db_run(change->servers[i], sql, args, NULL, err))
            return at_server(change, i, err);
    return true;
}

bool change_run_made(Change *change, const Sql *sql, const DbArg *args, Err *err)
{
    for (size_t i = 0; i < count_of(change); i++)
        if (!run_made(change->servers[i], sql, args, err))
            return at_server(change, i, err);
    return true;
}

void change_end(Change *change)
{
    Err ignored = {0};

    for (size_t i = 0; change->servers && i < count_of(change); i++) {
        if (!change->servers[i])
            continue;
        if (change->begun)
            db_rollback(change->servers[i]);
        (void)!db_run(change->servers[i], &sql_change_unlock, DB_NO_ARGS, NULL, &ignored);
    }
    change->servers = NULL;
    arena_free(&change->arena);
}

/* ---- commit ---- */

/* PostgreSQL would say so too, but with less to go by. */
static bool prepare(Db *db, const DbArg *gid, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_change_prepare, gid, &rows, err))
        return false;
    if (db_is_null(rows, 0, 1))
        return db_script(db, str_to_z(&scratch, db_text(rows, 0, 0)), err);
    return err_set(err, ERR_USAGE, "a change of all copies cannot have to do with the temporary table '%.*s'",
                   STR_ARG(db_text(rows, 0, 1)));
}

static bool prepare_at(Change *change, size_t server, Err *err)
{
    DbArg gid = DB_TEXT_Z(change->gid);
    Db *db = change->servers[server];

    return (db_run(db, &sql_change_note, &gid, NULL, err) && prepare(db, &gid, err)) ||
           at_server(change, server, err);
}

/* Those before `server` have prepared it. What cannot be rolled back now is when the next change begins. */
static void unprepare(Change *change, size_t servers)
{
    for (size_t i = 0; i < servers; i++) {
        Err ignored = {0};

        (void)!settle_at(change, i, str_from_z(change->gid), false, &ignored);
    }
}

static bool prepare_all(Change *change, Err *err)
{
    for (size_t i = 0; i < count_of(change); i++)
        if (!prepare_at(change, i, err) || !fault_pass(FAULT_place_prepared, err)) {
            change->refused = i;
            db_rollback(change->servers[i]);
            unprepare(change, i + 1);
            return false;
        }
    return true;
}

bool change_commit(Change *change, Err *err)
{
    Err why = {0};
    size_t done = 0;

    if (!prepare_all(change, err))
        return false;
    for (size_t i = 0; i < count_of(change); i++) {
        Err here = {0};

        if (settle_at(change, i, str_from_z(change->gid), true, &here)) {
            done++;
            (void)!fault_pass(FAULT_place_committed, &here);
        } else
            why = here;
    }
    change->begun = false;
    if (done > 0)
        return true;
    *err = why;
    return err_wrap(err, "whether the change was made is known when a server can be reached again");
}
