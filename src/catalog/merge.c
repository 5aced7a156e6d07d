/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/merge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/fault.h"
#include "catalog_sql.h"
#include "db/copy.h"

struct Merge {
    Arena *arena;
    Db *db;
    MergeShard shard;
};

/* ---- connection ---- */

static bool set_up(Merge *merge, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_run(merge->db, &sql_shard_use, DB_ARGS(DB_TEXT(merge->shard.code)), NULL, err))
        return false;
    /* Each batch is planned anew: temporary tables change from nothing to thousands of rows. */
    return db_script(
               merge->db,
               "set client_min_messages = error; set plan_cache_mode = force_custom_plan; "
               "set client_connection_check_interval = '1s'; "
               "set jit = off; set enable_hashjoin = off; set enable_mergejoin = off; set work_mem = '64MB'; set maintenance_work_mem = '256MB'",
               err) &&
           db_script(merge->db, sql_stage.text, err);
}

bool merge_open(Arena *arena, const char *conninfo, Str shard, Merge **out, Err *err)
{
    Merge *merge = arena_new(arena, Merge, 1);
    RESULT_SCOPE(rows);

    merge->arena = arena;
    if (!db_open(arena, conninfo, &merge->db, err) ||
        !db_query(merge->db, &sql_shard_find, DB_ARGS(DB_TEXT(shard)), &rows, err))
        return false;
    if (db_count(rows) == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no shard '%.*s'", STR_ARG(shard));
        return err_hint(err, "strata catalog shard list shows those there are");
    }
    merge->shard = (MergeShard){.code = str_copy(arena, shard),
                                .root = str_copy(arena, db_text(rows, 0, 0)),
                                .bulk = db_bool(rows, 0, 1)};
    *out = merge;
    return set_up(merge, err);
}

MergeShard merge_shard(const Merge *merge)
{
    return merge->shard;
}

/* ---- copying ---- */

static const struct {
    const char *whole, *stage; /* the COPY right into the shard, and into the temporary table */
} copies[BATCH_TABLE_COUNT] = {
#define PATHS    "paths (pa_hash, pa_type, pa_path, pa_parents) from stdin (format binary)"
#define METADATA "metadata (md_hash, md_type, md_json) from stdin (format binary)"
#define FILES \
    "files (fi_hash, fi_parent, fi_name, fi_size, fi_ctime, fi_mtime, fi_atime, fi_mode, fi_inode, fi_uid, fi_gid, fi_user, fi_group, fi_nuid, fi_ngid, fi_nmode) from stdin (format binary)"
#define DIRECTORIES \
    "directories (di_hash, di_parent, di_name, di_ctime, di_mtime, di_atime, di_mode, di_inode, di_uid, di_gid, di_user, di_group, di_nuid, di_ngid, di_nmode) from stdin (format binary)"
#define LINKS "links from stdin (format binary)"
#define SCANS "scans from stdin (format binary)"
#define DATASETS \
    "datasets (po_hash, ds_parent, ds_no, po_stamps, po_min_stamp, po_max_stamp, po_name, ds_name, po_pixel_x, po_pixel_y, po_polygon, ds_srs, ds_axes, ds_xmin, ds_ymin, ds_xmax, ds_ymax, ds_west, ds_south, ds_east, ds_north, ds_json, ds_id) from stdin (format binary)"
#define LOOKS "looks from stdin (format binary)"
#define CELLS "cells from stdin (format binary)"
    [BATCH_PATHS] = {"copy " PATHS, "copy stage_" PATHS},
    [BATCH_METADATA] = {"copy " METADATA, "copy stage_" METADATA},
    [BATCH_FILES] = {"copy " FILES, "copy stage_" FILES},
    [BATCH_DIRECTORIES] = {"copy " DIRECTORIES, "copy stage_" DIRECTORIES},
    [BATCH_LINKS] = {"copy " LINKS, "copy stage_" LINKS},
    [BATCH_SCANS] = {"copy " SCANS, "copy stage_" SCANS},
    [BATCH_DATASETS] = {"copy " DATASETS, "copy stage_" DATASETS},
    [BATCH_CELLS] = {"copy " CELLS, "copy stage_" CELLS},
    [BATCH_LOOKS] = {"copy " LOOKS, "copy stage_" LOOKS},
    [BATCH_GONE] = {"copy stage_gone from stdin (format binary)",
                    "copy stage_gone from stdin (format binary)"},
};

