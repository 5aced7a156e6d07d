/* SPDX-License-Identifier: Apache-2.0 */
#include "db/migrate.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "db_migrate.h"
#include "db_sql.h"

/* ---- what is there against what we have ---- */

static bool check_count(const char *part, int there, size_t count, Err *err)
{
    if ((size_t)there <= count)
        return true;
    (void)err_set(err, ERR_CONFLICT, "the database has %d migrations of '%s', this program knows %zu", there,
                  part, count);
    return err_hint(err, "the database was used by a newer strata; use that one");
}

static bool check_script(const PGresult *rows, int row, const char *part, const SqlScript *script, Err *err)
{
    if (db_int(rows, row, 0) == script->number && str_eq_z(db_text(rows, row, 2), script->sha256))
        return true;
    (void)err_set(err, ERR_CORRUPT,
                  "migration %lld of '%s' was applied as '%.*s' with other contents than '%s' has now",
                  (long long)db_int(rows, row, 0), part, STR_ARG(db_text(rows, row, 1)), script->name);
    return err_hint(
        err, "an applied migration must not change; use the strata that made this database, or a copy of it");
}

static bool has_table(Db *db, bool *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_migrate_table, DB_NO_ARGS, &rows, err))
        return false;
    *out = db_bool(rows, 0, 0);
    return true;
}

/* Compares all that was applied and says how many that are. */
static bool check_applied(Db *db, const char *part, const SqlScript *scripts, size_t count, size_t *out,
                          Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_migrate_applied, DB_ARGS(DB_TEXT_Z(part)), &rows, err) ||
        !check_count(part, db_count(rows), count, err))
        return false;
    for (int i = 0; i < db_count(rows); i++)
        if (!check_script(rows, i, part, &scripts[i], err))
            return false;
    *out = (size_t)db_count(rows);
    return true;
}

/* ---- applying ---- */

static bool lock(Db *db, Err *err)
{
    return db_run(db, &sql_migrate_lock, DB_NO_ARGS, NULL, err);
}

/* The table itself is made by the first who comes, again in a transaction of its own. */
static bool make_table(Db *db, Err *err)
{
    TX_SCOPE(db);
    bool there;

    if (!db_begin_write(db, err) || !lock(db, err) || !has_table(db, &there, err))
        return false;
    return (there || db_script(db, scripts_migrate[0].text, err)) && db_commit(db, err);
}

static bool apply(Db *db, const char *part, const SqlScript *script, Err *err)
{
    const DbArg args[] = {DB_TEXT_Z(part), DB_INT(script->number), DB_TEXT_Z(script->name),
                          DB_TEXT_Z(script->sha256)};

    if (db_script(db, script->text, err) && db_run(db, &sql_migrate_record, args, NULL, err))
        return true;
    return err_wrap(err, "cannot apply migration '%s' of '%s'", script->name, part);
}

/* One turn: with the lock, the next script that is missing. *more tells whether there was one. */
static bool apply_next(Db *db, const char *part, const SqlScript *scripts, size_t count, bool *more, Err *err)
{
    TX_SCOPE(db);
    size_t there;

    if (!db_begin_write(db, err) || !lock(db, err) || !check_applied(db, part, scripts, count, &there, err))
        return false;
    *more = there < count;
    return (!*more || (apply(db, part, &scripts[there], err) && fault_pass(FAULT_migration_applied, err))) &&
           db_commit(db, err);
}

bool migrate_run(Db *db, const char *part, const SqlScript *scripts, size_t count, size_t *applied, Err *err)
{
    size_t done = 0;
    bool more = true;

    if (!make_table(db, err))
        return err_wrap(err, "cannot make the table of migrations");
    while (more) {
        if (!apply_next(db, part, scripts, count, &more, err))
            return false;
        done += more;
        if (applied)
            *applied = done;
    }
    return true;
}

bool migrate_version(Db *db, const char *part, int *out, Err *err)
{
    RESULT_SCOPE(rows);
    bool there;

    if (!has_table(db, &there, err))
        return false;
    if (there && !db_query(db, &sql_migrate_applied, DB_ARGS(DB_TEXT_Z(part)), &rows, err))
        return false;
    *out = there ? db_count(rows) : 0;
    return true;
}

/* ---- roles and database ---- */

/* Runs the statements that a query gives. Another program may have been quicker: what exists by then is fine. */
static bool run_needed(Db *db, const Sql *sql, const DbArg *args, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(rows);

    if (!db_query(db, sql, args, &rows, err))
        return false;
    for (int i = 0; i < db_count(rows); i++) {
        const char *statement = str_to_z(&scratch, db_text(rows, i, 0));

        if (!db_script(db, statement, err) && err->code != ERR_CONFLICT)
            return err_wrap(err, "cannot run '%s'", statement);
    }
    return true;
}

static bool make_database(const char *dsn, const DatabaseSpec *spec, Err *err)
{
    ARENA_SCOPE(arena);
    Db *db;

    return db_open(&arena, dsn, &db, err) &&
           run_needed(db, &sql_need_roles, DB_ARGS(DB_TEXT_Z(spec->owner), DB_TEXT_Z(spec->reader)), err) &&
           run_needed(db, &sql_need_database, DB_ARGS(DB_TEXT_Z(spec->name), DB_TEXT_Z(spec->owner)), err);
}

static bool fill_database(const char *dsn, const DatabaseSpec *spec, Err *err)
{
    ARENA_SCOPE(arena);
    Db *db;
    const char *there = db_dsn_with(&arena, dsn, "dbname", spec->name, err);

    return there && db_open(&arena, there, &db, err) &&
           run_needed(db, &sql_need_content, DB_ARGS(DB_TEXT_Z(spec->owner), DB_TEXT_Z(spec->reader)), err);
}

bool migrate_database(const char *dsn, const DatabaseSpec *spec, Err *err)
{
    if (make_database(dsn, spec, err) && fill_database(dsn, spec, err))
        return true;
    (void)err_wrap(err, "cannot prepare the database '%s'", spec->name);
    if (err->code == ERR_DENIED)
        (void)err_hint(err,
                       "let a superuser make the roles '%s' and '%s', the database and its extension postgis",
                       spec->owner, spec->reader);
    return false;
}
