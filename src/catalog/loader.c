/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/loader.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "catalog/coverage.h"
#include "catalog/merge.h"
#include "catalog/seen.h"

enum { WRITERS_DEFAULT = 2, WRITERS_MAX = 8, BATCHES_PER_WRITER = 2, GIVERS_MAX = 64 };

typedef struct Writer {
    pthread_t thread;
    bool started;
    Arena arena;
    Merge *merge;
    Loader *loader;
} Writer;

struct Loader {
    LoaderOptions options;
    MergeShard shard;
    Arena *arena;
    Writer writers[WRITERS_MAX];
    int writer_count;

    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t changed;
    Batch *queue[WRITERS_MAX * BATCHES_PER_WRITER];
    Batch *spare[WRITERS_MAX * BATCHES_PER_WRITER]; /* sent ones: their memory is used again */
    Batch *busy[WRITERS_MAX];                       /* what each writer is sending, or NULL */
    int queued, sending, spares;
    bool ending, failed, bulk;
    bool datasets; /* some batch had any */
    bool late_due; /* indexes for people in psql are missing */
    Err err;       /* of the writer that failed first */
    LoaderTotals totals;
    Seen seen;
};

/* ---- sending ---- */

static void reject(Loader *loader, const BatchRecord *record, const Err *err)
{
    LOCK_SCOPE(held, &loader->mutex);
    loader->totals.rejected++;
    loader->options.reject(loader->options.reject_ctx, record, err->text);
}

static bool send_part(Writer *writer, const Batch *batch, size_t from, size_t to, bool bulk, Err *err);

/* The server refused a value: send the two halves by themselves, down to the record that is to blame. */
static bool send_halves(Writer *writer, const Batch *batch, size_t from, size_t to, bool bulk, Err *err)
{
    if (to - from == 1) {
        BatchRecord record;

        if (batch_record(batch, from, &record))
            reject(writer->loader, &record, err);
        return true;
    }
    size_t middle = from + (to - from) / 2;
    return send_part(writer, batch, from, middle, bulk, err) &&
           send_part(writer, batch, middle, to, bulk, err);
}

static bool refused_value(const Loader *loader, const Err *err)
{
    return err->code == ERR_USAGE && loader->options.reject;
}

static bool send_sealed(Writer *writer, Batch *batch, bool bulk, Err *err)
{
    MergeCounts counts = {0};

    if (!merge_batch(writer->merge, batch, bulk, &counts, err))
        return false;
    LOCK_SCOPE(held, &writer->loader->mutex);
    LoaderTotals *totals = &writer->loader->totals;
    totals->records += (int64_t)batch_records(batch);
    totals->added += counts.added;
    totals->changed += counts.changed;
    totals->removed += counts.removed;
    return true;
}

static bool send_part(Writer *writer, const Batch *batch, size_t from, size_t to, bool bulk, Err *err)
{
    Batch *part = batch_new();

    for (size_t n = from; n < to; n++) {
        BatchRecord record;

        if (batch_record(batch, n, &record))
            batch_add(part, &record);
    }
    batch_seal(part, bulk);
    bool ok = send_sealed(writer, part, bulk, err);
    batch_free(part);
    return ok || (refused_value(writer->loader, err) && send_halves(writer, batch, from, to, bulk, err));
}

static bool send_batch(Writer *writer, Batch *batch, bool bulk, Err *err)
{
    batch_seal(batch, bulk);
    if (send_sealed(writer, batch, bulk, err))
        return true;
    if (!refused_value(writer->loader, err) || batch_records(batch) == 0)
        return false;
    return send_halves(writer, batch, 0, batch_records(batch), bulk, err);
}

/* The next batch to send, or NULL when there will be none. */
static Batch *next_batch(Writer *writer, bool *bulk)
{
    Loader *loader = writer->loader;
    LOCK_SCOPE(held, &loader->mutex);

    while (loader->queued == 0 && !loader->ending)
        (void)pthread_cond_wait(&loader->changed, &loader->mutex);
    if (loader->queued == 0)
        return NULL;
    *bulk = loader->bulk;
    loader->sending++;
    Batch *next = loader->queue[0];
    loader->queued--;
    memmove(loader->queue, loader->queue + 1, (size_t)loader->queued * sizeof *loader->queue);
    loader->busy[writer - loader->writers] = next;
    return next;
}

static void sent(Writer *writer, Batch *batch, bool ok, const Err *err)
{
    Loader *loader = writer->loader;
    LOCK_SCOPE(held, &loader->mutex);

    loader->busy[writer - loader->writers] = NULL;
    batch_reset(batch);
    if (loader->spares < loader->writer_count)
        loader->spare[loader->spares++] = batch;
    else
        batch_free(batch);
    loader->sending--;
    if (!ok && !loader->failed) {
        loader->failed = true;
        loader->err = *err;
    }
    (void)pthread_cond_broadcast(&loader->changed);
}