/* Sends every table's rows; the Bufs are kept, so that the batch can be sent once more. */
static bool copy_all(Merge *merge, Batch *batch, bool bulk, Err *err)
{
    for (int t = 0; t < BATCH_TABLE_COUNT; t++) {
        Buf *rows = batch_rows(batch, t);
        size_t len = rows->len;

        if (!copy_send(merge->db, bulk ? copies[t].whole : copies[t].stage, rows, err))
            return false;
        rows->len = len;
    }
    return fault_pass(FAULT_batch_copied, err);
}

/* ---- merging ---- */

/* When a step is needed at all: some rows of the batch went to this table. */
typedef struct Step {
    const Sql *sql;
    BatchTable needs; /* BATCH_PATHS: always */
} Step;

static const Step gone_steps[] = {
    {&sql_merge_gone_paths, BATCH_PATHS},    {&sql_merge_gone_delta, BATCH_PATHS},
    {&sql_merge_delta, BATCH_PATHS},         {&sql_merge_delta_done, BATCH_PATHS},
    {&sql_merge_gone_datasets, BATCH_PATHS},
};

static const Step take_in_steps[] = {
    {&sql_merge_paths, BATCH_PATHS},
    {&sql_merge_metadata, BATCH_METADATA},
    {&sql_merge_file_delta, BATCH_FILES},
    {&sql_merge_files, BATCH_FILES},
    {&sql_merge_bare_files, BATCH_PATHS},
    {&sql_merge_directories, BATCH_DIRECTORIES},
    {&sql_merge_bare_directories, BATCH_PATHS},
    {&sql_merge_links, BATCH_LINKS},
    {&sql_merge_scans, BATCH_SCANS},
    {&sql_merge_looks, BATCH_LOOKS},
    {&sql_merge_kinds, BATCH_METADATA},
};

/* Of a batch whose paths are all new there is nothing to compare with. */
static const Step new_steps[] = {
    {&sql_merge_paths, BATCH_PATHS},
    {&sql_merge_metadata, BATCH_METADATA},
    {&sql_merge_new_delta, BATCH_FILES},
    {&sql_merge_files, BATCH_FILES},
    {&sql_merge_bare_files, BATCH_PATHS},
    {&sql_merge_directories, BATCH_DIRECTORIES},
    {&sql_merge_bare_directories, BATCH_PATHS},
    {&sql_merge_links, BATCH_LINKS},
    {&sql_merge_scans, BATCH_SCANS},
    {&sql_merge_looks, BATCH_LOOKS},
    {&sql_merge_datasets, BATCH_DATASETS},
    {&sql_merge_cells, BATCH_CELLS},
};

static const Step dataset_steps[] = {
    {&sql_merge_datasets_old, BATCH_METADATA},
    {&sql_merge_datasets, BATCH_DATASETS},
    {&sql_merge_cells, BATCH_CELLS},
};

/* Counts that other batches add to as well: one batch at a time, at the end. */
static const Step count_steps[] = {
    {&sql_merge_levels, BATCH_CELLS},
    {&sql_merge_delta, BATCH_PATHS},
    {&sql_merge_turned, BATCH_PATHS},
    {&sql_merge_coverage_due, BATCH_DATASETS},
};

static bool run_steps(Merge *merge, Batch *batch, const Step *steps, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++)
        if ((steps[i].needs == BATCH_PATHS || batch_rows(batch, steps[i].needs)->len > 0) &&
            !db_run(merge->db, steps[i].sql, DB_NO_ARGS, NULL, err))
            return err_wrap(err, "step '%s'", steps[i].sql->name);
    return true;
}

#define RUN_STEPS(merge, batch, steps, err) run_steps((merge), (batch), (steps), COUNT_OF(steps), (err))

static bool remove_gone(Merge *merge, Batch *batch, MergeCounts *out, Err *err)
{
    return RUN_STEPS(merge, batch, gone_steps, err) &&
           db_run(merge->db, &sql_merge_gone, DB_NO_ARGS, &out->removed, err);
}

