/* SPDX-License-Identifier: Apache-2.0 */
/* The part of merge.h that is about a whole shard: a first load, its indexes and sums, and making all anew. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/fault.h"
#include "catalog/merge_inside.h"
#include "catalog/tend.h"
#include "catalog_sql.h"

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

static bool ask_empty(Merge *merge, bool *out, Err *err)
{
    RESULT_SCOPE(empty);

    if (!db_query(merge->db, &sql_shard_is_empty, DB_NO_ARGS, &empty, err))
        return false;
    *out = db_bool(empty, 0, 0);
    return true;
}

/* An empty shard that somebody reads all the time is filled with its indexes in place. */
bool merge_begin_bulk(Merge *merge, bool *began, Err *err)
{
    bool empty;

    *began = false;
    if (!ask_empty(merge, &empty, err))
        return false;
    if (!empty)
        return true;
    /* Whoever held the lock until now has filled it. */
    if (!lock_bulk(merge, err) || !ask_empty(merge, &empty, err))
        return false;
    for (int try = 0; empty && try < DROP_TRIES && !*began; try++) {
        if (try > 0)
            time_sleep(MILLISECONDS(100));
        *began = drop_indexes(merge, err);
        if (!*began && err->code != ERR_BUSY)
            return false;
    }
    return *began ? fault_pass(FAULT_bulk_begun, err)
                  : db_run(merge->db, &sql_bulk_unlock, DB_NO_ARGS, NULL, err);
}

/* ---- work done side by side, on all connections ---- */

typedef struct Job {
    const Sql *sql;
    Str arg; /* its only one, or nothing */
} Job;

typedef struct Work {
    const Job *jobs;
    int count;
    atomic_int next;
    atomic_bool failed;
} Work;

typedef struct Worker {
    Work *work;
    Merge *merge;
    pthread_t thread;
    Err err;
} Worker;

static bool run_job(const Merge *merge, const Job *job, Err *err)
{
    if (job->arg.len == 0)
        return db_run(merge->db, job->sql, DB_NO_ARGS, NULL, err);
    return db_run(merge->db, job->sql, DB_ARGS(DB_TEXT(job->arg)), NULL, err) ||
           strcmp(err->sqlstate, "42P07") == 0; /* another process built that index first */
}

static void *run_jobs(void *arg)
{
    Worker *worker = arg;
    Work *work = worker->work;

    for (int n; !atomic_load(&work->failed) && (n = atomic_fetch_add(&work->next, 1)) < work->count;)
        if (!run_job(worker->merge, &work->jobs[n], &worker->err))
            atomic_store(&work->failed, true);
    return NULL;
}

enum { WORKERS_MAX = 8 };

static bool work_through(Merge *const *merges, int count, const Job *jobs, int job_count, Err *err)
{
    Worker workers[WORKERS_MAX] = {0};
    Work work = {.jobs = jobs, .count = job_count};

    count = count < WORKERS_MAX ? count : WORKERS_MAX;
    workers[0] = (Worker){.work = &work, .merge = merges[0]};
    for (int i = 1; i < count; i++) {
        workers[i] = (Worker){.work = &work, .merge = merges[i]};
        if (pthread_create(&workers[i].thread, NULL, run_jobs, &workers[i]) != 0)
            workers[i].merge = NULL;
    }
    (void)run_jobs(&workers[0]);
    for (int i = 1; i < count; i++)
        if (workers[i].merge)
            (void)pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < count && atomic_load(&work.failed); i++)
        if (workers[i].err.code) {
            *err = workers[i].err;
            return err_wrap(err, "cannot complete shard '%.*s'", STR_ARG(merges[0]->shard.code));
        }
    return true;
}

/* Runs some jobs, and builds the indexes that are missing. */
static bool build_missing(Merge *const *merges, int count, bool late, const Job *first, int first_count,
                          Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(names);

    if (!db_query(merges[0]->db, &sql_index_missing, DB_ARGS(DB_BOOL(late)), &names, err))
        return false;
    Job *jobs = arena_new(&scratch, Job, (size_t)(first_count + db_count(names)) + 1);
    for (int i = 0; i < first_count; i++)
        jobs[i] = first[i];
    for (int i = 0; i < db_count(names); i++)
        jobs[first_count + i] = (Job){&sql_index_build, db_text(names, i, 0)};
    return work_through(merges, count, jobs, first_count + db_count(names), err);
}

/* Sums over other rows that nobody can tell from those before, where their rows are the same. */
static bool rebuild_sums(Merge *merge, Err *err)
{
    return db_run(merge->db, &sql_rebuild_levels, DB_NO_ARGS, NULL, err) &&
           db_run(merge->db, &sql_rebuild_coverage_due, DB_NO_ARGS, NULL, err);
}

static bool complete_counts(Merge *merge, Err *err)
{
    if (!db_begin(merge->db, err))
        return false;
    TX_SCOPE(merge->db);
    return db_script(merge->db, "set local synchronous_commit = on", err) && rebuild_sums(merge, err) &&
           db_run(merge->db, &sql_rebuild_kinds, DB_NO_ARGS, NULL, err) &&
           db_run(merge->db, &sql_documents_forget, DB_NO_ARGS, NULL, err) &&
           db_run(merge->db, &sql_shard_set_bulk, DB_ARGS(DB_TEXT(merge->shard.code), DB_BOOL(false)), NULL,
                  err) &&
           db_commit(merge->db, err);
}

/*
 * The planner knows nothing of these tables yet: a nested loop over them would never end. Every page of a new index goes
 * into the log whole, and making these smaller took a sixth of the time of building one. Nothing has to be on disk before
 * the last commit, which waits for all that was before it.
 */
