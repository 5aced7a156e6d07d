/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/rename.h"

#include "base/map.h"
#include "catalog/merge.h"
#include "catalog/pathname.h"
#include "catalog_sql.h"
#include "db/array.h"

bool rename_prepare(Db *db, Str shard, Err *err)
{
    return merge_set_up(db, shard, err) && db_script(db, sql_stage.text, err) &&
           db_script(db, sql_stage_known.text, err) && db_script(db, sql_stage_rename.text, err);
}

/* ---- which renames have nothing to do with each other ---- */

/* The places of some renames, and all directories above them. */
typedef struct Places {
    Arena arena;
    Map places, above;
} Places;

static void release(Places *places)
{
    arena_free(&places->arena);
}

static bool touches(const Places *places, Str path)
{
    if (map_get(&places->above, path))
        return true;
    for (Str at = path; at.len > 0; at = pathname_parent(at))
        if (map_get(&places->places, at))
            return true;
    return false;
}

static void add_place(Places *places, Str path)
{
    *map_slot(&places->places, &places->arena, path) = places;
    for (Str at = pathname_parent(path); at.len > 0; at = pathname_parent(at)) {
        void **slot = map_slot(&places->above, &places->arena, at);

        if (*slot)
            break;
        *slot = places;
    }
}

/* How many of the first can be done at once: none of their places lies in another's. */
static size_t count_apart(const Rename *renames, size_t count)
{
    ATTR_CLEANUP(release) Places places = {0};

    for (size_t i = 0; i < count; i++) {
        if (touches(&places, renames[i].from) || touches(&places, renames[i].to))
            return i;
        add_place(&places, renames[i].from);
        add_place(&places, renames[i].to);
    }
    return count;
}

/* ---- doing them ---- */

/* Step by step, as merges are: what leaves is counted while it is there, what arrives when it is. */
static const Sql *const leave_steps[] = {
    &sql_rename_gone,      &sql_merge_gone_delta,    &sql_rename_leave, &sql_merge_delta,
    &sql_merge_delta_done, &sql_merge_gone_datasets, &sql_merge_gone,   &sql_rename_paths,
    &sql_rename_rows,      &sql_rename_above,
};

static const Sql *const arrive_steps[] = {
    &sql_merge_scans_above, &sql_merge_new_directories, &sql_merge_bare_directories, &sql_rename_arrive,
    &sql_merge_delta,       &sql_merge_delta_done,      &sql_rename_coverage,        &sql_documents_forget,
};

static bool run_steps(Db *db, const Sql *const *steps, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!db_run(db, steps[i], DB_NO_ARGS, NULL, err))
            return err_wrap(err, "step '%s'", steps[i]->name);
    return true;
}

#define RUN_STEPS(db, steps, err) run_steps((db), (steps), COUNT_OF(steps), (err))

static void put_parent(Buf *parents, Str path)
{
    Str parent = pathname_parent(path);

    if (parent.len == 0)
        return;
    PathHash hash = pathname_hash(parent);
    array_put_uuid(parents, hash.bytes);
}

static bool begin(Db *db, const Rename *renames, size_t count, Err *err)
{
    BUF_SCOPE(froms);
    BUF_SCOPE(tos);
    BUF_SCOPE(parents);

    for (size_t i = 0; i < count; i++) {
        array_put_text(&froms, renames[i].from);
        array_put_text(&tos, renames[i].to);
        put_parent(&parents, renames[i].from);
        put_parent(&parents, renames[i].to);
    }
    return db_run(db, &sql_rename_begin,
                  DB_ARGS(DB_TEXT(array_end(&froms)), DB_TEXT(array_end(&tos)), DB_TEXT(array_end(&parents))),
                  NULL, err);
}

static bool ask_known(Db *db, Rename *renames, size_t count, Err *err)
{
    RESULT_SCOPE(rows);

    for (size_t i = 0; i < count; i++)
        renames[i].known = false;
    if (!db_query(db, &sql_rename_known, DB_NO_ARGS, &rows, err))
        return false;
    for (int i = 0; i < db_count(rows); i++)
        renames[db_int(rows, i, 0) - 1].known = true;
    return true;
}

static bool move(Db *db, Str root, Err *err)
{
    return RUN_STEPS(db, leave_steps, err) &&
           db_run(db, &sql_merge_directories_missing, DB_ARGS(DB_TEXT(root)), NULL, err) &&
           RUN_STEPS(db, arrive_steps, err);
}

static bool rename_apart(Db *db, Rename *renames, size_t count, Str root, Err *err)
{
    int64_t moved;

    return begin(db, renames, count, err) && db_run(db, &sql_rename_take, DB_NO_ARGS, &moved, err) &&
           ask_known(db, renames, count, err) && (moved == 0 || move(db, root, err)) &&
           db_run(db, &sql_rename_done, DB_NO_ARGS, NULL, err);
}

bool rename_paths(Db *db, Rename *renames, size_t count, Str root, Err *err)
{
    for (size_t i = 0; i < count; i++)
        if (pathname_is_within(renames[i].to, renames[i].from))
            return err_set(err, ERR_USAGE, "'%.*s' cannot be moved to '%.*s', which is in it",
                           STR_ARG(renames[i].from), STR_ARG(renames[i].to));
    for (size_t done = 0, apart; done < count; done += apart) {
        apart = count_apart(renames + done, count - done);
        if (!rename_apart(db, renames + done, apart, root, err))
            return err_wrap(err, "cannot move '%.*s'", STR_ARG(renames[done].from));
    }
    return true;
}
