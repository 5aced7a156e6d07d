/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/register.h"

#include <string.h>

#include "base/map.h"
#include "catalog/grid.h"
#include "catalog_sql.h"
#include "db/db.h"

struct Register {
    Arena *arena;
    Db *db;
    Map names, axes, systems;
    int64_t next_id;
};

enum { BLOCK_BITS = 32, TRIES = 20 };

bool register_open(Arena *arena, const char *conninfo, Str shard, Register **out, Err *err)
{
    Register *reg = arena_new(arena, Register, 1);
    int64_t block;

    reg->arena = arena;
    if (!db_open(arena, conninfo, &reg->db, err) ||
        !db_run(reg->db, &sql_shard_use, DB_ARGS(DB_TEXT(shard)), NULL, err) ||
        !db_query_int(reg->db, &sql_dataset_block, DB_NO_ARGS, &block, err))
        return false;
    reg->next_id = block << BLOCK_BITS;
    *out = reg;
    return true;
}

int64_t register_next_id(Register *reg)
{
    return reg->next_id++;
}

/* A number from the database. Two sessions may enter the same text at once: then one sees nothing yet. */
static bool ask(Register *reg, const Sql *sql, Str text, int *out, Err *err)
{
    for (int try = 0; try < TRIES; try++) {
        RESULT_SCOPE(rows);

        if (!db_query(reg->db, sql, DB_ARGS(DB_TEXT(text)), &rows, err))
            return false;
        if (db_count(rows) > 0) {
            *out = (int)db_int(rows, 0, 0);
            return true;
        }
        time_sleep(MILLISECONDS(10));
    }
    return err_set(err, ERR_DB, "'%.*s' cannot be entered", STR_ARG(str_sub(text, 0, 100)));
}

static bool number_of(Register *reg, Map *map, const Sql *sql, Str text, int *out, Err *err)
{
    int *known = map_get(map, text);

    if (!known) {
        known = arena_new(reg->arena, int, 1);
        if (!ask(reg, sql, text, known, err))
            return false;
        *map_slot(map, reg->arena, text) = known;
    }
    *out = *known;
    return true;
}

bool register_name(Register *reg, Str name, int *out, Err *err)
{
    int id;

    if (!number_of(reg, &reg->names, &sql_name_find, name, &id, err))
        return false;
    if (id > GRID_NAME_MAX)
        return err_set(err, ERR_LIMIT, "more than %d variable names in one shard", GRID_NAME_MAX);
    *out = id;
    return true;
}

bool register_axes(Register *reg, Str json, int *out, Err *err)
{
    return number_of(reg, &reg->axes, &sql_axes_find, json, out, err);
}

static bool ask_system(Register *reg, Str wkt, Str proj4, RegisteredSystem *out, Err *err)
{
    const DbArg *args = DB_ARGS(DB_TEXT(wkt), DB_TEXT(proj4));

    for (int try = 0; try < 2; try++) {
        RESULT_SCOPE(rows);

        if (!db_query(reg->db, &sql_srs_find, args, &rows, err))
            return false;
        if (db_count(rows) > 0) {
            out->id = (int)db_int(rows, 0, 0);
            out->srid = (int)db_int(rows, 0, 1);
            return true;
        }
        if (!db_run(reg->db, &sql_srs_enter, args, NULL, err))
            return false;
    }
    return err_set(err, ERR_DB, "a coordinate system cannot be entered");
}

bool register_system(Register *reg, Str wkt, Str proj4, const RegisteredSystem **out, Err *err)
{
    BUF_SCOPE(key);

    buf_put(&key, wkt);
    buf_put_byte(&key, '\x1f');
    buf_put(&key, proj4);
    RegisteredSystem *known = map_get(&reg->systems, buf_str(&key));
    if (!known) {
        known = arena_new(reg->arena, RegisteredSystem, 1);
        if (!ask_system(reg, wkt, proj4, known, err))
            return false;
        known->system = footprint_system_new(reg->arena, wkt, proj4);
        if (known->system)
            footprint_system_remember(reg->arena, known->system);
        *map_slot(&reg->systems, reg->arena, buf_str(&key)) = known;
    }
    *out = known;
    return true;
}
