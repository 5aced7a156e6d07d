/* SPDX-License-Identifier: Apache-2.0 */
#include "place/leftovers.h"

#include "db/array.h"
#include "place_sql.h"

typedef struct Found {
    Arena *arena;
    Leftover *items;
    size_t count, size;
} Found;

static Leftover *add(Found *found)
{
    if (found->count == found->size) {
        size_t size = found->size ? found->size * 2 : 16;
        Leftover *more = arena_new(found->arena, Leftover, size);

        for (size_t i = 0; i < found->count; i++)
            more[i] = found->items[i];
        found->items = more;
        found->size = size;
    }
    return &found->items[found->count++];
}

static bool drop_one(Upkeep *upkeep, Db *db, const Leftover *left, const char *statement, Err *err)
{
    if (str_eq(left->schema, STR("public")))
        return copying_drop(db, left->table, upkeep->stop, err);
    TX_SCOPE(db);
    return db_begin_write(db, err) && db_script(db, statement, err) && db_commit(db, err);
}

static bool find_unknown(Db *db, const char *server, DbRows *rows, Err *err)
{
    RESULT_SCOPE(tables);
    BUF_SCOPE(names);

    if (!db_query(db, &sql_system_tables, DB_NO_ARGS, &tables, err))
        return false;
    for (int i = 0; i < db_count(tables); i++)
        array_put_text(&names, db_text(tables, i, 0));
    return db_query(db, &sql_leftovers, DB_ARGS(DB_TEXT_Z(server), DB_TEXT(array_end(&names))), rows, err);
}

static bool look_at(Upkeep *upkeep, Db *db, const char *server, bool drop, Found *found, Err *err)
{
    RESULT_SCOPE(rows);

    if (!find_unknown(db, server, &rows, err))
        return false;
    for (int i = 0; i < db_count(rows); i++) {
        Leftover *left = add(found);

        *left = (Leftover){.server = server,
                           .schema = str_copy(found->arena, db_text(rows, i, 0)),
                           .table = str_copy(found->arena, db_text(rows, i, 1)),
                           .ours = db_bool(rows, i, 2),
                           .bytes = db_int(rows, i, 3)};
        left->dropped = drop && left->ours &&
                        drop_one(upkeep, db, left, str_to_z(found->arena, db_text(rows, i, 4)), &left->why);
        if (left->why.code == ERR_INTERRUPTED || !db_alive(db)) {
            *err = left->why;
            return false;
        }
    }
    return true;
}

/* A copy that is on its way stands in its place a moment before the mapping has it. */
static bool look_unless_busy(Upkeep *upkeep, size_t server, bool drop, Found *found, Err *err)
{
    const char *name = place_spec(upkeep->place)->servers[server].name;
    RESULT_SCOPE(rows);
    Db *db;

    if (!place_server(upkeep->place, server, &db, err) ||
        !db_query(db, &sql_copy_try_lock, DB_NO_ARGS, &rows, err))
        return false;
    if (!db_bool(rows, 0, 0)) {
        (void)err_set(err, ERR_BUSY, "copies of tables are being made on the server '%s'", name);
        return err_hint(err, "try again when that is done");
    }
    bool ok = look_at(upkeep, db, name, drop, found, err);
    Err ignored = {0};
    (void)!db_run(db, &sql_copy_unlock, DB_NO_ARGS, NULL, &ignored);
    return ok;
}

/* Nobody changes the mapping meanwhile: a table that it is about to know would be taken for a leftover. */
bool leftovers_find(Upkeep *upkeep, bool drop, Arena *arena, Leftover **out, size_t *count, Err *err)
{
    Found found = {.arena = arena};
    CHANGE_SCOPE(change);

    if (!upkeep_begin(upkeep, err) || !change_hold(&change, upkeep->place, err))
        return false;
    for (size_t i = 0; i < place_spec(upkeep->place)->count; i++)
        if (!look_unless_busy(upkeep, i, drop, &found, err))
            return false;
    *out = found.items;
    *count = found.count;
    return true;
}