static void *write_batches(void *arg)
{
    Writer *writer = arg;
    bool bulk;

    for (Batch *batch; (batch = next_batch(writer, &bulk));) {
        Err err = {0};
        bool failed_before = atomic_load((_Atomic bool *)&writer->loader->failed);
        bool ok = failed_before || send_batch(writer, batch, bulk, &err);

        sent(writer, batch, ok, &err);
    }
    return NULL;
}

/* ---- bulk and merge ---- */

static void wait_until_idle(Loader *loader)
{
    while (loader->queued + loader->sending > 0)
        (void)pthread_cond_wait(&loader->changed, &loader->mutex);
}

static void all_merges(const Loader *loader, Merge *out[WRITERS_MAX])
{
    for (int i = 0; i < loader->writer_count; i++)
        out[i] = loader->writers[i].merge;
}

/* Ends a bulk load in the middle: what came is completed, and the rest is merged. The mutex is held. */
static bool leave_bulk(Loader *loader, Err *err)
{
    Merge *merges[WRITERS_MAX] = {0};

    wait_until_idle(loader);
    if (!loader->bulk || loader->failed)
        return true;
    all_merges(loader, merges);
    if (!merge_complete_bulk(merges, loader->writer_count, err))
        return false;
    loader->bulk = false;
    return true;
}

/*
 * What makes answers faster but not other is left to a service that tends the catalogue, or done here. The mutex is
 * held, nobody sends.
 */
static bool finish_late(Loader *loader, bool was_bulk, bool *tended, Err *err)
{
    Merge *merges[WRITERS_MAX] = {0};

    *tended = false;
    if (loader->failed)
        return true;
    all_merges(loader, merges);
    if (was_bulk && !merge_analyze(merges, loader->writer_count, err))
        return false;
    if (!(was_bulk || loader->late_due || loader->datasets || loader->totals.removed > 0))
        return true;
    return merge_tended(merges[0], tended, err) &&
           (*tended || merge_build_late(merges, loader->writer_count, err));
}

/* Notes the batch's paths. False when one was there before, or there are too many to tell. */
static bool all_new(Loader *loader, const Batch *batch)
{
    bool fresh = true;

    for (size_t n = 0; n < batch_paths(batch); n++) {
        PathHash hash = batch_path_hash(batch, n);
        fresh &= seen_add(&loader->seen, &hash);
    }
    return fresh;
}

static bool share_path(const Batch *one, const Batch *other)
{
    for (size_t n = 0; n < batch_paths(one); n++) {
        PathHash hash = batch_path_hash(one, n);

        if (batch_has_path(other, &hash))
            return true;
    }
    return false;
}

/* Is a path of the batch on its way already? Then the later record must wait, as it is the one that counts. */
static bool is_on_its_way(const Loader *loader, const Batch *batch)
{
    for (int i = 0; i < loader->queued; i++)
        if (share_path(batch, loader->queue[i]))
            return true;
    for (int i = 0; i < loader->writer_count; i++)
        if (loader->busy[i] && share_path(batch, loader->busy[i]))
            return true;
    return false;
}

/* Removals need the merge, and so does a path that came before. */
static bool fits_bulk(Loader *loader, Batch *batch)
{
    return batch_rows(batch, BATCH_GONE)->len == 0 && (loader->options.distinct || all_new(loader, batch));
}

static bool fail(Loader *loader, const Err *from, Err *err)
{
    if (!loader->failed) {
        loader->failed = true;
        loader->err = *from;
    }
    *err = loader->err;
    return false;
}

bool loader_give(Loader *loader, Batch **batch, Err *err)
{
    LOCK_SCOPE(held, &loader->mutex);
    Err own;

    if (loader->failed)
        return fail(loader, &loader->err, err);
    if (batch_is_empty(*batch))
        return true;
    if (loader->bulk && !fits_bulk(loader, *batch) && !leave_bulk(loader, &own))
        return fail(loader, &own, err);
    if (!loader->bulk && !loader->options.distinct && is_on_its_way(loader, *batch))
        wait_until_idle(loader);
    while (loader->queued >= loader->writer_count && !loader->failed)
        (void)pthread_cond_wait(&loader->changed, &loader->mutex);
    if (loader->failed)
        return fail(loader, &loader->err, err);
    loader->datasets |= batch_has_datasets(*batch);
    loader->queue[loader->queued++] = *batch;
    (void)pthread_cond_broadcast(&loader->changed);
    *batch = loader->spares ? loader->spare[--loader->spares] : batch_new();
    return true;
}

bool loader_drain(Loader *loader, Err *err)
{
    LOCK_SCOPE(held, &loader->mutex);

    wait_until_idle(loader);
    return !loader->failed || fail(loader, &loader->err, err);
}

