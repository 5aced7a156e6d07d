/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge -- one connection's part of a load: a sealed batch into a shard, in one transaction
 *
 * Used by the loader's writer threads only, each with its own. The steps of a merge are the rows of the
 * table in merge.c; each is one query of sql/merge_*.sql.
 */
#ifndef CATALOG_MERGE_H
#define CATALOG_MERGE_H

#include "catalog/batch.h"
#include "db/db.h"

typedef struct Merge Merge;

typedef struct MergeShard {
    Str code, root;
    bool bulk; /* a bulk load was cut off: complete it first */
} MergeShard;

typedef struct MergeCounts {
    int64_t added, changed, removed; /* paths */
    bool differs;                    /* the shard is not as it was: these, or paths without a record */
} MergeCounts;

/* Connect as a writer of `shard`. ERR_NOT_FOUND, ERR_DB. */
bool merge_open(Arena *arena, const char *conninfo, Str shard, Merge **out, Err *err) ATTR_MUST_USE;
MergeShard merge_shard(const Merge *merge);

/*
 * Send a sealed batch and commit it; tries again when it lost against another transaction or the server
 * went away for a while.
 *
 * bulk  as batch_seal()'s `whole`
 *
 * ERR_USAGE  the server refused a value; nothing was committed
 */
bool merge_batch(Merge *merge, Batch *batch, bool bulk, MergeCounts *out, Err *err) ATTR_MUST_USE;

/*
 * Start a bulk load if the shard is empty: drops its indexes. *began is false when it is not, or not any more: then
 * whoever filled it may have been cut off.
 *
 * ERR_BUSY  somebody else is loading it that way
 */
bool merge_begin_bulk(Merge *merge, bool *began, Err *err) ATTR_MUST_USE;

/* Was a bulk load of the shard cut off, or is one under way? ERR_DB. */
bool merge_is_cut_off(Merge *merge, bool *out, Err *err) ATTR_MUST_USE;

/* Complete a bulk load: missing directories, indexes (side by side on all connections), counts. ERR_BUSY, ERR_DB. */
bool merge_complete_bulk(Merge *const *merges, int count, Err *err) ATTR_MUST_USE;

/* Does the shard lack indexes that merge_build_late() builds? ERR_DB. */
bool merge_late_due(Merge *merge, bool *out, Err *err) ATTR_MUST_USE;

/* After a bulk load: let the planner look at the tables. ERR_DB. */
bool merge_analyze(Merge *const *merges, int count, Err *err) ATTR_MUST_USE;

/* Leave the rest to whoever tends the catalogue; *out is false when nobody does (tend.h). ERR_DB. */
bool merge_tended(Merge *merge, bool *out, Err *err) ATTR_MUST_USE;

/* Build the indexes that people in psql ask through, where they are missing. ERR_DB. */
bool merge_build_late(Merge *const *merges, int count, Err *err) ATTR_MUST_USE;

/* Prepare a connection for queries that change a shard: they look rows up one by one. ERR_NOT_FOUND, ERR_DB. */
bool merge_set_up(Db *db, Str shard, Err *err) ATTR_MUST_USE;

/* ---- refresh.c's part: one transaction that makes all that is derived anew, and writes what differs ---- */

/* ERR_BUSY, ERR_DB. */
bool merge_refresh_begin(Merge *merge, Err *err) ATTR_MUST_USE;
/* Copies a batch that was sealed as `whole`, but for paths and records, which are there. ERR_DB. */
bool merge_refresh_batch(Merge *merge, Batch *batch, Err *err) ATTR_MUST_USE;
/* ERR_DB, ERR_CONFLICT. */
bool merge_refresh_commit(Merge *merge, Err *err) ATTR_MUST_USE;
void merge_refresh_abort(Merge *merge);

#endif
