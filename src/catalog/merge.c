/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/merge_inside.h"

#include <string.h>

#include "base/fault.h"
#include "catalog/posix_row.h"
#include "catalog_sql.h"
#include "db/copy.h"

/* ---- connection ---- */

bool merge_set_up(Db *db, Str shard, Err *err)
{
    if (!db_run(db, &sql_shard_use, DB_ARGS(DB_TEXT(shard)), NULL, err))
        return false;
    /*
     * Each batch is planned anew: temporary tables change from nothing to thousands of rows. What is looked for is looked up:
     * where all files are in one directory, the planner expects all of them below any path, and would read them for each.
     */
    return db_script(
        db,
        "set client_min_messages = error; set plan_cache_mode = force_custom_plan; "
        "set client_connection_check_interval = '1s'; "
        "set jit = off; set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off; set work_mem = '64MB'; set maintenance_work_mem = '256MB'",
        err);
}

static bool set_up(Merge *merge, Err *err)
{
    merge->staged = merge->staged_known = false;
    return merge_set_up(merge->db, merge->shard.code, err);
}

bool merge_stage(Merge *merge, Err *err)
{
    merge->staged = merge->staged || db_script(merge->db, sql_stage.text, err);
    return merge->staged;
}

bool merge_stage_known(Merge *merge, Err *err)
{
    merge->staged_known = merge->staged_known || db_script(merge->db, sql_stage_known.text, err);
    return merge->staged_known;
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

bool merge_is_cut_off(Merge *merge, bool *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(merge->db, &sql_shard_find, DB_ARGS(DB_TEXT(merge->shard.code)), &rows, err))
        return false;
    *out = db_count(rows) > 0 && db_bool(rows, 0, 1);
    return true;
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
    "datasets (po_hash, ds_parent, ds_no, po_stamps, po_min_stamp, po_max_stamp, po_name, ds_name, po_pixel_x, po_pixel_y, po_polygon, ds_srs, ds_axes, ds_xmin, ds_ymin, ds_xmax, ds_ymax, ds_west, ds_south, ds_east, ds_north, ds_json, ds_id, ds_shape, ds_gap, ds_alike) from stdin (format binary)"
#define LOOKS "looks from stdin (format binary)"
#define CELLS "cells from stdin (format binary)"
    [BATCH_PATHS] = {"copy " PATHS, "copy stage_" PATHS},
    [BATCH_DIRECTORY_PATHS] = {"copy " PATHS, "copy stage_" PATHS},
    [BATCH_KEYS] = {NULL, "copy stage_keys from stdin (format binary)"},
    [BATCH_RECORDS_KEPT] = {"copy " RECORDS, "copy stage_" RECORDS},
    [BATCH_FILES] = {"copy " FILES, "copy stage_" FILES},
    [BATCH_DIRECTORIES] = {"copy " DIRECTORIES, "copy stage_" DIRECTORIES},
    [BATCH_LINKS] = {"copy " LINKS, "copy stage_" LINKS},
    [BATCH_SCANS] = {"copy " SCANS, "copy stage_" SCANS},
    [BATCH_DATASETS] = {"copy " DATASETS, "copy stage_" DATASETS},
    [BATCH_CELLS] = {"copy " CELLS, "copy stage_" CELLS},
    [BATCH_LOOKS] = {"copy " LOOKS, "copy stage_" LOOKS},
    [BATCH_GONE] = {NULL, "copy stage_gone from stdin (format binary)"},
    [BATCH_ABOVE] = {NULL, "copy stage_above from stdin (format binary)"},
    [BATCH_DELTA] = {NULL,
                     "copy stage_delta (sd_dir, sd_count, sd_size, sd_datasets) from stdin (format binary)"},
    [BATCH_LEVELS] = {NULL, "copy stage_levels from stdin (format binary)"},
    [BATCH_FRESH] = {"copy coverage_new from stdin (format binary)", NULL},
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

/* Which tables a batch is copied to, and whether to the shard's own, in this order. */
typedef struct CopyStep {
    BatchTable table;
    bool whole;
} CopyStep;

static const CopyStep bulk_copies[] = {
    {BATCH_PATHS, true},       {BATCH_DIRECTORY_PATHS, true}, {BATCH_RECORDS_KEPT, true}, {BATCH_FILES, true},
    {BATCH_DIRECTORIES, true}, {BATCH_LINKS, true},           {BATCH_SCANS, true},        {BATCH_LOOKS, true},
    {BATCH_DATASETS, true},    {BATCH_CELLS, true},
};

/* Of any other batch these first: they tell whether all of its paths are new. */
static const CopyStep key_copies[] = {
    {BATCH_KEYS, false}, {BATCH_DIRECTORY_PATHS, false}, {BATCH_ABOVE, false}, {BATCH_GONE, false}};

/* The other paths: right into the shard where they are new and no step has to know which these were. */
static const CopyStep staged_paths[] = {{BATCH_PATHS, false}};
static const CopyStep whole_paths[] = {{BATCH_PATHS, true}};

/* Then nothing has to be compared with what is there, but for what is noted of directories and files known before. */
static const CopyStep new_copies[] = {
    {BATCH_RECORDS_KEPT, true}, {BATCH_FILES, true},  {BATCH_DIRECTORIES, false}, {BATCH_LINKS, true},
    {BATCH_DATASETS, true},     {BATCH_CELLS, true},  {BATCH_FRESH, true},        {BATCH_SCANS, false},
    {BATCH_LOOKS, false},       {BATCH_DELTA, false}, {BATCH_LEVELS, false},
};

static const CopyStep known_copies[] = {
    {BATCH_RECORDS_KEPT, false}, {BATCH_FILES, false}, {BATCH_DIRECTORIES, false}, {BATCH_LINKS, false},
    {BATCH_SCANS, false},        {BATCH_LOOKS, false}, {BATCH_DATASETS, false},    {BATCH_CELLS, false},
};

static bool copy_steps(Merge *merge, Batch *batch, const CopyStep *steps, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!merge_copy(merge, batch, steps[i].table, steps[i].whole, err))
            return false;
    return true;
}

