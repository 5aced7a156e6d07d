/* SPDX-License-Identifier: Apache-2.0 */
#include "place/schema.h"

#include "db/migrate.h"
#include "place_schema.h"
#include "place_sql.h"

/* Another program may have been quicker. */
static bool make_database(const char *dsn, const char *database, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(rows);
    Db *db;

    if (!db_open(&scratch, dsn, &db, err) ||
        !db_query(db, &sql_schema_database, DB_ARGS(DB_TEXT_Z(database)), &rows, err))
        return false;
    if (db_count(rows) == 0 || db_script(db, str_to_z(&scratch, db_text(rows, 0, 0)), err))
        return true;
    if (err->code != ERR_CONFLICT)
        return false;
    *err = (Err){0};
    return true;
}

static bool check_foreign(Db *db, const char *database, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_schema_is_foreign, DB_NO_ARGS, &rows, err))
        return false;
    return !db_bool(rows, 0, 0) ||
           err_set(err, ERR_CONFLICT, "the database '%s' has tables, and they are no dataset's", database);
}

int64_t schema_version(void)
{
    return COUNT_OF(scripts_place);
}

bool schema_upgrade(Db *db, Err *err)
{
    if (migrate_run(db, "place", scripts_place, COUNT_OF(scripts_place), NULL, err))
        return true;
    return err->code == ERR_DENIED
               ? err_hint(err,
                          "its system tables are of an older strata; let their owner make a change first")
               : false;
}

bool schema_make(const char *dsn, const char *database, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *there = db_dsn_with(&scratch, dsn, "dbname", database, err);
    Db *db;

    return there && make_database(dsn, database, err) && db_open(&scratch, there, &db, err) &&
           check_foreign(db, database, err) && schema_upgrade(db, err);
}
