/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/merge_inside.h"

#include <string.h>

#include "base/fault.h"
#include "catalog/posix_row.h"
#include "catalog_sql.h"
#include "db/copy.h"

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
#define PATHS       "paths (pa_hash, pa_type, pa_path, pa_parents) from stdin (format binary)"
#define RECORDS     "records (md_hash, md_type, md_json, md_text) from stdin (format binary)"
#define FILES       POSIX_ROW_FILES " from stdin (format binary)"
#define DIRECTORIES POSIX_ROW_DIRECTORIES " from stdin (format binary)"
#define LINKS       POSIX_ROW_LINKS " from stdin (format binary)"
#define SCANS       "scans from stdin (format binary)"
#define DATASETS \
    "datasets (po_hash, ds_parent, ds_no, po_stamps, po_min_stamp, po_max_stamp, po_name, ds_name, po_pixel_x, po_pixel_y, po_polygon, ds_srs, ds_axes, ds_xmin, ds_ymin, ds_xmax, ds_ymax, ds_west, ds_south, ds_east, ds_north, ds_json, ds_id) from stdin (format binary)"
#define LOOKS "looks from stdin (format binary)"
#define CELLS "cells from stdin (format binary)"
    [BATCH_PATHS] = {"copy " PATHS, "copy stage_" PATHS},
    [BATCH_RECORDS_KEPT] = {"copy " RECORDS, "copy stage_" RECORDS},
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

/* The Buf is kept, so that the batch can be sent once more. */
bool merge_copy(Merge *merge, Batch *batch, BatchTable table, bool whole, Err *err)
{
    Buf *rows = batch_rows(batch, table);
    size_t len = rows->len;

    if (!copy_send(merge->db, whole ? copies[table].whole : copies[table].stage, rows, err))
        return false;
    rows->len = len;
    return true;
}

static bool copy_all(Merge *merge, Batch *batch, bool bulk, Err *err)
{
    for (int t = 0; t < BATCH_TABLE_COUNT; t++)
        if (!merge_copy(merge, batch, t, bulk, err))
            return false;
    return fault_pass(FAULT_batch_copied, err);
}

/* ---- merging ---- */

/* When a step is needed at all: some rows of the batch went to this table. */
typedef struct Step {
    const Sql *sql;
    BatchTable needs; /* BATCH_PATHS: always */
} Step;

static const Step gone_steps[] = {
    {&sql_merge_gone_paths, BATCH_PATHS}, {&sql_merge_turned_gone, BATCH_PATHS},
    {&sql_merge_gone_delta, BATCH_PATHS}, {&sql_merge_delta, BATCH_PATHS},
    {&sql_merge_delta_done, BATCH_PATHS}, {&sql_merge_gone_datasets, BATCH_PATHS},
};

static const Step take_in_steps[] = {
    {&sql_merge_paths, BATCH_PATHS},
    {&sql_merge_posix_moved, BATCH_PATHS},
    {&sql_merge_records, BATCH_RECORDS_KEPT},
    {&sql_merge_file_delta, BATCH_FILES},
    {&sql_merge_files, BATCH_FILES},
    {&sql_merge_bare_files, BATCH_PATHS},
    {&sql_merge_directories, BATCH_DIRECTORIES},
    {&sql_merge_bare_directories, BATCH_PATHS},
    {&sql_merge_links, BATCH_LINKS},
    {&sql_merge_scans, BATCH_SCANS},
    {&sql_merge_looks, BATCH_LOOKS},
    {&sql_merge_kinds, BATCH_PATHS},
};

/* Of a batch whose paths are all new there is nothing to compare with. */
static const Step new_steps[] = {
    {&sql_merge_paths, BATCH_PATHS},
    {&sql_merge_records, BATCH_RECORDS_KEPT},
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
    {&sql_merge_datasets_old, BATCH_RECORDS_KEPT},
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

/* What is gone or has turned into something else goes first, so that the rest is compared with what stays. */
static bool compare_staged(Merge *merge, Batch *batch, MergeCounts *out, Err *err)
{
    int64_t turned = 0;

    if (!db_run(merge->db, &sql_merge_retyped, DB_NO_ARGS, &turned, err))
        return false;
    if ((turned > 0 || batch_rows(batch, BATCH_GONE)->len > 0) && !remove_gone(merge, batch, out, err))
        return false;
    return db_run(merge->db, &sql_merge_same, DB_NO_ARGS, NULL, err) && count_paths(merge, out, err);
}

static bool merge_staged(Merge *merge, Batch *batch, MergeCounts *out, Err *err)
{
    bool fresh;

    if (!ask_new(merge, batch, &fresh, err))
        return false;
    if (fresh)
        out->added = (int64_t)batch_paths(batch);
    if (batch_paths(batch) > 0 &&
        (!db_run(merge->db, &sql_merge_bare_types, DB_NO_ARGS, NULL, err) ||
         !db_run(merge->db, &sql_merge_directories_missing, DB_ARGS(DB_TEXT(merge->shard.root)), NULL, err)))
        return false;
    if ((!fresh || batch_rows(batch, BATCH_GONE)->len > 0) && !compare_staged(merge, batch, out, err))
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
