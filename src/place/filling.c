/* SPDX-License-Identifier: Apache-2.0 */
#include "place/filling.h"

#include "db/array.h"
#include "db/copy.h"
#include "place_sql.h"

bool filling_rows(Db *db, Str table, int64_t *rows, Err *err)
{
    RESULT_SCOPE(found);

    if (!db_query(db, &sql_copy_rows, DB_ARGS(DB_TEXT(table)), &found, err))
        return false;
    *rows = db_count(found) > 0 ? db_int(found, 0, 0) : -1;
    return true;
}

static bool begin_rows(Filling *filling, Str names, Str types, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(made);
    const FillingPlan *plan = filling->plan;
    Db *db = filling->db;

    if (!db_begin_write(db, err) ||
        !db_run(db, &sql_copy_make, DB_ARGS(DB_TEXT(plan->table), DB_TEXT(names), DB_TEXT(types)), NULL,
                err) ||
        !db_query(db, &sql_copy_statement,
                  DB_ARGS(DB_TEXT(plan->table), DB_TEXT(names), DB_TEXT_Z(plan->binary ? "binary" : "csv")),
                  &made, err) ||
        !copy_begin(db, str_to_z(&scratch, db_text(made, 0, 0)), err))
        return false;
    return !plan->binary || copy_put(db, copy_head(), err);
}

bool filling_begin(Filling *filling, Db *db, const FillingPlan *plan, Err *err)
{
    BUF_SCOPE(names);
    BUF_SCOPE(types);

    for (size_t i = 0; i < plan->columns_count; i++) {
        array_put_text(&names, plan->columns[i].name);
        array_put_text(&types, str_from_z(plan->columns[i].type));
    }
    *filling = (Filling){db, plan};
    if (begin_rows(filling, array_end(&names), array_end(&types), err))
        return true;
    filling_undo(filling);
    return false;
}

bool filling_put(Filling *filling, Str rows, Err *err)
{
    return copy_put(filling->db, rows, err);
}

static bool make_indexes(const Filling *filling, Err *err)
{
    const FillingPlan *plan = filling->plan;
    ARENA_SCOPE(scratch);
    BUF_SCOPE(columns);
    RESULT_SCOPE(made);

    for (size_t i = 0; i < plan->indexes_count; i++)
        array_put_text(&columns, plan->indexes[i]);
    DbArg primary = plan->primary.len ? DB_TEXT(plan->primary) : DB_NULL;
    return db_query(filling->db, &sql_copy_index,
                    DB_ARGS(DB_TEXT(plan->table), primary, DB_TEXT(array_end(&columns))), &made, err) &&
           db_script(filling->db, str_to_z(&scratch, db_text(made, 0, 0)), err);
}

bool filling_end(Filling *filling, int64_t rows, Err *err)
{
    Db *db = filling->db;

    if ((filling->plan->binary && !copy_put(db, copy_tail(), err)) || !copy_end(db, err) ||
        !make_indexes(filling, err) ||
        !db_run(db, &sql_copy_mark, DB_ARGS(DB_TEXT(filling->plan->table), DB_INT(rows)), NULL, err) ||
        !db_commit(db, err))
        return false;
    filling->db = NULL;
    return true;
}

void filling_undo(Filling *filling)
{
    if (!filling->db)
        return;
    copy_cancel(filling->db);
    db_rollback(filling->db);
    filling->db = NULL;
}
