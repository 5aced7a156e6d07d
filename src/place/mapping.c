/* SPDX-License-Identifier: Apache-2.0 */
#include "place/mapping.h"

#include "place_sql.h"

bool mapping_read_version(Db *db, Arena *arena, MappingVersion *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_mapping_version, DB_NO_ARGS, &rows, err))
        return false;
    if (db_count(rows) != 1)
        return err_set(err, ERR_CORRUPT, "mapping_state has %d rows and not one", db_count(rows));
    *out = (MappingVersion){.epoch = db_int(rows, 0, 0),
                            .checksum = str_copy(arena, db_text(rows, 0, 1)),
                            .real = str_copy(arena, db_text(rows, 0, 2))};
    return true;
}

bool mapping_same(const MappingVersion *a, const MappingVersion *b)
{
    return a->epoch == b->epoch && str_eq(a->checksum, b->checksum) && str_eq(a->real, b->real);
}

/* The rows come in order: a table's copies are beside each other. */
static void take_rows(const PGresult *rows, Arena *arena, Mapping *out)
{
    size_t count = (size_t)db_count(rows);
    MappingCopy *copies = arena_new(arena, MappingCopy, count + 1);
    MappingTable *last = NULL;

    out->tables = arena_new(arena, MappingTable, count + 1);
    for (int row = 0; row < db_count(rows); row++) {
        Str name = db_text(rows, row, 0);

        if (!last || !str_eq(last->name, name)) {
            last = &out->tables[out->count++];
            *last = (MappingTable){.name = str_copy(arena, name), .copies = &copies[row]};
            *map_slot(&out->by_name, arena, last->name) = last;
        }
        last->copies[last->count++] = (MappingCopy){.server = str_copy(arena, db_text(rows, row, 1)),
                                                    .active = db_bool(rows, row, 2),
                                                    .primary = db_bool(rows, row, 3)};
    }
}

bool mapping_read(Db *db, Arena *arena, Mapping *out, Err *err)
{
    RESULT_SCOPE(rows);
    TX_SCOPE(db);
    Mapping read = {0};

    /* One snapshot for both. */
    if (!db_script(db, "begin isolation level repeatable read read only", err) ||
        !mapping_read_version(db, arena, &read.version, err) ||
        !db_query(db, &sql_mapping_copies, DB_NO_ARGS, &rows, err) || !db_commit(db, err))
        return false;
    take_rows(rows, arena, &read);
    *out = read;
    return true;
}

const MappingTable *mapping_find(const Mapping *mapping, Str table)
{
    return map_get(&mapping->by_name, table);
}
