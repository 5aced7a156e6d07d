/* SPDX-License-Identifier: Apache-2.0 */
#include "place/tables.h"

#include "db/array.h"
#include "db/copy.h"
#include "place_sql.h"

bool tables_add(Change *change, const TableNew *table, const MappingCopy *copies, size_t count, Err *err)
{
    if (!change_run(change, &sql_table_add,
                    DB_ARGS(DB_TEXT(table->name), DB_TEXT(table->source), DB_INT(table->first_row)), err))
        return err->code == ERR_CONFLICT
                   ? err_set(err, ERR_CONFLICT, "the dataset has a table '%.*s' already",
                             STR_ARG(table->name))
                   : false;
    for (size_t i = 0; i < count; i++)
        if (!change_run(change, &sql_table_copy_add,
                        DB_ARGS(DB_TEXT(table->name), DB_TEXT(copies[i].server), DB_BOOL(copies[i].active),
                                DB_BOOL(copies[i].primary)),
                        err))
            return false;
    return true;
}

bool tables_load(Change *change, Str table, int64_t rows, Err *err)
{
    return change_run(change, &sql_table_load, DB_ARGS(DB_TEXT(table), DB_INT(rows)), err);
}

bool tables_activate(Change *change, Str table, Str server, bool active, Err *err)
{
    return change_run(change, &sql_copy_activate,
                      DB_ARGS(DB_TEXT(table), DB_TEXT(server), DB_BOOL(active), DB_NULL), err);
}

static bool find_copies(Db *db, Arena *arena, Str table, TableFound *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_table_copies, DB_ARGS(DB_TEXT(table)), &rows, err))
        return false;
    out->servers_count = (size_t)db_count(rows);
    out->servers = arena_new(arena, Str, out->servers_count + 1);
    for (int i = 0; i < db_count(rows); i++)
        out->servers[i] = str_copy(arena, db_text(rows, i, 0));
    return true;
}

bool tables_find(Db *db, Arena *arena, Str table, TableFound *out, Err *err)
{
    RESULT_SCOPE(rows);

    *out = (TableFound){0};
    if (!db_query(db, &sql_table_find, DB_ARGS(DB_TEXT(table)), &rows, err))
        return false;
    if (db_count(rows) == 0)
        return true;
    *out = (TableFound){.there = true,
                        .source = str_copy(arena, db_text(rows, 0, 0)),
                        .first_row = db_int(rows, 0, 1),
                        .rows = db_int(rows, 0, 2),
                        .loaded = db_bool(rows, 0, 3)};
    return find_copies(db, arena, table, out, err);
}

/* ---- the rows of a copy ---- */

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
    Db *db = filling->db;

    return db_begin_write(db, err) &&
           db_run(db, &sql_copy_make, DB_ARGS(DB_TEXT(filling->table), DB_TEXT(names), DB_TEXT(types)), NULL,
                  err) &&
           db_query(db, &sql_copy_statement, DB_ARGS(DB_TEXT(filling->table), DB_TEXT(names)), &made, err) &&
           copy_begin(db, str_to_z(&scratch, db_text(made, 0, 0)), err);
}

bool filling_begin(Filling *filling, Db *db, Str table, const TableColumn *columns, size_t count, Err *err)
{
    BUF_SCOPE(names);
    BUF_SCOPE(types);

    for (size_t i = 0; i < count; i++) {
        array_put_text(&names, columns[i].name);
        array_put_text(&types, str_from_z(columns[i].type));
    }
    *filling = (Filling){db, table};
    if (begin_rows(filling, array_end(&names), array_end(&types), err))
        return true;
    filling_undo(filling);
    return false;
}

bool filling_put(Filling *filling, Str csv, Err *err)
{
    return copy_put(filling->db, csv, err);
}

bool filling_end(Filling *filling, int64_t rows, Err *err)
{
    Db *db = filling->db;

    if (!copy_end(db, err) ||
        !db_run(db, &sql_copy_mark, DB_ARGS(DB_TEXT(filling->table), DB_INT(rows)), NULL, err) ||
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