static bool count_paths(Merge *merge, MergeCounts *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(merge->db, &sql_merge_path_counts, DB_NO_ARGS, &rows, err))
        return false;
    out->added = db_int(rows, 0, 0);
    out->changed = db_int(rows, 0, 1);
    return true;
}

/* Are all of the batch's paths new? */
static bool ask_new(Merge *merge, const Batch *batch, bool *out, Err *err)
{
    RESULT_SCOPE(rows);

    *out = false;
    if (batch_paths(batch) == 0)
        return true;
    if (!db_query(merge->db, &sql_merge_known, DB_NO_ARGS, &rows, err))
        return false;
    *out = !db_bool(rows, 0, 0);
    return true;
}

static bool compare_staged(Merge *merge, MergeCounts *out, int64_t *moved, Err *err)
{
    return db_run(merge->db, &sql_merge_retyped, DB_NO_ARGS, moved, err) &&
           db_run(merge->db, &sql_merge_same, DB_NO_ARGS, NULL, err) && count_paths(merge, out, err);
}

static bool merge_staged(Merge *merge, Batch *batch, MergeCounts *out, Err *err)
{
    int64_t moved = 0;
    bool fresh;

    if (!ask_new(merge, batch, &fresh, err))
        return false;
    if (fresh)
        out->added = (int64_t)batch_paths(batch);
    if (batch_paths(batch) > 0 &&
        (!db_run(merge->db, &sql_merge_bare_types, DB_NO_ARGS, NULL, err) ||
         !db_run(merge->db, &sql_merge_directories_missing, DB_ARGS(DB_TEXT(merge->shard.root)), NULL, err) ||
         (!fresh && !compare_staged(merge, out, &moved, err))))
        return false;
    if ((moved > 0 || batch_rows(batch, BATCH_GONE)->len > 0) && !remove_gone(merge, batch, out, err))
        return false;
    if (fresh ? !RUN_STEPS(merge, batch, new_steps, err)
              : !RUN_STEPS(merge, batch, take_in_steps, err) || !RUN_STEPS(merge, batch, dataset_steps, err))
        return false;
    if (fresh && batch_has_contents(batch) && !db_run(merge->db, &sql_merge_kinds, DB_NO_ARGS, NULL, err))
        return false;
    return db_run(merge->db, &sql_tally_lock, DB_ARGS(DB_TEXT(merge->shard.code)), NULL, err) &&
           RUN_STEPS(merge, batch, count_steps, err);
}

static bool send_once(Merge *merge, Batch *batch, bool bulk, MergeCounts *out, Err *err)
{
    *out = (MergeCounts){0};
    if (!db_begin(merge->db, err))
        return false;
    TX_SCOPE(merge->db);
    if (!bulk && !db_run(merge->db, &sql_merge_lock, DB_ARGS(DB_TEXT(merge->shard.code)), NULL, err))
        return false;
    if (!copy_all(merge, batch, bulk, err))
        return false;
    if (bulk)
        out->added = (int64_t)batch_paths(batch);
    else if (!merge_staged(merge, batch, out, err))
        return false;
    return fault_pass(FAULT_batch_merged, err) && db_commit(merge->db, err) &&
           fault_pass(FAULT_batch_committed, err);
}

enum { TRIES = 8 };

/* Brings the connection back after the server was away. */
static bool recover(Merge *merge, int try, Err *err)
{
    time_sleep(MILLISECONDS(50) << try);
    return db_alive(merge->db) || (db_reopen(merge->db, err) && set_up(merge, err));
}

bool merge_batch(Merge *merge, Batch *batch, bool bulk, MergeCounts *out, Err *err)
{
    for (int try = 0; try < TRIES; try++) {
        if (try > 0 && !recover(merge, try, err))
            continue;
        if (send_once(merge, batch, bulk, out, err))
            return true;
        /* A bulk batch whose commit was not answered may be in: sent again it would be there twice. */
        if (err->code != ERR_CONFLICT && (bulk || err->code != ERR_DB))
            return false;
    }
    return false;
}

/* ---- bulk ---- */

/*
 * Takes the shard for this session alone. The server may need a moment to notice that a process that was killed
 * is gone (client_connection_check_interval), so it is tried for some seconds.
 */
