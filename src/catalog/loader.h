/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader -- records into a shard: batches, sent by writer threads, merged in one transaction each
 *
 * Two ways in. Into a shard without paths the rows go straight by COPY, indexes are built and counts are made
 * at the end ("bulk"); this lasts while every path is new. Otherwise a batch goes to temporary tables and is
 * merged: rows that are already there word for word are left alone, counts of directories change by what
 * changed. The public state is the same either way. A process that is killed leaves whole batches: a bulk load
 * that was cut off is completed (indexes, counts) by the next loader of the shard.
 *
 * Several threads may fill batches at once, each its own.
 *
 *     if (!loader_open(arena, &(LoaderOptions){.conninfo = c, .shard = s}, &loader, err)) ...
 *     Batch *batch = batch_new();
 *     batch_add(batch, &record);
 *     if (batch_is_full(batch) && !loader_give(loader, &batch, err)) ...
 *     ...
 *     if (!loader_give(loader, &batch, err) || !loader_finish(loader, &totals, err)) ...
 */
#ifndef CATALOG_LOADER_H
#define CATALOG_LOADER_H

#include "catalog/batch.h"
#include "db/db.h"

typedef struct Loader Loader;

/* A record that the server does not take, told from a writer thread. */
typedef void LoaderRejectFn(void *ctx, const BatchRecord *record, const char *reason);

typedef struct LoaderOptions {
    const char *conninfo; /* of the owner role */
    Str shard;
    int writers;   /* connections; 0 is 2 */
    bool distinct; /* the giver promises that no path is given twice: no need to look */
    bool merging;  /* never a bulk load, also where the shard is empty: each batch is public at once */
    LoaderRejectFn *reject; /* may be NULL: then such a record is an error */
    void *reject_ctx;
} LoaderOptions;

typedef struct LoaderTotals {
    int64_t records;                 /* sent */
    int64_t added, changed, removed; /* paths */
    int64_t rejected;                /* records that the server did not take */
    bool bulk;                       /* all of it went in by COPY alone */
} LoaderTotals;

/*
 * Connect and look at the shard; a bulk load that was cut off is completed first.
 *
 * ERR_NOT_FOUND  there is no such shard
 * ERR_DB         the server cannot be reached
 * ERR_BUSY       another process is in the middle of a bulk load of this shard
 */
bool loader_open(Arena *arena, const LoaderOptions *options, Loader **out, Err *err) ATTR_MUST_USE;

/*
 * Hand over a batch to be sent; *batch is then another, empty one (the next to fill).
 *
 * Any failure of a writer comes out of the next call, and then of every one.
 *
 * ERR_DB     the server does not answer, or refuses to do more
 * ERR_USAGE  it refused a value, and there is no `reject`
 */
bool loader_give(Loader *loader, Batch **batch, Err *err) ATTR_MUST_USE;

/* Wait until all that was handed over is committed. ERR_DB, ERR_USAGE. */
bool loader_drain(Loader *loader, Err *err) ATTR_MUST_USE;

/* The same, and the shard is complete: for changes that do not come in batches. A first load ends with it. ERR_DB. */
bool loader_settle(Loader *loader, Err *err) ATTR_MUST_USE;

/* What was committed so far. */
LoaderTotals loader_totals(Loader *loader);

/* The root of the shard. */
Str loader_root(const Loader *loader);

/*
 * Wait until everything is committed, complete a bulk load, and close. To be called once, also after a failure; where it
 * is not, the arena closes the loader, and the next one completes a bulk load. ERR_DB.
 */
bool loader_finish(Loader *loader, LoaderTotals *out, Err *err) ATTR_MUST_USE;

#endif