#define COPY_STEPS(merge, batch, steps, err) copy_steps((merge), (batch), (steps), COUNT_OF(steps), (err))

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
    {&sql_merge_posix_moved, BATCH_PATHS},
    {&sql_merge_records, BATCH_RECORDS_KEPT},
    {&sql_merge_file_delta, BATCH_FILES},
    {&sql_merge_files, BATCH_FILES},
    {&sql_merge_directories, BATCH_DIRECTORIES},
    {&sql_merge_links, BATCH_LINKS},
    {&sql_merge_scans, BATCH_SCANS},
    {&sql_merge_looks, BATCH_LOOKS},
    {&sql_merge_datasets_old, BATCH_RECORDS_KEPT},
    {&sql_merge_datasets, BATCH_DATASETS},
    {&sql_merge_cells, BATCH_CELLS},
};

static const Step new_steps[] = {{&sql_merge_scans, BATCH_SCANS}, {&sql_merge_looks, BATCH_LOOKS}};

/* Counts that other batches add to as well: one batch at a time, at the end. */
static const Step count_steps[] = {
    {&sql_merge_levels, BATCH_CELLS},
    {&sql_merge_delta, BATCH_PATHS},
    {&sql_merge_turned, BATCH_PATHS},
    {&sql_merge_coverage_due, BATCH_DATASETS},
};

static const Step new_count_steps[] = {{&sql_merge_level_counts, BATCH_LEVELS},
                                       {&sql_merge_delta, BATCH_PATHS}};

static bool run_steps(Merge *merge, Batch *batch, const Step *steps, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++)
        if ((steps[i].needs == BATCH_PATHS || batch_rows(batch, steps[i].needs)->len > 0) &&
            !db_run(merge->db, steps[i].sql, DB_NO_ARGS, NULL, err))
            return err_wrap(err, "step '%s'", steps[i].sql->name);
    return true;
}

#define RUN_STEPS(merge, batch, steps, err) run_steps((merge), (batch), (steps), COUNT_OF(steps), (err))