static const char completing[] =
    "set enable_nestloop = off; set enable_hashjoin = on; set enable_mergejoin = on; set enable_seqscan = on; set synchronous_commit = off; "
    "select set_config('wal_compression', 'off', false) where has_parameter_privilege('wal_compression', 'set')";
static const char completed[] =
    "reset enable_nestloop; set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off; reset synchronous_commit; "
    "select set_config('wal_compression', reset_val, false) from pg_settings "
    "where name = 'wal_compression' and has_parameter_privilege('wal_compression', 'set')";

static bool run_on_all(Merge *const *merges, int count, const char *script, Err *err)
{
    for (int i = 0; i < count; i++)
        if (!db_script(merges[i]->db, script, err))
            return false;
    return true;
}

bool merge_complete_bulk(Merge *const *merges, int count, Err *err)
{
    Merge *merge = merges[0];
    const Job directories = {&sql_bulk_complete, merge->shard.root};

    return lock_bulk(merge, err) && run_on_all(merges, count, completing, err) &&
           build_missing(merges, count, false, &directories, 1, err) && fault_pass(FAULT_bulk_indexed, err) &&
           complete_counts(merge, err) && fault_pass(FAULT_bulk_completed, err) &&
           run_on_all(merges, count, completed, err) &&
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

/* A sample of 9,000 rows is enough to plan by, and takes a third of the usual; autovacuum takes a larger one later. */
bool merge_analyze(Merge *const *merges, int count, Err *err)
{
    static const char *const tables[] = {"paths", "files", "datasets", "directories",
                                         "links", "cells", "records"};
    Job jobs[COUNT_OF(tables)];

    for (size_t i = 0; i < COUNT_OF(tables); i++)
        jobs[i] = (Job){&sql_analyze_table, str_from_z(tables[i])};
    return run_on_all(merges, count, "set default_statistics_target = 30", err) &&
           work_through(merges, count, jobs, COUNT_OF(jobs), err);
}

bool merge_build_late(Merge *const *merges, int count, Err *err)
{
    return build_missing(merges, count, true, NULL, 0, err);
}

bool merge_tended(Merge *merge, bool *out, Err *err)
{
    return tend_call(merge->db, merge->shard.code, out, err);
}

/* ---- refresh ---- */

bool merge_refresh_begin(Merge *merge, Err *err)
{
    return lock_bulk(merge, err) && merge_stage(merge, err) && merge_stage_known(merge, err) &&
           db_begin(merge->db, err);
}

static const BatchTable refreshed[] = {BATCH_FILES, BATCH_DIRECTORIES, BATCH_LINKS, BATCH_DATASETS,
                                       BATCH_CELLS};

bool merge_refresh_batch(Merge *merge, Batch *batch, Err *err)
{
    for (size_t i = 0; i < COUNT_OF(refreshed); i++)
        if (!merge_copy(merge, batch, refreshed[i], false, err))
            return false;
    return true;
}

/* What a step of a refresh tells of what it found. */
typedef enum Tells {
    TELLS_NOTHING,
    TELLS_ROWS, /* it touched only rows that differed */
    TELLS_COUNT /* its only value is the number of these */
} Tells;

static const struct {
    const Sql *sql;
    Tells tells;
} refresh_steps[] = {
    {&sql_refresh_gone, TELLS_COUNT},       {&sql_refresh_names, TELLS_COUNT},
    {&sql_merge_files, TELLS_ROWS},         {&sql_merge_directories, TELLS_ROWS},
    {&sql_merge_links, TELLS_ROWS},         {&sql_merge_posix_moved, TELLS_NOTHING},
    {&sql_refresh_due, TELLS_ROWS},         {&sql_refresh_old_datasets, TELLS_NOTHING},
    {&sql_refresh_datasets, TELLS_NOTHING}, {&sql_refresh_cells, TELLS_NOTHING},
    {&sql_refresh_coverage, TELLS_NOTHING}, {&sql_rebuild_tallies, TELLS_COUNT},
    {&sql_rebuild_kinds, TELLS_COUNT},
};

static bool run_refresh_steps(Merge *merge, int64_t *differing, Err *err)
{
    for (size_t i = 0; i < COUNT_OF(refresh_steps); i++) {
        const Sql *sql = refresh_steps[i].sql;
        int64_t rows;

        if (!(refresh_steps[i].tells == TELLS_COUNT ? db_query_int(merge->db, sql, DB_NO_ARGS, &rows, err)
                                                    : db_run(merge->db, sql, DB_NO_ARGS, &rows, err)))
            return err_wrap(err, "step '%s'", sql->name);
        if (refresh_steps[i].tells != TELLS_NOTHING)
            *differing += rows;
    }
    return true;
}

/* Writes what differs, so that nobody who reads has to wait and a shard that is right is left alone. */
bool merge_refresh_commit(Merge *merge, Err *err)
{
    int64_t differing = 0;

    return fault_pass(FAULT_refresh_staged, err) &&
           db_script(
               merge->db,
               "set local enable_hashjoin = on; set local enable_mergejoin = on; set local enable_nestloop = off; set local enable_seqscan = on; "
               "analyze stage_files, stage_directories, stage_links, stage_datasets, stage_cells",
               err) &&
           run_refresh_steps(merge, &differing, err) && rebuild_sums(merge, err) &&
           (differing == 0 || db_run(merge->db, &sql_documents_forget, DB_NO_ARGS, NULL, err)) &&
           fault_pass(FAULT_refresh_written, err) && db_commit(merge->db, err) &&
           db_run(merge->db, &sql_bulk_unlock, DB_NO_ARGS, NULL, err);
}

void merge_refresh_abort(Merge *merge)
{
    db_rollback(merge->db);
}
