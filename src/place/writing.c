/* SPDX-License-Identifier: Apache-2.0 */
#include "place/writing.h"

#include <assert.h>

#include "place/seal.h"
#include "place_sql.h"

enum { HASH_MAX = 48 };

/* A copy while the statement runs. */
typedef struct Target {
    size_t server; /* its place in the dataset's list */
    bool primary, lost;
    int64_t rows;
    char before[HASH_MAX], after[HASH_MAX];
    Err why; /* code is not 0: the statement failed there */
} Target;

typedef struct Writing {
    Upkeep *upkeep;
    Str table;
    const char *sql;
    Change *change;
    Target *targets; /* the primary copy first */
    size_t count;
} Writing;

static const char *name_of(const Writing *writing, const Target *target)
{
    return place_spec(writing->upkeep->place)->servers[target->server].name;
}

static Db *db_of(const Writing *writing, const Target *target)
{
    return writing->change->servers[target->server];
}

/* ---- what PostgreSQL makes of the statement ---- */

/* The protocol takes one statement at a time; a script could end the function that it is looked at in. */
static bool check_single(Db *db, const char *sql, Err *err)
{
    RESULT_SCOPE(prepared);

    prepared = PQprepare(db_handle(db), "", sql, 0, NULL);
    return PQresultStatus(prepared) == PGRES_COMMAND_OK || db_err(db, prepared, err);
}

static bool take_apart(Db *db, const char *sql, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(made);

    if (!db_query(db, &sql_write_check, DB_ARGS(DB_TEXT_Z(sql)), &made, err))
        return false;
    if (db_script(db, str_to_z(&scratch, db_text(made, 0, 0)), err))
        return true;
    return strcmp(err->sqlstate, "42601") == 0 || strcmp(err->sqlstate, "0A000") == 0
               ? err_set(err, ERR_USAGE,
                         "it is no INSERT, UPDATE or DELETE, which alone can be run on copies")
               : false;
}

static bool check_hazards(Db *db, Str table, Err *err)
{
    RESULT_SCOPE(why);

    if (!db_query(db, &sql_write_hazards, DB_ARGS(DB_TEXT(table)), &why, err))
        return false;
    if (db_count(why) == 0)
        return true;
    (void)err_set(err, ERR_USAGE, "the statement might not do the same on all copies: %.*s",
                  STR_ARG(db_text(why, 0, 0)));
    return err_hint(err, "work values out first, and write them into the statement");
}

/* On one server; the function is never committed. */
static bool check_statement(Db *db, Str table, const char *sql, Err *err)
{
    TX_SCOPE(db);

    return db_begin_write(db, err) && check_single(db, sql, err) && take_apart(db, sql, err) &&
           check_hazards(db, table, err);
}

/* ---- one run of it ---- */

static void take_results(Db *db, Target *target)
{
    target->rows = 0;
    for (PGresult *result; (result = PQgetResult(db_handle(db))); PQclear(result)) {
        ExecStatusType status = PQresultStatus(result);

        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            (void)!db_err(db, result, &target->why);
        else
            (void)str_to_int64(str_from_z(PQcmdTuples(result)), &target->rows);
    }
}

/* On all copies at once. False when a connection is lost: nothing can be done then. */
static bool run_on_all(Writing *writing, Err *err)
{
    for (size_t i = 0; i < writing->count; i++) {
        Target *target = &writing->targets[i];

        if (target->lost)
            continue;
        target->why = (Err){0};
        if (!PQsendQuery(db_handle(db_of(writing, target)), writing->sql))
            return db_err(db_of(writing, target), NULL, err);
    }
    for (size_t i = 0; i < writing->count; i++)
        if (!writing->targets[i].lost)
            take_results(db_of(writing, &writing->targets[i]), &writing->targets[i]);
    for (size_t i = 0; i < writing->count; i++)
        if (!db_alive(db_of(writing, &writing->targets[i]))) {
            *err = writing->targets[i].why;
            return err_wrap(err, "server '%s'", name_of(writing, &writing->targets[i]));
        }
    return true;
}

