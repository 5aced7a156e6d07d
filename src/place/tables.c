/* SPDX-License-Identifier: Apache-2.0 */
#include "place/tables.h"

#include "base/map.h"
#include "db/array.h"
#include "place_sql.h"

static bool put_names(Change *change, const Sql *sql, const TableNew *tables, size_t count, Err *err)
{
    BUF_SCOPE(names);
    BUF_SCOPE(sources);
    BUF_SCOPE(rows);

    for (size_t i = 0; i < count; i++) {
        array_put_text(&names, tables[i].name);
        array_put_text(&sources, tables[i].source);
        array_put_int(&rows, tables[i].first_row);
    }
    return change_run(
        change, sql,
        DB_ARGS(DB_TEXT(array_end(&names)), DB_TEXT(array_end(&sources)), DB_TEXT(array_end(&rows))), err);
}

static bool add_copies(Change *change, const TableNew *tables, size_t count, Err *err)
{
    BUF_SCOPE(names);
    BUF_SCOPE(servers);
    BUF_SCOPE(active);
    BUF_SCOPE(primaries);

    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < tables[i].copies_count; c++) {
            const MappingCopy *copy = &tables[i].copies[c];

            array_put_text(&names, tables[i].name);
            array_put_text(&servers, copy->server);
            array_put_bool(&active, copy->active);
            array_put_bool(&primaries, copy->primary);
        }
    return change_run(change, &sql_table_copy_add,
                      DB_ARGS(DB_TEXT(array_end(&names)), DB_TEXT(array_end(&servers)),
                              DB_TEXT(array_end(&active)), DB_TEXT(array_end(&primaries))),
                      err);
}

bool tables_add(Change *change, const TableNew *tables, size_t count, Err *err)
{
    if (put_names(change, &sql_table_add, tables, count, err))
        return add_copies(change, tables, count, err);
    return err->code == ERR_CONFLICT
               ? err_set(err, ERR_CONFLICT, "the dataset has one of the tables '%.*s' to '%.*s' already",
                         STR_ARG(tables[0].name), STR_ARG(tables[count - 1].name))
               : false;
}

bool tables_renew(Change *change, const TableNew *tables, size_t count, Err *err)
{
    return put_names(change, &sql_table_renew, tables, count, err);
}

bool tables_load(Change *change, const TableLoaded *tables, size_t count, Err *err)
{
    BUF_SCOPE(names);
    BUF_SCOPE(rows);

    for (size_t i = 0; i < count; i++) {
        array_put_text(&names, tables[i].name);
        array_put_int(&rows, tables[i].rows);
    }
    return change_run(change, &sql_table_load, DB_ARGS(DB_TEXT(array_end(&names)), DB_TEXT(array_end(&rows))),
                      err);
}

bool tables_activate(Change *change, Str table, Str server, bool active, Err *err)
{
    return change_run(change, &sql_copy_activate,
                      DB_ARGS(DB_TEXT(table), DB_TEXT(server), DB_BOOL(active), DB_NULL), err);
}

bool tables_lock(Place *place, Err *err)
{
    for (size_t i = 0; i < place_spec(place)->count; i++) {
        RESULT_SCOPE(rows);
        Db *db;

        if (!place_server(place, i, &db, err) || !db_query(db, &sql_import_lock, DB_NO_ARGS, &rows, err))
            return false;
        if (!db_bool(rows, 0, 0))
            return err_set(err, ERR_CONFLICT, "another import into the dataset '%s' is running",
                           place_spec(place)->dataset);
    }
    return true;
}

/* ---- what is there ---- */

static size_t count_copies(const PGresult *rows, int row)
{
    size_t count = 1;

    while (row + (int)count < db_count(rows) &&
           str_eq(db_text(rows, row, 0), db_text(rows, row + (int)count, 0)))
        count++;
    return count;
}

static void take_copy(Arena *arena, const PGresult *rows, int row, TableFound *found)
{
    if (!found->there)
        *found = (TableFound){.there = true,
                              .source = str_copy(arena, db_text(rows, row, 1)),
                              .first_row = db_int(rows, row, 2),
                              .rows = db_int(rows, row, 3),
                              .loaded = db_bool(rows, row, 4),
                              .servers = arena_new(arena, Str, count_copies(rows, row))};
    found->servers[found->servers_count++] = str_copy(arena, db_text(rows, row, 5));
}

bool tables_find(Db *db, Arena *arena, const Str *names, size_t count, TableFound **out, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(rows);
    BUF_SCOPE(asked);
    Map by_name = {0};

    *out = arena_new(arena, TableFound, count + 1);
    for (size_t i = 0; i < count; i++) {
        array_put_text(&asked, names[i]);
        *map_slot(&by_name, &scratch, names[i]) = &(*out)[i];
    }
    if (!db_query(db, &sql_table_find, DB_ARGS(DB_TEXT(array_end(&asked))), &rows, err))
        return false;
    for (int row = 0; row < db_count(rows); row++)
        take_copy(arena, rows, row, map_get(&by_name, db_text(rows, row, 0)));
    return true;
}