bool loader_settle(Loader *loader, Err *err)
{
    LOCK_SCOPE(held, &loader->mutex);
    Err own;

    if (!leave_bulk(loader, &own))
        return fail(loader, &own, err);
    return !loader->failed || fail(loader, &loader->err, err);
}

/* ---- life cycle ---- */

static bool open_writers(Loader *loader, Err *err)
{
    for (int i = 0; i < loader->writer_count; i++) {
        Writer *writer = &loader->writers[i];

        writer->loader = loader;
        if (!merge_open(&writer->arena, loader->options.conninfo, loader->options.shard, &writer->merge, err))
            return false;
    }
    loader->shard = merge_shard(loader->writers[0].merge);
    return true;
}

static bool start_writers(Loader *loader, Err *err)
{
    for (int i = 0; i < loader->writer_count; i++) {
        Writer *writer = &loader->writers[i];

        if (pthread_create(&writer->thread, NULL, write_batches, writer) != 0)
            return err_sys(err, ERR_IO, "cannot start a writer thread");
        writer->started = true;
    }
    return true;
}

static bool complete_cut_off(const Loader *loader, Err *err)
{
    Merge *merges[WRITERS_MAX] = {0};
    bool cut_off;

    all_merges(loader, merges);
    return merge_is_cut_off(merges[0], &cut_off, err) &&
           (!cut_off || merge_complete_bulk(merges, loader->writer_count, err));
}

/* A cut-off bulk load is completed; an empty shard gets a new one. Another loader may have been quicker. */
static bool choose_way(Loader *loader, Err *err)
{
    Merge *merge = loader->writers[0].merge;

    if (!complete_cut_off(loader, err) || !merge_late_due(merge, &loader->late_due, err))
        return false;
    if (loader->options.merging)
        return true;
    return merge_begin_bulk(merge, &loader->bulk, err) && (loader->bulk || complete_cut_off(loader, err));
}

static void close_all(Loader *loader)
{
    pthread_mutex_lock(&loader->mutex);
    loader->ending = true;
    (void)pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    for (int i = 0; i < loader->writer_count; i++) {
        if (loader->writers[i].started)
            (void)pthread_join(loader->writers[i].thread, NULL);
        loader->writers[i].started = false;
    }
}

static void release(void *arg)
{
    Loader *loader = arg;

    close_all(loader); /* where whoever opened it failed before it could be finished */
    for (int i = 0; i < loader->writer_count; i++)
        arena_free(&loader->writers[i].arena);
    while (loader->spares)
        batch_free(loader->spare[--loader->spares]);
    seen_release(&loader->seen);
    (void)pthread_cond_destroy(&loader->changed);
    (void)pthread_mutex_destroy(&loader->mutex);
}

bool loader_open(Arena *arena, const LoaderOptions *options, Loader **out, Err *err)
{
    Loader *loader = arena_new(arena, Loader, 1);

    loader->options = *options;
    loader->arena = arena;
    loader->writer_count = options->writers > 0 ? options->writers : WRITERS_DEFAULT;
    if (loader->writer_count > WRITERS_MAX)
        loader->writer_count = WRITERS_MAX;
    (void)pthread_mutex_init(&loader->mutex, NULL);
    (void)pthread_cond_init(&loader->changed, NULL);
    arena_defer(arena, release, loader);
    if (!open_writers(loader, err) || !choose_way(loader, err) || !start_writers(loader, err)) {
        close_all(loader);
        return false;
    }
    loader->totals.bulk = loader->bulk;
    *out = loader;
    return true;
}

LoaderTotals loader_totals(Loader *loader)
{
    LOCK_SCOPE(held, &loader->mutex);
    return loader->totals;
}

Str loader_root(const Loader *loader)
{
    return loader->shard.root;
}

/* Somebody else who does the same at once is welcome to: what is there is right either way. */
static bool refresh_coverage(const Loader *loader, Err *err)
{
    if (!loader->datasets && loader->totals.removed == 0)
        return true;
    return coverage_refresh(loader->options.conninfo, loader->options.shard, err) ||
           err->code == ERR_CONFLICT;
}

bool loader_finish(Loader *loader, LoaderTotals *out, Err *err)
{
    Err own;

    pthread_mutex_lock(&loader->mutex);
    bool stayed = loader->bulk, was_bulk = loader->totals.bulk;
    bool tended = false;
    bool ok = leave_bulk(loader, &own) && finish_late(loader, was_bulk, &tended, &own);
    if (!ok)
        (void)fail(loader, &own, err);
    loader->totals.bulk = stayed && ok;
    *out = loader->totals;
    if (loader->failed) {
        *err = loader->err;
        ok = false;
    }
    pthread_mutex_unlock(&loader->mutex);
    close_all(loader);
    return ok && (tended || refresh_coverage(loader, err));
}