static bool read_hash(Writing *writing, Target *target, char *hash, Err *err)
{
    RESULT_SCOPE(state);

    if (!db_query(db_of(writing, target), &sql_copy_state, DB_ARGS(DB_TEXT(writing->table)), &state, err))
        return false;
    (void)snprintf(hash, HASH_MAX, "%.*s", STR_ARG(db_text(state, 0, 2)));
    return true;
}

/* A copy that cannot even be read is like one that failed. */
static bool run_and_hash(Writing *writing, Err *err)
{
    for (size_t i = 0; i < writing->count; i++)
        if (!db_script(db_of(writing, &writing->targets[i]), "savepoint strata", err))
            return false;
    if (!run_on_all(writing, err))
        return false;
    for (size_t i = 0; i < writing->count; i++) {
        Target *target = &writing->targets[i];

        if (!target->lost && !target->why.code)
            (void)!read_hash(writing, target, target->after, &target->why);
    }
    return true;
}

/* Those that are not lost did the same; *out is one of them. */
static bool all_did_the_same(const Writing *writing, const Target **out)
{
    const Target *first = NULL;

    for (size_t i = 0; i < writing->count; i++) {
        const Target *target = &writing->targets[i];

        if (target->lost)
            continue;
        if (target->why.code ||
            (first && (first->rows != target->rows || strcmp(first->after, target->after) != 0)))
            return false;
        first = first ? first : target;
    }
    *out = first;
    return first != NULL;
}

/* ---- when they did not ---- */

static bool undo(Writing *writing, Err *err)
{
    for (size_t i = 0; i < writing->count; i++)
        if (!db_script(db_of(writing, &writing->targets[i]), "rollback to strata", err))
            return false;
    return true;
}

/* What a statement does to copies that were the same before is its own doing. */
static bool did_something_else(const Writing *writing, Err *err)
{
    const Target *first = &writing->targets[0];

    for (size_t i = 1; i < writing->count; i++)
        if (first->rows != writing->targets[i].rows)
            return err_set(err, ERR_CONFLICT,
                           "it would change %lld rows on server '%s' and %lld on '%s'; nothing has changed",
                           (long long)first->rows, name_of(writing, first),
                           (long long)writing->targets[i].rows, name_of(writing, &writing->targets[i]));
    return err_set(err, ERR_CONFLICT, "it does not do the same on all copies of '%.*s'; nothing has changed",
                   STR_ARG(writing->table));
}

/* Copies that were not like the primary one, and those that fail where others do not. */
static bool find_lost(Writing *writing, Err *err)
{
    size_t failed = 0, lost = 0;

    for (size_t i = 0; i < writing->count; i++)
        failed += writing->targets[i].why.code != 0;
    if (failed == writing->count) {
        *err = writing->targets[0].why;
        return false;
    }
    for (size_t i = 0; i < writing->count; i++) {
        Target *target = &writing->targets[i];
        Err why = {0};

        if (!read_hash(writing, target, target->before, &why) && !target->why.code)
            target->why = why;
        if (why.code && !db_script(db_of(writing, target), "rollback to strata", err))
            return false;
        if (!target->why.code && !writing->targets[0].why.code &&
            strcmp(target->before, writing->targets[0].before) != 0)
            (void)err_set(&target->why, ERR_CORRUPT, "it was not what the primary copy was");
        target->lost = target->why.code != 0;
        lost += target->lost;
    }
    return lost > 0 || did_something_else(writing, err);
}

/* The primary one last: it hands on to one that stays. */
static bool deactivate_lost(Writing *writing, Err *err)
{
    for (size_t i = writing->count; i-- > 0;) {
        const Target *target = &writing->targets[i];

        if (target->lost && !change_run(writing->change, &sql_copy_activate,
                                        DB_ARGS(DB_TEXT(writing->table), DB_TEXT_Z(name_of(writing, target)),
                                                DB_BOOL(false), DB_NULL),
                                        err))
            return false;
    }
    return true;
}

