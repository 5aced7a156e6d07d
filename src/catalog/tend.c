/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/tend.h"

#include <string.h>

#include "catalog/coverage.h"
#include "catalog/shard.h"
#include "catalog_sql.h"

bool tend_hold(Db *db, Err *err)
{
    return db_run(db, &sql_tend_hold, DB_NO_ARGS, NULL, err);
}

bool tend_call(Db *db, Str shard, bool *told, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_tend_call, DB_ARGS(DB_TEXT(shard)), &rows, err))
        return false;
    *told = db_count(rows) > 0;
    return true;
}

/* Somebody who loads may drop or build them meanwhile: then there is nothing left for us to do. */
static bool is_done_already(const Err *err)
{
    return strcmp(err->sqlstate, "42P07") == 0 || strcmp(err->sqlstate, "42P01") == 0;
}

static bool build_late_indexes(Db *db, const atomic_bool *stop, Err *err)
{
    RESULT_SCOPE(names);

    if (!db_query(db, &sql_index_missing, DB_ARGS(DB_BOOL(true)), &names, err))
        return false;
    for (int i = 0; i < db_count(names) && !atomic_load(stop); i++)
        if (!db_run(db, &sql_index_build, DB_ARGS(DB_TEXT(db_text(names, i, 0))), NULL, err) &&
            !is_done_already(err))
            return err_wrap(err, "cannot build the index '%.*s'", STR_ARG(db_text(names, i, 0)));
    return true;
}

static bool refresh_coverage(Db *db, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_coverage_waits, DB_NO_ARGS, &rows, err))
        return false;
    return !db_bool(rows, 0, 0) || coverage_refresh_on(db, err);
}

/* A shard that was dropped meanwhile needs nothing any more. */
static bool tend_shard(Db *db, Str shard, const atomic_bool *stop, Err *err)
{
    if (!shard_use(db, shard, err))
        return err->code == ERR_NOT_FOUND;
    return (refresh_coverage(db, err) && build_late_indexes(db, stop, err)) || is_done_already(err);
}

bool tend_all(Db *db, const atomic_bool *stop, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_tend_shards, DB_NO_ARGS, &rows, err))
        return false;
    for (int i = 0; i < db_count(rows) && !atomic_load(stop); i++)
        if (!tend_shard(db, db_text(rows, i, 0), stop, err))
            return err_wrap(err, "shard '%.*s'", STR_ARG(db_text(rows, i, 0)));
    return true;
}
