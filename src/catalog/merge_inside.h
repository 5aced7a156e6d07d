/* SPDX-License-Identifier: Apache-2.0 */
/* merge_inside -- what merge.c (batches) and merge_bulk.c (whole shards) share; nobody else includes it */
#ifndef CATALOG_MERGE_INSIDE_H
#define CATALOG_MERGE_INSIDE_H

#include "catalog/merge.h"

struct Merge {
    Arena *arena;
    Db *db;
    MergeShard shard;
    bool staged;       /* there are temporary tables, which a first load does not need */
    bool staged_known; /* and those that only a batch needs of which something is known */
};

/* Make the temporary tables where batches lie before they are merged, unless they are there. ERR_DB. */
bool merge_stage(Merge *merge, Err *err) ATTR_MUST_USE;

/* Make those that only a batch needs of which something is known. ERR_DB. */
bool merge_stage_known(Merge *merge, Err *err) ATTR_MUST_USE;

/* Copy a batch's rows of a table into the shard's own (`whole`), or to where they lie before they are merged. ERR_DB. */
bool merge_copy(Merge *merge, Batch *batch, BatchTable table, bool whole, Err *err) ATTR_MUST_USE;

#endif