/* ---- the change ---- */

static bool write_all(Writing *writing, const Target **done, Err *err)
{
    if (!run_and_hash(writing, err))
        return false;
    if (all_did_the_same(writing, done))
        return true;
    if (!undo(writing, err) || !find_lost(writing, err) || !run_and_hash(writing, err))
        return false;
    return all_did_the_same(writing, done) || did_something_else(writing, err);
}

/* `refused` gets the server that could not prepare it. */
static bool write_once(Writing *writing, const Target **done, size_t *refused, Err *err)
{
    CHANGE_SCOPE(change);

    writing->change = &change;
    bool ok = change_begin(&change, writing->upkeep->place, err) && write_all(writing, done, err) &&
              deactivate_lost(writing, err) &&
              change_run(&change, &sql_table_wrote, DB_ARGS(DB_TEXT(writing->table)), err) &&
              change_commit(&change, err);
    *refused = change.refused;
    writing->change = NULL;
    return ok;
}

/* Whether another try without that copy makes sense. */
static bool give_up_copy(Writing *writing, size_t server, const Err *why)
{
    size_t left = 0;
    bool found = false;

    for (size_t i = 0; i < writing->count; i++) {
        Target *target = &writing->targets[i];

        if (target->server == server && !target->lost && why->code != ERR_USAGE) {
            target->lost = found = true;
            target->why = *why;
        }
        left += !target->lost;
    }
    return found && left > 0;
}

static bool list_targets(Writing *writing, Arena *arena, Err *err)
{
    const PlaceSpec *spec = place_spec(writing->upkeep->place);
    const MappingTable *found;
    const MappingCopy *ignored;

    if (!upkeep_find(writing->upkeep, writing->table, str_from_z(spec->servers[0].name), &found, &ignored,
                     err))
        return false;
    writing->targets = arena_new(arena, Target, found->count);
    for (int primary = 1; primary >= 0; primary--)
        for (size_t c = 0; c < found->count; c++) {
            const MappingCopy *copy = &found->copies[c];
            Target *target = &writing->targets[writing->count];

            if (!copy->active || copy->primary != (primary == 1))
                continue;
            *target = (Target){.primary = copy->primary};
            if (!place_find(spec, copy->server, &target->server))
                return err_set(err, ERR_CONFIG,
                               "[dataset %s] does not list the server '%.*s', which has a copy of '%.*s'",
                               spec->dataset, STR_ARG(copy->server), STR_ARG(writing->table));
            writing->count++;
        }
    return writing->count > 0 ||
           err_set(err, ERR_CORRUPT, "table '%.*s' has no active copy", STR_ARG(writing->table));
}

static bool check(Writing *writing, Err *err)
{
    Db *db;

    return place_check_open(writing->upkeep->place, err) &&
           place_server(writing->upkeep->place, writing->targets[0].server, &db, err) &&
           check_statement(db, writing->table, writing->sql, err);
}

static void tell(const Writing *writing, const Target *done, Arena *arena, Written *out)
{
    *out = (Written){.rows = done->rows, .lost = arena_new(arena, WritingLoss, writing->count)};
    for (size_t i = 0; i < writing->count; i++) {
        const Target *target = &writing->targets[i];

        if (target->lost)
            out->lost[out->lost_count++] = (WritingLoss){name_of(writing, target), target->why};
        else
            out->copies++;
    }
}

bool writing_run(Upkeep *upkeep, Str table, const char *sql, Arena *arena, Written *out, Err *err)
{
    Writing writing = {.upkeep = upkeep, .table = str_copy(arena, table), .sql = sql};
    const Target *done = NULL;
    size_t refused;

    if (!list_targets(&writing, arena, err) || !check(&writing, err))
        return false;
    if (!write_once(&writing, &done, &refused, err)) {
        if (!give_up_copy(&writing, refused, err))
            return false;
        *err = (Err){0};
        if (!write_once(&writing, &done, &refused, err))
            return false;
    }
    assert(done);
    tell(&writing, done, arena, out);
    return true;
}
