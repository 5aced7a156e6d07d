/* SPDX-License-Identifier: Apache-2.0 */
#include "place/listing.h"

#include "base/buf.h"
#include "db/array.h"
#include "place_sql.h"

static void read_sizes(Place *place, size_t server, ListedTable *tables, size_t count)
{
    RESULT_SCOPE(rows);
    BUF_SCOPE(names);
    Err ignored = {0};
    Db *db;

    for (size_t i = 0; i < count; i++)
        array_put_text(&names, tables[i].name);
    if (!place_server(place, server, &db, &ignored) ||
        !db_query(db, &sql_table_sizes, DB_ARGS(DB_TEXT(array_end(&names))), &rows, &ignored))
        return;
    for (int row = 0; row < db_count(rows); row++)
        for (size_t i = 0; i < count; i++)
            if (str_eq(tables[i].name, db_text(rows, row, 0)))
                tables[i].bytes[server] = db_int(rows, row, 1);
}

bool listing_read(Place *place, Arena *arena, Str after, int64_t most, ListedTable **out, size_t *count,
                  Err *err)
{
    size_t servers = place_spec(place)->count;
    RESULT_SCOPE(rows);
    Db *db;

    if (!place_any(place, &db, err) ||
        !db_query(db, &sql_table_listing, DB_ARGS(DB_TEXT(after), DB_INT(most)), &rows, err))
        return false;
    *count = (size_t)db_count(rows);
    *out = arena_new(arena, ListedTable, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        (*out)[i] = (ListedTable){.name = str_copy(arena, db_text(rows, (int)i, 0)),
                                  .rows = db_int(rows, (int)i, 1),
                                  .copies = str_copy(arena, db_text(rows, (int)i, 2)),
                                  .bytes = arena_new(arena, int64_t, servers)};
        for (size_t s = 0; s < servers; s++)
            (*out)[i].bytes[s] = -1;
    }
    for (size_t s = 0; s<servers && * count> 0; s++)
        read_sizes(place, s, *out, *count);
    return true;
}
