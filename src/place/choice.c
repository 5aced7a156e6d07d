/* SPDX-License-Identifier: Apache-2.0 */
#include "place/choice.h"

#include "base/buf.h"

#include "place_sql.h"

/* Those of the mapping that the rows name, in its order. */
static void keep_named(const PGresult *rows, Arena *arena, const Mapping *mapping, Mapping *out)
{
    bool *named = arena_new(arena, bool, mapping->count + 1);
    Mapping kept = {.tables = arena_new(arena, MappingTable, mapping->count + 1)};

    for (int row = 0; row < db_count(rows); row++)
        for (size_t i = 0; i < mapping->count; i++)
            named[i] = named[i] || str_eq(mapping->tables[i].name, db_text(rows, row, 0));
    for (size_t i = 0; i < mapping->count; i++)
        if (named[i])
            kept.tables[kept.count++] = mapping->tables[i];
    *out = kept;
}

bool choice_in_box(Db *db, Arena *arena, const ChoiceBox *box, const Mapping *mapping, Mapping *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_summary_box,
                  DB_ARGS(DB_DOUBLE(box->low[0]), DB_DOUBLE(box->low[1]), DB_DOUBLE(box->low[2]),
                          DB_DOUBLE(box->high[0]), DB_DOUBLE(box->high[1]), DB_DOUBLE(box->high[2])),
                  &rows, err))
        return false;
    keep_named(rows, arena, mapping, out);
    return true;
}

/* Whoever may read the dataset may write this: no more can be done with it than read. */
bool choice_where(Db *db, Arena *arena, Str condition, const Mapping *mapping, Mapping *out, Err *err)
{
    RESULT_SCOPE(rows);
    TX_SCOPE(db);
    BUF_SCOPE(sql);

    buf_printf(&sql, "select tablename from public.summary where (%.*s\n)", STR_ARG(condition));
    buf_put_byte(&sql, '\0');
    if (!db_script(db, "begin read only", err))
        return false;
    rows = PQexecParams(db_handle(db), sql.ptr, 0, NULL, NULL, NULL, NULL, 0); /* one statement */
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return db_err(db, rows, err) || err_wrap(err, "the condition for the summary");
    keep_named(rows, arena, mapping, out);
    return db_commit(db, err);
}

const char *choice_range_plan(void)
{
    return sql_range_plan.text;
}
