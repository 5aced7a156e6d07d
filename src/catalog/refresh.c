/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/refresh.h"

#include "catalog/coverage.h"
#include "catalog/loader.h"
#include "catalog/merge.h"
#include "catalog/problem.h"
#include "catalog/record.h"
#include "catalog/shard.h"
#include "catalog_sql.h"

enum { PATH, TYPE, POSIX, KEPT, GDAL }; /* columns of refresh_read */

typedef struct Refresh {
    Arena arena, row;
    Db *reader;
    Merge *merge; /* the transaction */
    DatasetReader *datasets;
    Batch *batch;
    const atomic_bool *stop;
    RefreshTotals totals;
    ProblemLog *problems;
} Refresh;

static void release(Refresh *refresh)
{
    batch_free(refresh->batch);
    arena_free(&refresh->row);
    arena_free(&refresh->arena);
}

static bool send(Refresh *refresh, Err *err)
{
    batch_seal(refresh->batch, true);
    if (!merge_refresh_batch(refresh->merge, refresh->batch, err))
        return false;
    batch_reset(refresh->batch);
    return true;
}

static void refuse(Refresh *refresh, Str path, const Err *why)
{
    refresh->totals.refused++;
    problem_note(refresh->problems, path, "%s", why->text);
}

/* What the path is: by its posix record, else by its type; false when a record cannot be read. */
static bool facts_of(Refresh *refresh, const PGresult *one, PosixFacts *out)
{
    Err why = {0};

    *out = (PosixFacts){.type = POSIX_FILE};
    if (!db_is_null(one, 0, POSIX)) {
        if (posix_parse(&refresh->row, db_text(one, 0, POSIX), out, &why))
            return true;
        refuse(refresh, db_text(one, 0, PATH), &why);
        *out = (PosixFacts){.type = POSIX_FILE};
    }
    return db_is_null(one, 0, TYPE) || posix_type_from_name(db_text(one, 0, TYPE), &out->type);
}

static bool take_row(void *refresh_v, const PGresult *one, Err *err)
{
    Refresh *refresh = refresh_v;
    PosixFacts facts;
    Err why = {0};

    if (refresh->stop && atomic_load(refresh->stop))
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    arena_reset(&refresh->row);
    refresh->totals.paths++;
    BatchRecord record = {.path = db_text(one, 0, PATH), .type = STR("posix"), .facts = &facts};
    if (!facts_of(refresh, one, &facts))
        return true;
    if (db_is_null(one, 0, TYPE) && facts.type <= POSIX_LINK)
        return true; /* a fifo or the like: derived tables have no rows of it */
    if (db_bool(one, 0, KEPT))
        record.json = db_text(one, 0, POSIX);
    batch_add(refresh->batch, &record);
    if (!db_is_null(one, 0, GDAL)) {
        record = (BatchRecord){.path = record.path, .type = STR("gdal")};
        if (dataset_parse(refresh->datasets, batch_arena(refresh->batch), record.path, db_text(one, 0, GDAL),
                          &record.datasets, &why))
            batch_add(refresh->batch, &record);
        else if (!record_is_bad(&why)) {
            *err = why;
            return false;
        } else
            refuse(refresh, record.path, &why);
    }
    return !batch_is_full(refresh->batch) || send(refresh, err);
}

static bool begin(Refresh *refresh, const char *conninfo, Str shard, Err *err)
{
    refresh->batch = batch_new();
    refresh->problems = problem_log_new(&refresh->arena, conninfo, shard, "refresh");
    return db_open(&refresh->arena, conninfo, &refresh->reader, err) &&
           shard_use(refresh->reader, shard, err) &&
           merge_open(&refresh->arena, conninfo, shard, &refresh->merge, err) &&
           dataset_reader_open(&refresh->arena, conninfo, shard, &refresh->datasets, err);
}

bool refresh_full(const char *conninfo, Str shard, const atomic_bool *stop, RefreshTotals *out, Err *err)
{
    ATTR_CLEANUP(release) Refresh refresh = {.stop = stop};

    *out = (RefreshTotals){0};
    if (!begin(&refresh, conninfo, shard, err) || !merge_refresh_begin(refresh.merge, err))
        return false;
    bool ok = db_stream(refresh.reader, &sql_refresh_read, DB_NO_ARGS, false, take_row, &refresh, err) &&
              send(&refresh, err) && merge_refresh_commit(refresh.merge, err);
    if (!ok)
        merge_refresh_abort(refresh.merge);
    *out = refresh.totals;
    return ok && problem_log_finish(refresh.problems, NULL, err) &&
           (coverage_refresh(conninfo, shard, err) || err->code == ERR_CONFLICT);
}

bool refresh_complete(const char *conninfo, Str shard, Err *err)
{
    ARENA_SCOPE(arena);
    Merge *merge;

    return merge_open(&arena, conninfo, shard, &merge, err) &&
           (!merge_shard(merge).bulk || merge_complete_bulk(&merge, 1, err));
}
