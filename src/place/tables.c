/* SPDX-License-Identifier: Apache-2.0 */
#include "place/tables.h"

#include "place_sql.h"

bool tables_add(Change *change, Str table, const MappingCopy *copies, size_t count, Err *err)
{
    if (!change_run(change, &sql_table_add, DB_ARGS(DB_TEXT(table)), err))
        return err->code == ERR_CONFLICT
                   ? err_set(err, ERR_CONFLICT, "the dataset has a table '%.*s' already", STR_ARG(table))
                   : false;
    for (size_t i = 0; i < count; i++)
        if (!change_run(change, &sql_table_copy_add,
                        DB_ARGS(DB_TEXT(table), DB_TEXT(copies[i].server), DB_BOOL(copies[i].active),
                                DB_BOOL(copies[i].primary)),
                        err))
            return false;
    return true;
}

bool tables_activate(Change *change, Str table, Str server, bool active, Err *err)
{
    return change_run(change, &sql_table_copy_activate,
                      DB_ARGS(DB_TEXT(table), DB_TEXT(server), DB_BOOL(active)), err);
}