static bool lock_bulk(Merge *merge, Err *err)
{
    enum { LOCK_TRIES = 50 };

    for (int try = 0; try < LOCK_TRIES; try++) {
        RESULT_SCOPE(got);

        if (try > 0)
            time_sleep(MILLISECONDS(100));
        if (!db_query(merge->db, &sql_bulk_lock, DB_ARGS(DB_TEXT(merge->shard.code)), &got, err))
            return false;
        if (db_bool(got, 0, 0))
            return true;
    }
    (void)err_set(err, ERR_BUSY, "shard '%.*s' is being loaded by another process",
                  STR_ARG(merge->shard.code));
    return err_hint(err, "try again when it has ended");
}

/* ERR_BUSY when somebody reads the tables: then nobody shall queue behind us. */
static bool drop_indexes(Merge *merge, Err *err)
{
    enum { LOCK_TIMEOUT_MS = 300 };

    if (!db_begin(merge->db, err))
        return false;
    TX_SCOPE(merge->db);
    return db_run(merge->db, &sql_lock_timeout, DB_ARGS(DB_INT(LOCK_TIMEOUT_MS)), NULL, err) &&
           db_run(merge->db, &sql_index_drop, DB_NO_ARGS, NULL, err) &&
           db_run(merge->db, &sql_shard_set_bulk, DB_ARGS(DB_TEXT(merge->shard.code), DB_BOOL(true)), NULL,
                  err) &&
           db_commit(merge->db, err);
}

enum { DROP_TRIES = 5 };

/* An empty shard that somebody reads all the time is filled with its indexes in place. */
bool merge_begin_bulk(Merge *merge, bool *began, Err *err)
{
    RESULT_SCOPE(empty);

    *began = false;
    if (!db_query(merge->db, &sql_shard_is_empty, DB_NO_ARGS, &empty, err))
        return false;
    if (!db_bool(empty, 0, 0))
        return true;
    if (!lock_bulk(merge, err))
        return false;
    for (int try = 0; try < DROP_TRIES && !*began; try++) {
        if (try > 0)
            time_sleep(MILLISECONDS(100));
        *began = drop_indexes(merge, err);
        if (!*began && err->code != ERR_BUSY)
            return false;
    }
    return *began || db_run(merge->db, &sql_bulk_unlock, DB_NO_ARGS, NULL, err);
}

/* The indexes still to be built, shared by the threads that build them. */
typedef struct Build {
    const PGresult *names;
    atomic_int next;
    atomic_bool failed;
} Build;

typedef struct Builder {
    Build *build;
    Merge *merge;
    pthread_t thread;
    Err err;
} Builder;

static void *build_indexes(void *arg)
{
    Builder *builder = arg;
    Build *build = builder->build;

    for (int n; (n = atomic_fetch_add(&build->next, 1)) < db_count(build->names);)
        if (!db_run(builder->merge->db, &sql_index_build, DB_ARGS(DB_TEXT(db_text(build->names, n, 0))), NULL,
                    &builder->err) &&
            strcmp(builder->err.sqlstate, "42P07") != 0) { /* another process was faster */
            atomic_store(&build->failed, true);
            break;
        }
    return NULL;
}

enum { BUILDERS_MAX = 8 };

static bool build_missing(Merge *const *merges, int count, bool late, Err *err)
{
    RESULT_SCOPE(names);
    Builder builders[BUILDERS_MAX] = {0};

    if (!db_query(merges[0]->db, &sql_index_missing, DB_ARGS(DB_BOOL(late)), &names, err))
        return false;
    Build build = {.names = names};
    count = count < BUILDERS_MAX ? count : BUILDERS_MAX;
    for (int i = 0; i < count; i++) {
        builders[i] = (Builder){.build = &build, .merge = merges[i]};
        if (i > 0 && pthread_create(&builders[i].thread, NULL, build_indexes, &builders[i]) != 0)
            builders[i].merge = NULL;
    }
    (void)build_indexes(&builders[0]);
    for (int i = 1; i < count; i++)
        if (builders[i].merge)
            (void)pthread_join(builders[i].thread, NULL);
    for (int i = 0; i < count && atomic_load(&build.failed); i++)
        if (builders[i].err.code) {
            *err = builders[i].err;
            return err_wrap(err, "cannot build the indexes of shard '%.*s'", STR_ARG(merges[0]->shard.code));
        }
    return true;
}