/* Whoever waits for the lock holds nothing yet that others wait for. */
static bool remove_gone(Merge *merge, Batch *batch, MergeCounts *out, Err *err)
{
    return db_run(merge->db, &sql_merge_gone_lock, DB_ARGS(DB_TEXT(merge->shard.code)), NULL, err) &&
           RUN_STEPS(merge, batch, gone_steps, err) &&
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

/* Is nothing known of the batch's paths but some directories? How many have a record. */
static bool ask_new(Merge *merge, const Batch *batch, bool *out, int64_t *directories, Err *err)
{
    RESULT_SCOPE(rows);

    *out = true;
    *directories = 0;
    if (batch_paths(batch) == 0)
        return true;
    if (!db_query(merge->db, &sql_merge_known, DB_NO_ARGS, &rows, err))
        return false;
    *out = !db_bool(rows, 0, 0);
    *directories = db_int(rows, 0, 1);
    return true;
}

/* What is gone or has turned into something else goes first, so that the rest is compared with what stays. */
static bool compare_staged(Merge *merge, Batch *batch, MergeCounts *out, Err *err)
{
    int64_t found;

    if (!db_query_int(merge->db, &sql_merge_retyped, DB_NO_ARGS, &found, err))
        return false;
    if ((found > 0 || batch_rows(batch, BATCH_GONE)->len > 0) && !remove_gone(merge, batch, out, err))
        return false;
    return db_run(merge->db, &sql_merge_same, DB_NO_ARGS, NULL, err) && count_paths(merge, out, err);
}

static bool take_in_paths(Merge *merge, MergeCounts *out, Err *err)
{
    int64_t paths;

    if (!db_run(merge->db, &sql_merge_paths, DB_NO_ARGS, &paths, err))
        return false;
    out->differs = paths + out->added + out->changed + out->removed > 0;
    return true;
}

/*
 * Gives every path of the batch a type and a directory; `added` of these were missing. Then the batch of the directory
 * above is still to come, or never comes: its number must not say until then that all is as it was before.
 */
static bool complete_paths(Merge *merge, Batch *batch, int64_t *added, Err *err)
{
    *added = 0;
    if (batch_has_bare(batch) &&
        (!merge_stage_known(merge, err) || !db_run(merge->db, &sql_merge_bare_types, DB_NO_ARGS, NULL, err)))
        return false;
    return batch_rows(batch, BATCH_ABOVE)->len == 0 ||
           (db_run(merge->db, &sql_merge_directories_missing, DB_ARGS(DB_TEXT(merge->shard.root)), added,
                   err) &&
            (*added == 0 || db_run(merge->db, &sql_merge_scans_above, DB_NO_ARGS, NULL, err)));
}

/* Rows of paths without a posix record, and of the directories that were missing. */
static bool take_in_bare(Merge *merge, const Batch *batch, int64_t added, Err *err)
{
    bool bare = batch_has_bare(batch);

    return (!bare || db_run(merge->db, &sql_merge_bare_files, DB_NO_ARGS, NULL, err)) &&
           (!(bare || added > 0) || db_run(merge->db, &sql_merge_bare_directories, DB_NO_ARGS, NULL, err));
}

static bool lock_tally(Merge *merge, Err *err)
{
    return db_run(merge->db, &sql_tally_lock, DB_ARGS(DB_TEXT(merge->shard.code)), NULL, err);
}

/* `known` of the batch's directories had a record before. */
static bool take_in_directories(Merge *merge, Batch *batch, int64_t known, MergeCounts *out, Err *err)
{
    int64_t written = 0;

    if (batch_rows(batch, BATCH_DIRECTORIES)->len > 0 &&
        !db_run(merge->db, &sql_merge_directories, DB_NO_ARGS, &written, err))
        return false;
    out->added = (int64_t)batch_paths(batch) - known;
    out->changed = written - ((int64_t)batch_directories(batch) - known);
    out->differs = out->added + out->changed > 0;
    return true;
}

/*
 * The batch's paths are all new but for `known` directories. Two batches often have a directory in common that both find missing, and the second to
 * add it waits until the first is committed: so directories come late.
 */
static bool take_in_new(Merge *merge, Batch *batch, int64_t known, MergeCounts *out, Err *err)
{
    int64_t above;
    bool staged = batch_has_bare(batch) || batch_has_contents(batch);

    return (staged ? COPY_STEPS(merge, batch, staged_paths, err)
                   : COPY_STEPS(merge, batch, whole_paths, err)) &&
           complete_paths(merge, batch, &above, err) &&
           (!staged || db_run(merge->db, &sql_merge_new_paths, DB_NO_ARGS, NULL, err)) &&
           COPY_STEPS(merge, batch, new_copies, err) && fault_pass(FAULT_batch_copied, err) &&
           db_run(merge->db, &sql_merge_new_directories, DB_NO_ARGS, NULL, err) &&
           take_in_directories(merge, batch, known, out, err) && RUN_STEPS(merge, batch, new_steps, err) &&
           take_in_bare(merge, batch, above, err) &&
           (!batch_has_contents(batch) || db_run(merge->db, &sql_merge_kinds, DB_NO_ARGS, NULL, err)) &&
           lock_tally(merge, err) && RUN_STEPS(merge, batch, new_count_steps, err);
}

static bool take_in_known(Merge *merge, Batch *batch, MergeCounts *out, Err *err)
{
    int64_t above;

    return merge_stage_known(merge, err) && COPY_STEPS(merge, batch, staged_paths, err) &&
           COPY_STEPS(merge, batch, known_copies, err) && fault_pass(FAULT_batch_copied, err) &&
           complete_paths(merge, batch, &above, err) && compare_staged(merge, batch, out, err) &&
           take_in_paths(merge, out, err) && RUN_STEPS(merge, batch, take_in_steps, err) &&
           take_in_bare(merge, batch, above, err) &&
           db_run(merge->db, &sql_merge_kinds, DB_NO_ARGS, NULL, err) && lock_tally(merge, err) &&
           RUN_STEPS(merge, batch, count_steps, err);
}

static bool forget_scans(Merge *merge, const Batch *batch, Err *err)
{
    Str dirs = batch_forgotten(batch);

    return dirs.len == 0 || db_run(merge->db, &sql_scans_forget, DB_ARGS(DB_TEXT(dirs)), NULL, err);
}

static bool take_in(Merge *merge, Batch *batch, MergeCounts *out, Err *err)
{
    bool fresh;
    int64_t directories;

    if (!db_run(merge->db, &sql_merge_lock, DB_ARGS(DB_TEXT(merge->shard.code)), NULL, err) ||
        !forget_scans(merge, batch, err) || !COPY_STEPS(merge, batch, key_copies, err) ||
        !ask_new(merge, batch, &fresh, &directories, err))
        return false;
    return fresh && batch_rows(batch, BATCH_GONE)->len == 0 ? take_in_new(merge, batch, directories, out, err)
                                                            : take_in_known(merge, batch, out, err);
}

/*
 * What clients keep of the shard is out of date with the commit, whatever becomes of the rest of the load. Last, because
 * whoever puts a document waits from here on.
 */
static bool forget_documents(Merge *merge, const MergeCounts *counts, Err *err)
{
    return !counts->differs || db_run(merge->db, &sql_documents_forget, DB_NO_ARGS, NULL, err);
}

static bool send_once(Merge *merge, Batch *batch, bool bulk, MergeCounts *out, Err *err)
{
    *out = (MergeCounts){0};
    if ((!bulk && !merge_stage(merge, err)) || !db_begin(merge->db, err))
        return false;
    TX_SCOPE(merge->db);
    if (bulk) {
        *out = (MergeCounts){.added = (int64_t)batch_paths(batch), .differs = true};
        /* A first load is there as a whole when its last commit is on disk, which waits for those before it. */
        if (!db_script(merge->db, "set local synchronous_commit = off", err) ||
            !COPY_STEPS(merge, batch, bulk_copies, err) || !fault_pass(FAULT_batch_copied, err))
            return false;
    } else if (!take_in(merge, batch, out, err))
        return false;
    return forget_documents(merge, out, err) && fault_pass(FAULT_batch_merged, err) &&
           db_commit(merge->db, err) && fault_pass(FAULT_batch_committed, err);
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
        merge->staged_known = false; /* made in the transaction that failed */
        /* A bulk batch whose commit was not answered may be in: sent again it would be there twice. */
        if (err->code != ERR_CONFLICT && (bulk || err->code != ERR_DB))
            return false;
    }
    return false;
}
