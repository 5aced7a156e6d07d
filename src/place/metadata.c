/* SPDX-License-Identifier: Apache-2.0 */
#include "place/metadata.h"

#include "place_sql.h"

bool metadata_put(Change *change, const char *key, Str value, Err *err)
{
    return change_run(change, &sql_metadata_put, DB_ARGS(DB_TEXT_Z(key), DB_TEXT(value)), err);
}

bool metadata_get(Db *db, Arena *arena, const char *key, Str *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_metadata_get, DB_ARGS(DB_TEXT_Z(key)), &rows, err))
        return false;
    *out = db_count(rows) > 0 ? str_copy(arena, db_text(rows, 0, 0)) : (Str){0};
    return true;
}