static bool complete_tables(Merge *merge, Err *err)
{
    if (!db_begin(merge->db, err))
        return false;
    TX_SCOPE(merge->db);
    return db_run(merge->db, &sql_bulk_directories_missing, DB_ARGS(DB_TEXT(merge->shard.root)), NULL, err) &&
           db_run(merge->db, &sql_bulk_directories, DB_NO_ARGS, NULL, err) && db_commit(merge->db, err);
}

/* Everything that is a sum over other rows. */
static bool rebuild_sums(Merge *merge, Err *err)
{
    return db_run(merge->db, &sql_rebuild_tallies, DB_NO_ARGS, NULL, err) &&
           db_run(merge->db, &sql_rebuild_levels, DB_NO_ARGS, NULL, err) &&
           db_run(merge->db, &sql_rebuild_kinds, DB_NO_ARGS, NULL, err) &&
           db_run(merge->db, &sql_rebuild_coverage_due, DB_NO_ARGS, NULL, err);
}

static bool complete_counts(Merge *merge, Err *err)
{
    if (!db_begin(merge->db, err))
        return false;
    TX_SCOPE(merge->db);
    return rebuild_sums(merge, err) &&
           db_run(merge->db, &sql_shard_set_bulk, DB_ARGS(DB_TEXT(merge->shard.code), DB_BOOL(false)), NULL,
                  err) &&
           db_commit(merge->db, err);
}

bool merge_complete_bulk(Merge *const *merges, int count, Err *err)
{
    Merge *merge = merges[0];

    if (!lock_bulk(merge, err))
        return false;
    /* The planner knows nothing of these tables yet: a nested loop over them would never end. */
    return db_script(merge->db,
                     "set enable_nestloop = off; set enable_hashjoin = on; set enable_mergejoin = on", err) &&
           complete_tables(merge, err) && build_missing(merges, count, false, err) &&
           complete_counts(merge, err) &&
           db_script(merge->db,
                     "reset enable_nestloop; set enable_hashjoin = off; set enable_mergejoin = off", err) &&
           db_run(merge->db, &sql_bulk_unlock, DB_NO_ARGS, NULL, err);
}

bool merge_late_due(Merge *merge, bool *out, Err *err)
{
    RESULT_SCOPE(due);

    if (!db_query(merge->db, &sql_index_late_due, DB_NO_ARGS, &due, err))
        return false;
    *out = db_bool(due, 0, 0);
    return true;
}

bool merge_build_late(Merge *const *merges, int count, bool analyze, Err *err)
{
    return (!analyze ||
            db_script(merges[0]->db, "analyze paths, files, directories, links, datasets, cells", err)) &&
           build_missing(merges, count, true, err);
}

/* ---- refresh ---- */

bool merge_refresh_begin(Merge *merge, Err *err)
{

    return lock_bulk(merge, err) && db_begin(merge->db, err) &&
           db_run(merge->db, &sql_refresh_empty, DB_NO_ARGS, NULL, err);
}

bool merge_refresh_batch(Merge *merge, Batch *batch, Err *err)
{
    static const BatchTable tables[] = {BATCH_FILES, BATCH_DIRECTORIES, BATCH_LINKS, BATCH_DATASETS,
                                        BATCH_CELLS};

    for (size_t i = 0; i < COUNT_OF(tables); i++)
        if (!copy_send(merge->db, copies[tables[i]].whole, batch_rows(batch, tables[i]), err))
            return false;
    return true;
}

bool merge_refresh_commit(Merge *merge, Err *err)
{
    return db_script(merge->db,
                     "set local enable_hashjoin = on; set local enable_nestloop = off; "
                     "analyze files, directories, datasets",
                     err) &&
           rebuild_sums(merge, err) && db_commit(merge->db, err) &&
           db_run(merge->db, &sql_bulk_unlock, DB_NO_ARGS, NULL, err);
}

void merge_refresh_abort(Merge *merge)
{
    db_rollback(merge->db);
}
